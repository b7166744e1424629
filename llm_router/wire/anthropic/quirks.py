"""What differs between models of the Messages API: the one table of quirk names.

A catalogue row names them by pattern of the wire name (`models` in `providers.json`); what it doesn't name has the
default here, which leaves most to the server: so a model that nobody knew yet is asked as it was told to be.

| quirk | values | says |
|---|---|---|
| `json` | `schema`, `tool`, `object` | how an answer in JSON is asked for: see `answers.py` |
| `thinking` | `adaptive`, `budget`, `always`, `between`, `none` | how reasoning is set: see `thinking.py` |
| `sampling` | `both`, `one`, `none` | which of `temperature` and `top_p` may be set: both, one of them, none |
| `forced_tools` | `yes`, `no` | whether a tool call can be made a must |
| `prefill` | `yes`, `no` | whether the conversation may end with the beginning of the answer |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from llm_router.wire.quirk_tables import Flag, read_table, values_of


@dataclass(frozen=True, slots=True)
class Quirks:
    """The quirks of one model, with a value for each."""

    json: Literal["schema", "tool", "object"] = "schema"
    thinking: Literal["adaptive", "budget", "always", "between", "none"] = "adaptive"
    sampling: Literal["both", "one", "none"] = "both"
    forced_tools: Flag = "yes"
    prefill: Flag = "yes"


QUIRKS = values_of(Quirks)
"""Each quirk's name with its possible values."""


def read_quirks(values: Mapping[str, str]) -> Quirks:
    """The quirks of a catalogue row. Raises ValueError for a name or value that the table doesn't have."""
    return read_table(Quirks, QUIRKS, values)
