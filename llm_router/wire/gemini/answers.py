"""How an answer in JSON is asked for, by what the model has.

`schema`: `responseMimeType` with the schema. `object`: `responseMimeType` alone, the schema as an instruction. `tool`:
a tool whose arguments are the answer; `decode` gives them as text. `prompt`: the instruction alone. Models before
Gemini 3 refuse tools beside `responseMimeType`; there the answer comes through a tool too.
"""

from __future__ import annotations

from dataclasses import replace

from llm_router.messages import ChatRequest, Json, JsonFormat, JsonObject
from llm_router.wire.gemini.quirks import Quirks
from llm_router.wire.gemini.schemas import openapi_schema
from llm_router.wire.json_answers import by_tool, in_words


def with_answer_tool(request: ChatRequest, quirks: Quirks) -> ChatRequest:
    """The request with the tool that carries the answer, where that is how JSON is asked for."""
    wanted = request.response_format
    beside = bool(request.tools) and quirks.json_with_tools == "no" and quirks.json in ("schema", "object")
    if wanted is None or not (quirks.json == "tool" or beside):
        return request
    return replace(by_tool(request, wanted), response_format=None)


def response_format(wanted: JsonFormat | None, quirks: Quirks) -> JsonObject:
    """The keys of `generationConfig` that ask for JSON. Raises Unsupported."""
    if wanted is None or quirks.json == "prompt":
        return {}
    said: dict[str, Json] = {"responseMimeType": "application/json"}
    if wanted.schema is None or quirks.json == "object":
        return said
    if quirks.schemas == "openapi":
        return {**said, "responseSchema": openapi_schema(wanted.schema)}
    return {**said, "responseJsonSchema": wanted.schema}


def instruction(wanted: JsonFormat | None, quirks: Quirks) -> str:
    """What the system instruction says of the answer's form, empty where the body says it otherwise."""
    if wanted is None or quirks.json == "schema":
        return ""
    return "" if wanted.schema is None and quirks.json != "prompt" else in_words(wanted)
