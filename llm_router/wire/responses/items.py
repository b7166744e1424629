"""Follows the items of one response: said in pieces, at their end, or only in the finished response.

Each text is told once, whichever of the three brought it: a server may leave out deltas, or all but the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from llm_router.messages import JsonObject, ReasoningDelta, RefusalDelta, StreamEvent, TextDelta, ToolCallDelta
from llm_router.wire.json_answers import ANSWER_TOOL
from llm_router.wire.reading import as_count, as_list, as_object, as_text, first_text
from llm_router.wire.responses.thoughts import signature_of
from llm_router.wire.tool_calls import made_call_id

_THOUGHTS = ("reasoning_text", "summary_text")
_SAYS: Mapping[str, Callable[[str], StreamEvent]] = {
    "refusal": RefusalDelta,
    "reasoning_text": ReasoningDelta,
    "summary_text": ReasoningDelta,
}
"""What a part of this type says, `output_text` excepted, which has a phase; a refusal's text has its own name."""

_DELTAS: Mapping[str, str] = {
    "response.output_text.delta": "output_text",
    "response.refusal.delta": "refusal",
    "response.reasoning_text.delta": "reasoning_text",
    "response.reasoning_summary_text.delta": "summary_text",
}
_ARGUMENTS = "response.function_call_arguments.delta"
_KNOWN = frozenset({"message", "reasoning", "function_call"})


@dataclass(slots=True)
class _Item:
    """One item under way.

    `said` counts the characters that were told of each of its texts, `call` is a call's place; of one that is `sealed`
    nothing more is to be told.
    """

    type: str
    id: str
    said: dict[tuple[str, int], int] = field(default_factory=dict)
    call: int | None = None
    name: str = ""
    phase: str | None = None
    sealed: bool = False


class Items:
    """Turns the items of one response into events. `others` are the whole ones that have no neutral form."""

    def __init__(self) -> None:
        self._by_place: dict[int, _Item] = {}
        self._calls = 0
        self.others: list[JsonObject] = []
        self.called = False

    def opened(self, event: JsonObject) -> list[StreamEvent]:
        """A new item, of which nothing need be known yet."""
        item = as_object(event.get("item"))
        return self._open(self._item(event, item), item)

    def piece(self, event: JsonObject) -> list[StreamEvent]:
        """The next piece of a text or of a call's arguments."""
        kind, delta = as_text(event.get("type")), as_text(event.get("delta"))
        item = self._item(event, {})
        if kind == _ARGUMENTS:
            return _argued(item, delta)
        place = as_count(event.get("content_index")) or as_count(event.get("summary_index")) or 0
        return _told(item, _DELTAS[kind], place, delta)

    def closed(self, event: JsonObject) -> list[StreamEvent]:
        """What a whole item says beyond what was told of it."""
        item = as_object(event.get("item"))
        return self.whole(item, as_count(event.get("output_index")))

    def whole(self, item: JsonObject, place: int | None) -> list[StreamEvent]:
        """What an item at this place of the finished response says beyond what was told of it."""
        known = self._known(item, place)
        if as_text(item.get("type")) not in _KNOWN:
            if known is None or not known.sealed:
                self.others.append(item)
                self._item({"output_index": place}, item).sealed = True
            return []
        known = known or self._item({"output_index": place}, item)
        return [*self._open(known, item), *_rest(known, item)]

    def _known(self, item: JsonObject, place: int | None) -> _Item | None:
        """The item as it was met before: at its place, or by its id where a server counts otherwise."""
        item_id = as_text(item.get("id"))
        here = self._by_place.get(place) if place is not None else None
        if here is not None and here.type in ("", item.get("type")):
            return here
        return next((each for each in self._by_place.values() if item_id and each.id == item_id), None)

    def _item(self, event: JsonObject, item: JsonObject) -> _Item:
        place = as_count(event.get("output_index"))
        known = self._by_place.get(place) if place is not None else self._last(event)
        if known is None:
            place = place if place is not None else len(self._by_place)
            known = self._by_place[place] = _Item("", first_text(item.get("id"), event.get("item_id")))
        known.type = known.type or as_text(item.get("type"))
        return known

    def _last(self, event: JsonObject) -> _Item | None:
        """The item that an event without a place speaks of."""
        item_id = as_text(event.get("item_id"))
        named = (each for each in self._by_place.values() if item_id and each.id == item_id)
        return next(named, None)

    def _open(self, known: _Item, item: JsonObject) -> list[StreamEvent]:
        """Takes note of a message's phase, and begins a call once its name is known."""
        known.phase = known.phase or as_text(item.get("phase")) or None
        name = as_text(item.get("name"))
        if item.get("type") != "function_call" or known.call is not None or not name:
            return []
        known.name, known.call = name, self._calls
        if name == ANSWER_TOOL:
            return []
        self._calls, self.called = self._calls + 1, True
        call_id = first_text(item.get("call_id"), item.get("id")) or made_call_id(known.call, name)
        return [ToolCallDelta(known.call, call_id, name)]


def _argued(item: _Item, text: str) -> list[StreamEvent]:
    """A piece of a call's arguments; those of the answer tool are the answer."""
    if not text or item.call is None:
        return []
    _count(item, ("arguments", 0), text)
    return [TextDelta(text) if item.name == ANSWER_TOOL else ToolCallDelta(item.call, arguments=text)]


def _told(item: _Item, kind: str, place: int, text: str) -> list[StreamEvent]:
    """A piece of a text; thoughts that stand in several parts are set apart by a blank line."""
    if not text:
        return []
    key = (kind, place)
    apart = kind in _THOUGHTS and bool(item.said) and key not in item.said
    _count(item, key, text)
    told = f"\n\n{text}" if apart else text
    return [TextDelta(told, item.phase) if kind == "output_text" else _SAYS[kind](told)]


def _count(item: _Item, key: tuple[str, int], text: str) -> None:
    item.said[key] = item.said.get(key, 0) + len(text)


def _rest(known: _Item, item: JsonObject) -> list[StreamEvent]:
    """What is left to tell of a whole item."""
    if item.get("type") == "function_call":
        return _argued(known, as_text(item.get("arguments"))[known.said.get(("arguments", 0), 0) :])
    events = [
        event
        for kind, place, text in _texts(item)
        for event in _told(known, kind, place, text[known.said.get((kind, place), 0) :])
    ]
    return [*events, *_signature(known, item)]


def _texts(item: JsonObject) -> Iterator[tuple[str, int, str]]:
    """The texts of an item: type, place and content of each."""
    for key in ("content", "summary"):
        for place, part in enumerate(map(as_object, as_list(item.get(key)))):
            kind = as_text(part.get("type"))
            if kind == "output_text" or kind in _SAYS:
                yield kind, place, first_text(part.get("text"), part.get("refusal"))


def _signature(known: _Item, item: JsonObject) -> list[StreamEvent]:
    signature = signature_of(item)
    if signature is None or known.sealed:
        return []
    known.sealed = True
    return [ReasoningDelta(signature=signature)]
