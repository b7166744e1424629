"""What differs between Cohere's models: the one table of quirk names.

A catalogue row names them by pattern of the wire name; the defaults are what models since 2025 do.

| quirk | values | says |
|---|---|---|
| `thinking` | `yes`, `no` | whether the model thinks, and takes its thoughts back as such |
| `tool_choice` | `yes`, `no` | whether it can be made to call a tool: from command-r7b on (docs, reference/chat) |
| `json` | `schema`, `object`, `tool`, `prompt` | how an answer in JSON is asked for: see `answers.py` |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from llm_router.wire.quirk_tables import Flag, read_table, values_of


@dataclass(frozen=True, slots=True)
class Quirks:
    """The quirks of one model, with a value for each."""

    thinking: Flag = "no"
    tool_choice: Flag = "yes"
    json: Literal["schema", "object", "tool", "prompt"] = "schema"


QUIRKS = values_of(Quirks)
"""Each quirk's name with its possible values."""


def read_quirks(values: Mapping[str, str]) -> Quirks:
    """The quirks of a catalogue row. Raises ValueError for a name or value that the table doesn't have."""
    return read_table(Quirks, QUIRKS, values)
