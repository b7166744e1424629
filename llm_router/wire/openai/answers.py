"""How an answer in JSON is asked for, by what the provider has.

`schema`: `response_format` with the schema. `object`: `response_format: json_object`, the schema as an instruction.
`tool`: a tool whose arguments are the answer; `decode` gives them as text. `prompt`: the instruction alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from llm_router.messages import ChatRequest, Json, JsonFormat, JsonObject, Message
from llm_router.wire.json_answers import by_tool, in_words, speaks_of_json, with_instruction
from llm_router.wire.openai.quirks import Quirks


def response_format(wanted: JsonFormat, quirks: Quirks) -> JsonObject | None:
    """The body's `response_format`, None where the answer is asked for in another way."""
    if quirks.json in ("tool", "prompt"):
        return None
    if wanted.schema is None or quirks.json == "object":
        return {"type": "json_object"}
    schema: dict[str, Json] = {"name": wanted.name, "schema": wanted.schema}
    if wanted.strict is not None:
        schema["strict"] = wanted.strict
    return {"type": "json_schema", "json_schema": schema}


def instructed(request: ChatRequest, quirks: Quirks) -> Sequence[Message]:
    """The messages, with the instruction to answer in JSON where the body can't say it otherwise.

    Without a schema one is needed only where nobody speaks of JSON: OpenAI and DeepSeek refuse `json_object` then.
    """
    wanted = request.response_format
    if wanted is None or quirks.json == "tool" or (quirks.json == "schema" and wanted.schema is not None):
        return request.messages
    if wanted.schema is None and speaks_of_json(request):
        return request.messages
    return with_instruction(request.messages, in_words(wanted))


def with_answer_tool(request: ChatRequest, quirks: Quirks) -> ChatRequest:
    """The request with the tool that carries the answer, where that is how JSON is asked for."""
    if quirks.json != "tool" or request.response_format is None:
        return request
    return by_tool(request, request.response_format)
