"""What the inputs of Replicate's models are called: the one table of quirk names.

Every model has inputs of its own; those of most language models are the defaults. A catalogue row names the deviations
by pattern of the wire name; for others `extra: {input: {…}}` says any input by its own name.

| quirk | values | says |
|---|---|---|
| `max_tokens_name` | `max_tokens`, `max_new_tokens`, `max_completion_tokens` | the input of `max_output_tokens` |
| `system` | `yes`, `no` | whether there is `system_prompt`; `no`: the prompt begins with it |
| `sampling` | `yes`, `no` | whether there are `temperature` and `top_p` |
| `stop` | `yes`, `no` | whether there is `stop_sequences`: one text, with commas between |
| `seed` | `yes`, `no` | whether there is `seed` |
| `images` | `none`, `image`, `image_input` | the input of images: none, one for one image, a list |
| `json` | `schema`, `object`, `tool`, `prompt` | without effect: there is no way to ask for JSON |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from llm_router.wire.quirk_tables import Flag, read_table, values_of


@dataclass(frozen=True, slots=True)
class Quirks:
    """The quirks of one model, with a value for each."""

    max_tokens_name: Literal["max_tokens", "max_new_tokens", "max_completion_tokens"] = "max_tokens"
    system: Flag = "yes"
    sampling: Flag = "yes"
    stop: Flag = "yes"
    seed: Flag = "yes"
    images: Literal["none", "image", "image_input"] = "none"
    json: Literal["schema", "object", "tool", "prompt"] = "schema"


QUIRKS = values_of(Quirks)
"""Each quirk's name with its possible values."""


def read_quirks(values: Mapping[str, str]) -> Quirks:
    """The quirks of a catalogue row. Raises ValueError for a name or value that the table doesn't have."""
    return read_table(Quirks, QUIRKS, values)
