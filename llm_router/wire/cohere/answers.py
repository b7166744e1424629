"""How an answer in JSON is asked for, by what the model has.

`schema`: `response_format` with the schema, which is always kept to. `object`: `response_format` alone, the schema as
an instruction. `tool`, `prompt`: the instruction alone; so too beside tools and documents, where the API refuses a
`response_format` (docs, reference/chat, 2026). Without a schema somebody must speak of JSON, else the model may never
end (the same).
"""

from __future__ import annotations

from dataclasses import replace

from llm_router.messages import ChatRequest, JsonObject
from llm_router.wire.cohere.quirks import Quirks
from llm_router.wire.json_answers import in_words, speaks_of_json, with_instruction


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
    if native and wanted.schema is None and speaks_of_json(request):
        return request
    return replace(request, messages=with_instruction(request.messages, in_words(wanted, compact=True)))


def _native(request: ChatRequest, quirks: Quirks) -> bool:
    """Whether the body says that the answer is JSON."""
    return quirks.json in ("schema", "object") and not request.tools and not request.settings.extra.get("documents")
