"""How an answer in JSON is asked for, by what the model has.

`schema`: `response_format` with the schema, which is always kept to. `object`: `response_format` alone, the schema as
an instruction. `tool`, `prompt`: the instruction alone; so too beside tools and documents, where the API refuses a
`response_format` (docs, reference/chat, 2026). Without a schema somebody must speak of JSON, else the model may never
end (the same).
"""

from __future__ import annotations

from dataclasses import replace

from llm_router.messages import ChatRequest, JsonFormat, JsonObject, Message, Text, system
from llm_router.wire.cohere.quirks import Quirks
from llm_router.wire.sending import json_text


def response_format(request: ChatRequest, quirks: Quirks) -> JsonObject:
    """The body's `response_format`, empty where the answer is asked for in another way."""
    wanted = request.response_format
    if wanted is None or not _native(request, quirks):
        return {}
    if wanted.schema is None or quirks.json == "object":
        return {"response_format": {"type": "json_object"}}
    return {"response_format": {"type": "json_object", "json_schema": wanted.schema}}


def instructed(request: ChatRequest, quirks: Quirks) -> ChatRequest:
    """The request, with the instruction to answer in JSON where the body doesn't say all of it."""
    wanted = request.response_format
    native = _native(request, quirks)
    if wanted is None or (native and quirks.json == "schema" and wanted.schema is not None):
        return request
    if native and wanted.schema is None and _speaks_of_json(request):
        return request
    return replace(request, messages=_told(request.messages, _instruction(wanted)))


def _native(request: ChatRequest, quirks: Quirks) -> bool:
    """Whether the body says that the answer is JSON."""
    return quirks.json in ("schema", "object") and not request.tools and not request.settings.extra.get("documents")


def _speaks_of_json(request: ChatRequest) -> bool:
    texts = (part for message in request.messages for part in message.parts if isinstance(part, Text))
    return any("json" in part.text.lower() for part in texts)


def _told(messages: tuple[Message, ...], instruction: str) -> tuple[Message, ...]:
    """The messages with an instruction, in the first system message if they begin so."""
    if messages and messages[0].role == "system":
        return (system(f"{messages[0].text}\n\n{instruction}"), *messages[1:])
    return (system(instruction), *messages)


def _instruction(wanted: JsonFormat) -> str:
    if wanted.schema is None:
        return "Answer with one JSON object and nothing else."
    return f"Answer with JSON that this JSON Schema accepts, and nothing else:\n{json_text(wanted.schema)}"
