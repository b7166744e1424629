"""How models behind Google's API differ: the one table of quirk names, as `llm_router.wire.openai.quirks` has its own.

A catalogue row names the deviations, for all models or for those whose names fit a pattern; the defaults are what
Gemini 3 does.

| quirk | values | says |
|---|---|---|
| `thinking` | `level`, `budget`, `none` | `thinkingLevel: low`, `thinkingBudget: 1024`, or a model that doesn't think |
| `thinking_off` | `yes`, `no` | whether thinking can be switched off |
| `least_level` | `minimal`, `low` | the lowest `thinkingLevel` there is |
| `signatures` | `required`, `kept` | whether a call without its thought signature is an error |
| `json` | `schema`, `object`, `tool`, `prompt` | how an answer in JSON is asked for: see `answers.py` |
| `json_with_tools` | `yes`, `no` | whether a request may have both; `no`: a further tool carries the answer |
| `schemas` | `json`, `openapi` | JSON Schema as it stands, or the older subset: see `schemas.py` |
| `result_media` | `inside`, `beside` | whether a tool's pictures go into its `functionResponse` or after it |
| `system` | `yes`, `no` | whether there is a `systemInstruction`; `no`: the first user message begins with it |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from llm_router.wire.quirk_tables import Flag, read_table, values_of


@dataclass(frozen=True, slots=True)
class Quirks:
    """The quirks of one model, with a value for each."""

    thinking: Literal["level", "budget", "none"] = "level"
    thinking_off: Flag = "no"
    least_level: Literal["minimal", "low"] = "low"
    signatures: Literal["required", "kept"] = "required"
    json: Literal["schema", "object", "tool", "prompt"] = "schema"
    json_with_tools: Flag = "yes"
    schemas: Literal["json", "openapi"] = "json"
    result_media: Literal["inside", "beside"] = "inside"
    system: Flag = "yes"


QUIRKS = values_of(Quirks)
"""Each quirk's name with its possible values."""


def read_quirks(values: Mapping[str, str]) -> Quirks:
    """The quirks of a catalogue row. Raises ValueError for a name or value that the table doesn't have."""
    return read_table(Quirks, QUIRKS, values)
