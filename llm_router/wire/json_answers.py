"""How an answer in JSON is asked for where there is no better way: by a tool that carries it, or in words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from llm_router.messages import ChatRequest, Json, JsonFormat, Message, NamedTool, Text, Tool, system
from llm_router.wire.sending import json_text

ANSWER_TOOL = "give_final_answer"
"""Its name; calls of it are read as the answer's text."""


def answer_tool(wanted: JsonFormat) -> Tool:
    """The tool whose arguments are the answer."""
    parameters: Mapping[str, Json] = wanted.schema or {"type": "object", "properties": {}, "additionalProperties": True}
    return Tool(ANSWER_TOOL, "Give the final answer.", parameters, wanted.strict)


def by_tool(request: ChatRequest, wanted: JsonFormat) -> ChatRequest:
    """The request with the answer's tool, which must be called where the caller leaves it no other."""
    choice = request.tool_choice
    if choice in (None, "auto", "required"):
        choice = "required" if request.tools else NamedTool(ANSWER_TOOL)
    elif choice == "none":
        choice = NamedTool(ANSWER_TOOL)
    return replace(request, tools=(*request.tools, answer_tool(wanted)), tool_choice=choice)


def in_words(wanted: JsonFormat, *, compact: bool = False) -> str:
    """What the model is told of the answer's form; a `compact` schema has no blanks between its words."""
    if wanted.schema is None:
        return "Answer with one JSON object and nothing else."
    schema = json_text(wanted.schema) if compact else json.dumps(wanted.schema, ensure_ascii=False)
    return f"Answer with JSON that this JSON Schema accepts, and nothing else:\n{schema}"


def with_instruction(messages: Sequence[Message], told: str) -> tuple[Message, ...]:
    """The messages with an instruction, in the first system message if they begin so: some models take only one."""
    if messages and messages[0].role == "system":
        return (system(f"{messages[0].text}\n\n{told}"), *messages[1:])
    return (system(told), *messages)


def speaks_of_json(request: ChatRequest) -> bool:
    """Whether any text of the request does: some providers refuse to answer in JSON otherwise."""
    texts = (part for message in request.messages for part in message.parts if isinstance(part, Text))
    return any("json" in part.text.lower() for part in texts)
