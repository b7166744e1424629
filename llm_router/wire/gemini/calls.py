"""Follows the function calls of one answer.

A call comes whole, as a JSON object, and with an id only from newer models. Where streamed arguments were asked for, it
comes as a name, then pieces with the place where each belongs (`{"jsonPath": "$.city", "stringValue": "Par"}`), then
an empty call that ends it (recorded from Gemini 3.1, 2026).
"""

from __future__ import annotations

import re

from llm_router.messages import Json, JsonObject, StreamEvent, TextDelta, ToolCallDelta
from llm_router.wire.json_answers import ANSWER_TOOL
from llm_router.wire.reading import as_json_text, as_list, as_object, as_text
from llm_router.wire.tool_calls import made_call_id

_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]|\['([^']*)'\]")
_VALUES = ("numberValue", "boolValue", "nullValue")


class Calls:
    """Turns `functionCall` parts into events with indexes and ids of their own."""

    def __init__(self) -> None:
        self._index = 0
        self._open: JsonObject | None = None
        self._pieces: dict[str, Json] = {}
        self.any = False

    def read(self, call: JsonObject, reply_id: str) -> list[StreamEvent]:
        """The events of one part."""
        events = self.close(reply_id) if self._open is not None and as_text(call.get("name")) else []
        if self._open is None:
            self._open, self._pieces = call, {}
        for piece in map(as_object, as_list(call.get("partialArgs"))):
            self._take(piece)
        return events if call.get("willContinue") is True else [*events, *self.close(reply_id)]

    def close(self, reply_id: str = "") -> list[StreamEvent]:
        """The call under way, if any, as it is."""
        if self._open is None:
            return []
        call, self._open = self._open, None
        arguments = as_json_text(call.get("args")) if call.get("args") else as_json_text(_listed(self._pieces))
        name = as_text(call.get("name"))
        if name == ANSWER_TOOL:
            return [TextDelta(arguments)]
        self.any = True
        index, self._index = self._index, self._index + 1
        call_id = as_text(call.get("id")) or made_call_id(reply_id, index, name)
        return [ToolCallDelta(index, call_id, name, arguments)]

    def _take(self, piece: JsonObject) -> None:
        steps = _steps(as_text(piece.get("jsonPath")))
        if not steps:
            return
        place = self._pieces
        for step in steps[:-1]:
            below = place.get(step)
            if not isinstance(below, dict):
                below = place[step] = {}
            place = below
        place[steps[-1]] = _grown(place.get(steps[-1]), piece)


def _grown(known: Json, piece: JsonObject) -> Json:
    """The value at a place with one more piece: texts grow, anything else comes at once."""
    if "stringValue" in piece:
        return as_text(known) + as_text(piece["stringValue"])
    said = next((key for key in _VALUES if key in piece), None)
    return known if said in (None, "nullValue") else piece[str(said)]


def _steps(path: str) -> list[str]:
    """The keys of a JSON path; places in a list in brackets, to tell them from keys that are numbers."""
    found = _STEP.findall(path.removeprefix("$"))
    return [key or quoted or f"[{place}]" for key, place, quoted in found]


def _listed(value: Json) -> Json:
    """The value with objects whose keys are all places made lists."""
    if not isinstance(value, dict):
        return value
    if value and all(re.fullmatch(r"\[\d+\]", key) for key in value):
        return [_listed(value[key]) for key in sorted(value, key=lambda key: int(key[1:-1]))]
    return {key: _listed(each) for key, each in value.items()}
