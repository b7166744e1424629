"""Follows the tool calls of one answer through its pieces."""

from __future__ import annotations

from dataclasses import dataclass, field

from llm_router.messages import JsonObject, StreamEvent, TextDelta, ToolCallDelta
from llm_router.wire.json_answers import ANSWER_TOOL
from llm_router.wire.reading import as_count, as_json_text, as_list, as_object, as_text
from llm_router.wire.tool_calls import made_call_id


@dataclass(slots=True)
class _Slot:
    """One call. Its pieces are held until its name is known, so that id and name come whole with the first event."""

    index: int
    id: str = ""
    name: str = ""
    opened: bool = False
    held: list[str] = field(default_factory=list)


class Calls:
    """Turns `tool_calls` and the older `function_call` into events with indexes and ids of their own.

    What recordings show: an index for each call; none at all; one index for several calls, each with its own id; ids
    and names only in the first piece, or repeated as null or the same; arguments whole, in pieces, null, an object.
    """

    def __init__(self) -> None:
        self._slots: list[_Slot] = []
        self._by_index: dict[int, _Slot] = {}
        self._reply_id = ""

    @property
    def any(self) -> bool:
        """Whether a tool of the caller's was called."""
        return any(slot.name != ANSWER_TOOL for slot in self._slots)

    def read(self, delta: JsonObject, reply_id: str) -> list[StreamEvent]:
        """The events of a delta's calls."""
        self._reply_id = reply_id or self._reply_id
        events: list[StreamEvent] = []
        for piece in as_list(delta.get("tool_calls")):
            events += self._read_piece(as_object(piece))
        function = as_object(delta.get("function_call"))
        if function:
            events += self._read_piece({"index": 0, "function": function})
        return events

    def close(self) -> list[StreamEvent]:
        """Calls whose name never came, as they are."""
        return [event for slot in self._slots if not slot.opened for event in self._open(slot)]

    def _read_piece(self, piece: JsonObject) -> list[StreamEvent]:
        function = as_object(piece.get("function"))
        slot = self._slot(piece, as_text(function.get("name")))
        slot.id = slot.id or as_text(piece.get("id"))
        slot.name = slot.name or as_text(function.get("name"))
        arguments = as_json_text(function.get("arguments"))
        if slot.opened:
            return _more(slot, arguments)
        slot.held.append(arguments)
        return self._open(slot) if slot.name else []

    def _slot(self, piece: JsonObject, name: str) -> _Slot:
        """The call that a piece belongs to; a new name with an id other than the known one begins another."""
        index = as_count(piece.get("index"))
        known = self._known(index)
        if known is not None and not self._begins(piece, name, known, indexed=index is not None):
            return known
        slot = _Slot(len(self._slots))
        self._slots.append(slot)
        if index is not None:
            self._by_index[index] = slot
        return slot

    def _known(self, index: int | None) -> _Slot | None:
        if index is not None:
            return self._by_index.get(index)
        return self._slots[-1] if self._slots else None

    @staticmethod
    def _begins(piece: JsonObject, name: str, known: _Slot, *, indexed: bool) -> bool:
        if not name or not known.name:
            return False
        call_id = as_text(piece.get("id"))
        return call_id != known.id if call_id else not indexed

    def _open(self, slot: _Slot) -> list[StreamEvent]:
        slot.opened = True
        slot.id = slot.id or made_call_id(self._reply_id, slot.index, slot.name)
        arguments = "".join(slot.held)
        if slot.name == ANSWER_TOOL:
            return _more(slot, arguments)
        return [ToolCallDelta(slot.index, slot.id, slot.name, arguments)]


def _more(slot: _Slot, arguments: str) -> list[StreamEvent]:
    if not arguments:
        return []
    return [TextDelta(arguments) if slot.name == ANSWER_TOOL else ToolCallDelta(slot.index, arguments=arguments)]
