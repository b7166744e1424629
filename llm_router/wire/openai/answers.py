"""How an answer in JSON is asked for, by what the provider has.

`schema`: `response_format` with the schema. `object`: `response_format: json_object`, the schema as an instruction.
`tool`: a tool whose arguments are the answer; `decode` gives them as text. `prompt`: the instruction alone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from llm_router.messages import ChatRequest, Json, JsonFormat, JsonObject, Message, NamedTool, Text, system
from llm_router.wire.answer_tool import ANSWER_TOOL, answer_tool
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
    if wanted.schema is None and any("json" in part.text.lower() for part in _texts(request)):
        return request.messages
    return _told(request.messages, _instruction(wanted))


def with_answer_tool(request: ChatRequest, quirks: Quirks) -> ChatRequest:
    """The request with the tool that carries the answer, where that is how JSON is asked for."""
    if quirks.json != "tool" or request.response_format is None:
        return request
    tools = (*request.tools, answer_tool(request.response_format))
    choice = request.tool_choice
    if choice in (None, "auto", "required"):
        choice = "required" if request.tools else NamedTool(ANSWER_TOOL)
    elif choice == "none":
        choice = NamedTool(ANSWER_TOOL)
    return replace(request, tools=tools, tool_choice=choice)


def _told(messages: Sequence[Message], instruction: str) -> Sequence[Message]:
    """The messages with an instruction, in the first system message if they begin so: some models take only one."""
    if messages and messages[0].role == "system":
        return (system(f"{messages[0].text}\n\n{instruction}"), *messages[1:])
    return (system(instruction), *messages)


def _texts(request: ChatRequest) -> list[Text]:
    return [part for message in request.messages for part in message.parts if isinstance(part, Text)]


def _instruction(wanted: JsonFormat) -> str:
    if wanted.schema is None:
        return "Answer with one JSON object and nothing else."
    schema = json.dumps(wanted.schema, ensure_ascii=False)
    return f"Answer with JSON that this JSON Schema accepts, and nothing else:\n{schema}"
