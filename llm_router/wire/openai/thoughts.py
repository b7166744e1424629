"""Thoughts that gateways hand through from whoever is behind them, as signatures, and back.

OpenRouter tells them in `reasoning_details` (text, summary or encrypted, each with its format), LiteLLM's proxy in
`thinking_blocks`, and OpenRouter's through itself. They must come back whole, in their order, or a tool loop with
Claude, Gemini or OpenAI behind them is refused or forgets what it thought (openrouter.ai/docs, reasoning tokens;
docs.litellm.ai, reasoning_content; 2026). So the lists stand in the thought's signature, as JSON: `{"model": …, "name
of the list": […]}`. In a stream items come in pieces, told apart by type and `index`, the signature in one without
text: sent back in pieces they are refused (agno-agi/agno issue 8794, 2026), and so they are put together again.

`signed_thoughts` says to whom they go back: to models of the same `vendor` (openrouter: what stands before the slash;
others can't read them, open-webui issue 28240, 2026), or only to the `model` that was asked (litellm: others behind the
same proxy refuse the key; BerriAI/litellm issue 15758, 2025). Thoughts of Claude's without their signature, cut off, go
back as plain text alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from llm_router.messages import Json, JsonObject, Message, Reasoning, ReasoningDelta, StreamEvent
from llm_router.wire.openai.quirks import Quirks
from llm_router.wire.reading import as_list, as_object, as_text, first_text, look_up, parse

_LISTS = ("reasoning_details", "thinking_blocks")
_TEXTS: Mapping[Json, str] = {"reasoning.text": "text", "reasoning.summary": "summary", "thinking": "thinking"}
"""Where an item's text stands, by its type; those of other types (encrypted, redacted) come whole."""


class Thoughts:
    """The thoughts of one answer, piece by piece."""

    def __init__(self) -> None:
        self._pieces: dict[str, list[Json]] = {}
        self._plain = False

    def read(self, delta: JsonObject) -> list[StreamEvent]:
        """The text of a delta's thoughts, which some servers send under two names; its lists are kept for `seal`."""
        for name in _LISTS:
            items = as_list(delta.get(name)) or as_list(look_up(delta, f"provider_specific_fields.{name}"))
            if items:
                self._pieces.setdefault(name, []).extend(items)
        text = first_text(delta.get("reasoning_content"), delta.get("reasoning"))
        self._plain = self._plain or bool(text)
        if not self._plain:
            text = _text_of(as_list(delta.get("reasoning_details")))
        return [ReasoningDelta(text)] if text else []

    def seal(self, model: str) -> list[StreamEvent]:
        """The signature of what was thought since it was last asked for; `model` answers."""
        if not self._pieces:
            return []
        lists = {name: _joined(pieces) for name, pieces in self._pieces.items()}
        self._pieces = {}
        signature = json.dumps({"model": model, **lists}, ensure_ascii=False, separators=(",", ":"))
        return [ReasoningDelta(signature=signature)]


def thoughts_back(message: Message, quirks: Quirks, model: str) -> tuple[JsonObject, Sequence[Reasoning]]:
    """The lists that go back to this model, and the thoughts that aren't told by them."""
    thoughts = [part for part in message.parts if isinstance(part, Reasoning)]
    signed = [(thought, _lists(thought, quirks, model)) for thought in thoughts]
    told = {name: _joined([item for _, lists in signed for item in as_list(lists.get(name))]) for name in _LISTS}
    whole = {name: kept for name, items in told.items() if (kept := [item for item in items if _is_whole(item)])}
    return whole, [thought for thought, lists in signed if not (whole and lists)]


def _lists(thought: Reasoning, quirks: Quirks, model: str) -> JsonObject:
    """What the signature of a thought holds for this model; nothing where it isn't of this dialect."""
    if quirks.signed_thoughts == "no" or not thought.signature:
        return {}
    try:
        said = as_object(parse(thought.signature))
    except ValueError:
        return {}
    known, asked = as_text(said.get("model")), model
    if quirks.signed_thoughts == "vendor":
        known, asked = known.partition("/")[0], asked.partition("/")[0]
    if known != asked:
        return {}
    return {name: said[name] for name in _LISTS if said.get(name)}


def _joined(pieces: Iterable[Json]) -> list[Json]:
    """The items that the pieces make."""
    items: list[Json] = []
    for piece in map(as_object, pieces):
        place = _place(piece, items)
        if place is None:
            items.append(_with({}, piece))
        else:
            items[place] = _with(as_object(items[place]), piece)
    return items


def _place(piece: JsonObject, items: Sequence[Json]) -> int | None:
    """Where the item is that a piece goes on with: without an `index` the last one, and none that is signed."""
    if piece.get("type") not in _TEXTS:
        return None
    index, last = piece.get("index"), len(items) - 1
    for place, item in reversed(list(enumerate(map(as_object, items)))):
        alike = item.get("type") == piece.get("type") and item.get("index") == index
        if alike and not item.get("signature") and (index is not None or place == last):
            return place
    return None


def _with(item: JsonObject, piece: JsonObject) -> JsonObject:
    """The item with its next piece; a text there is, if but an empty one."""
    said = {name: value for name, value in piece.items() if value is not None}
    key = _TEXTS.get(piece.get("type"))
    return {**item, **said, **({key: as_text(item.get(key)) + as_text(piece.get(key))} if key else {})}


def _is_whole(item: Json) -> bool:
    said = as_object(item)
    claudes = said.get("type") == "thinking" or said.get("format") == "anthropic-claude-v1"
    return bool(said.get("signature")) or not (claudes and said.get("type") in ("thinking", "reasoning.text"))


def _text_of(items: Iterable[Json]) -> str:
    """The text of details whose reply doesn't tell it elsewhere."""
    said = [as_text(item.get(_TEXTS.get(item.get("type"), "text"))) for item in map(as_object, items)]
    return "\n\n".join(text for text in said if text)
