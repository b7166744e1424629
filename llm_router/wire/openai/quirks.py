"""How a provider deviates from OpenAI's chat completions or responses: the one table of quirk names.

A catalogue row names the deviations (`Target.quirks`, name → value); what it doesn't name has the default here, which
is what most compatible servers understand. Responses read those of them that concern what they have.

| quirk | values | says |
|---|---|---|
| `max_tokens_name` | `max_tokens`, `max_completion_tokens` | the key of `max_output_tokens` |
| `stream_usage` | `option`, `always` | whether a stream must be asked for usage by `stream_options` |
| `seed_name` | a key, `none` | the key of `seed`; `none`: there is no such setting |
| `stop` | `yes`, `no` | whether stop sequences exist |
| `reasoning` | `effort`, `object`, `none`, `fixed` | `reasoning_effort: x`, `reasoning: {effort: x}`; not; as it will |
| `efforts` | `any`, `minimal`, `none`, `low`, `medium`, `high`, `default` | which there are: see `efforts.py` |
| `tool_efforts` | `any`, `unsaid`, `none` | efforts beside tools: any, none that is said, or only `none` that is |
| `sampling` | `yes`, `idle`, `off`, `no` | whether temperature and top_p can be set: see `efforts.py` |
| `logprobs` | `pair`, `count`, `none` | `logprobs: true, top_logprobs: 3`, `logprobs: 3`, or no such setting |
| `user` | `yes`, `no` | whether the end user can be named |
| `names` | `yes`, `no` | whether a message can say its speaker's name |
| `turns` | `any`, `strict` | whether user and assistant must speak by turns: see `turns.py` |
| `after_results` | `any`, `answer` | whether only an answer may follow the results of calls |
| `tools` | `yes`, `no` | whether there are tools |
| `tool_choice_required` | `required`, `any` | the word for "some tool must be called" |
| `forced_calls` | `any`, `idle` | whether a call can be made a must: always, or only where no thought is asked for |
| `parallel_tool_calls` | `yes`, `no` | whether that option exists |
| `strict_tools` | `yes`, `no` | whether tools take `strict`; `no`: it is left out, as it only sharpens the schema |
| `tool_call_ids` | `any`, `nine` | `nine`: exactly nine letters and digits; other ids are mapped |
| `tool_results` | `text`, `parts` | `parts`: a tool may answer with images and files too |
| `json` | `schema`, `object`, `tool`, `prompt` | how an answer in JSON is asked for: see `answers.py` |
| `history_reasoning` | `none`, `reasoning_content`, `reasoning`, `parts` | where an earlier message's reasoning goes |
| `signed_thoughts` | `no`, `vendor`, `model` | to which models lists of thoughts go back: see `thoughts.py` |
| `call_thoughts` | `any`, `needed` | whether an earlier message with calls must bring its reasoning, if but a blank |
| `prefill` | `no`, `plain`, `mark`, `template` | how the beginning of the answer is given: see `conversation.py` |
| `images` | `yes`, `no` | whether images can be sent |
| `files` | `data`, `url`, `document_url`, `file_url`, `none` | how files are sent: see `parts.py` |
| `audio` | `yes`, `no` | whether sound can be sent |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from llm_router.wire.quirk_tables import Flag, read_table, values_of


@dataclass(frozen=True, slots=True)
class Quirks:
    """The quirks of one provider, with a value for each."""

    max_tokens_name: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    stream_usage: Literal["option", "always"] = "option"
    seed_name: str = "seed"
    stop: Flag = "yes"
    reasoning: Literal["effort", "object", "none", "fixed"] = "effort"
    efforts: Literal["any", "minimal", "none", "low", "medium", "high", "default"] = "any"
    tool_efforts: Literal["any", "unsaid", "none"] = "any"
    sampling: Literal["yes", "idle", "off", "no"] = "yes"
    logprobs: Literal["pair", "count", "none"] = "pair"
    user: Flag = "yes"
    names: Flag = "yes"
    turns: Literal["any", "strict"] = "any"
    after_results: Literal["any", "answer"] = "any"
    tools: Flag = "yes"
    tool_choice_required: Literal["required", "any"] = "required"
    forced_calls: Literal["any", "idle"] = "any"
    parallel_tool_calls: Flag = "yes"
    strict_tools: Flag = "yes"
    tool_call_ids: Literal["any", "nine"] = "any"
    tool_results: Literal["text", "parts"] = "text"
    json: Literal["schema", "object", "tool", "prompt"] = "schema"
    history_reasoning: Literal["none", "reasoning_content", "reasoning", "parts"] = "none"
    signed_thoughts: Literal["no", "vendor", "model"] = "no"
    call_thoughts: Literal["any", "needed"] = "any"
    prefill: Literal["no", "plain", "mark", "template"] = "no"
    images: Flag = "yes"
    files: Literal["data", "url", "document_url", "file_url", "none"] = "data"
    audio: Flag = "yes"


QUIRKS = values_of(Quirks)
"""Each quirk's name with its possible values; none for a free text."""


def read_quirks(values: Mapping[str, str]) -> Quirks:
    """The quirks of a catalogue row. Raises ValueError for a name or value that the table doesn't have."""
    return read_table(Quirks, QUIRKS, values)
