"""Follows the content blocks of one answer through their pieces."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from llm_router.messages import Json, JsonObject, ReasoningDelta, StreamEvent, TextDelta, ToolCallDelta
from llm_router.wire.json_answers import ANSWER_TOOL
from llm_router.wire.reading import as_json_text, as_list, as_text, parse
from llm_router.wire.tool_calls import made_call_id


@dataclass(slots=True)
class _Open:
    """A block under way. `call` is its place among the caller's tool calls, None for every other block."""

    block: JsonObject
    call: int | None = None
    pieces: list[str] = field(default_factory=list)


class Blocks:
    """Turns content blocks into events.

    Blocks of the server's own tools have no neutral form; they are kept whole in `extras`, as are citations.
    """

    def __init__(self) -> None:
        self._open: dict[int, _Open] = {}
        self._calls = 0
        self._others: list[Json] = []
        self._citations: list[Json] = []
        self.any = False

    @property
    def called(self) -> bool:
        """Whether a tool of the caller's was called."""
        return self._calls > 0

    @property
    def extras(self) -> Mapping[str, Json]:
        """What the blocks say beyond the neutral form."""
        found: dict[str, list[Json]] = {"content_blocks": self._others, "citations": self._citations}
        return {name: list(values) for name, values in found.items() if values}

    def start(self, index: int, block: JsonObject) -> list[StreamEvent]:
        """The events that a block begins with: of a whole one, all but a call's arguments."""
        ended, self.any = self.stop(index), True
        kind = as_text(block.get("type"))
        self._open[index] = _Open(block)
        if kind == "tool_use":
            return [*ended, *self._start_call(index, block)]
        self._citations += as_list(block.get("citations"))
        read = _STARTS.get(kind)
        return ended if read is None else [*ended, *read(block)]

    def add(self, index: int, delta: JsonObject) -> list[StreamEvent]:
        """The events of a block's next piece."""
        citation = delta.get("citation")
        self._citations += [] if citation is None else [citation]
        if delta.get("type") == "input_json_delta":
            return self._add_input(index, as_text(delta.get("partial_json")))
        read = _DELTAS.get(as_text(delta.get("type")))
        return [] if read is None else read(delta)

    def stop(self, index: int) -> list[StreamEvent]:
        """The events that a block ends with."""
        ended = self._open.pop(index, None)
        if ended is None:
            return []
        if ended.block.get("type") == "tool_use":
            return [] if ended.pieces else _arguments(ended, as_json_text(ended.block.get("input")) or "{}")
        if ended.block.get("type") not in _STARTS:
            self._others.append(_with_input(ended))
        return []

    def close(self) -> list[StreamEvent]:
        """Ends what the stream left open."""
        return [event for index in list(self._open) for event in self.stop(index)]

    def _start_call(self, index: int, block: JsonObject) -> list[StreamEvent]:
        name = as_text(block.get("name"))
        if name == ANSWER_TOOL:
            return []
        place, self._calls = self._calls, self._calls + 1
        self._open[index].call = place
        return [ToolCallDelta(place, as_text(block.get("id")) or made_call_id(name, place), name)]

    def _add_input(self, index: int, piece: str) -> list[StreamEvent]:
        under_way = self._open.get(index)
        if under_way is None or not piece:
            return []
        under_way.pieces.append(piece)
        return _arguments(under_way, piece) if under_way.block.get("type") == "tool_use" else []


def _arguments(call: _Open, text: str) -> list[StreamEvent]:
    """The next arguments of a call; those of the answer's own tool are its text."""
    return [TextDelta(text) if call.call is None else ToolCallDelta(call.call, arguments=text)]


def _with_input(ended: _Open) -> JsonObject:
    """A block of the server's, with the input that came in pieces; what can't be read stays text."""
    if not ended.pieces:
        return ended.block
    text = "".join(ended.pieces)
    try:
        return {**ended.block, "input": parse(text)}
    except ValueError:
        return {**ended.block, "input": text}


def _text(said: JsonObject) -> list[StreamEvent]:
    text = as_text(said.get("text"))
    return [TextDelta(text)] if text else []


def _thinking(said: JsonObject) -> list[StreamEvent]:
    """Thought and signature; a model may keep the thought to itself and send the signature alone."""
    text, signature = as_text(said.get("thinking")), as_text(said.get("signature"))
    thought: list[StreamEvent] = [ReasoningDelta(text)] if text else []
    return [*thought, *([ReasoningDelta(signature=signature)] if signature else [])]


def _redacted(said: JsonObject) -> list[StreamEvent]:
    data = as_text(said.get("data"))
    return [ReasoningDelta(signature=data, redacted=True)] if data else []


_Read = Callable[[JsonObject], list[StreamEvent]]
_STARTS: Mapping[str, _Read] = {
    "text": _text,
    "thinking": _thinking,
    "redacted_thinking": _redacted,
}
_DELTAS: Mapping[str, _Read] = {"text_delta": _text, "thinking_delta": _thinking, "signature_delta": _thinking}
