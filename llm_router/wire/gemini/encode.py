"""Encodes a request for Google's `generateContent`.

What it has no word for: `parallel_tool_calls: false` is refused. A tool that is `strict` asks for calls that are
validated, which holds for all tools of the request. `settings.extra` is merged into `generationConfig` and
`toolConfig` key by key, and adds to `tools` (searches, code execution); the rest of it goes into the body as it stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import quote

from llm_router.messages import ChatRequest, Json, JsonObject, NamedTool, Settings, Tool, ToolChoice
from llm_router.wire.codec import HttpRequest, Target, Unsupported
from llm_router.wire.gemini.answers import instruction, response_format, with_answer_tool
from llm_router.wire.gemini.conversation import encode_contents, system_texts
from llm_router.wire.gemini.quirks import Quirks, read_quirks
from llm_router.wire.gemini.schemas import openapi_schema
from llm_router.wire.gemini.thinking import thinking_config
from llm_router.wire.reading import as_list, as_object
from llm_router.wire.sending import json_body, merged, request_headers, url

_FIXED = frozenset({"contents", "systemInstruction", "system_instruction"})
"""Keys that `extra` may not replace: guards and decisions depend on them."""
_MERGED = ("generationConfig", "toolConfig", "tools")
_EMPTY_OBJECT = frozenset({"type", "properties", "required", "title", "description", "$schema"})
_MODES: Mapping[ToolChoice, str] = {"auto": "AUTO", "none": "NONE", "required": "ANY"}


def encode(request: ChatRequest, target: Target, *, stream: bool) -> HttpRequest:
    """The request for `{base_url}/models/{model}:generateContent`. Raises Unsupported."""
    quirks = read_quirks(target.quirks)
    request = with_answer_tool(request, quirks)
    body = _with_extra(_body(request, quirks), request.settings.extra)
    return HttpRequest(
        "POST",
        _url(target, stream=stream),
        request_headers(target, request.settings, "text/event-stream" if stream else "application/json"),
        json_body(body),
    )


def _url(target: Target, *, stream: bool) -> str:
    """The address of the model; a name with a slash (`models/x`, `tunedModels/x`) says its own collection."""
    place = target.model if "/" in target.model else f"models/{target.model}"
    if not stream:
        return url(target, f"/{quote(place)}:generateContent")
    return url(replace(target, query={**target.query, "alt": "sse"}), f"/{quote(place)}:streamGenerateContent")


def _body(request: ChatRequest, quirks: Quirks) -> JsonObject:
    told = [*system_texts(request.messages), instruction(request.response_format, quirks)]
    texts: list[JsonObject] = [{"text": text} for text in told if text]
    contents = encode_contents(request.messages, quirks)
    if not contents:
        raise Unsupported("a conversation without a message of user or assistant")
    body: dict[str, Json] = {"contents": contents}
    if texts and quirks.system == "yes":
        body["systemInstruction"] = {"parts": texts}
    elif texts:
        body["contents"] = _begun(texts, contents)
    body |= _tools(request, quirks)
    config = {**_settings(request.settings), **response_format(request.response_format, quirks)}
    if thinking := thinking_config(request.settings.reasoning, quirks, request.settings.max_output_tokens):
        config["thinkingConfig"] = thinking
    return {**body, "generationConfig": config} if config else body


def _begun(texts: list[JsonObject], contents: list[JsonObject]) -> list[JsonObject]:
    """The contents with the system's texts in front, for models that take no system instruction (Gemma)."""
    first = contents[0]
    if first["role"] != "user":
        return [{"role": "user", "parts": texts}, *contents]
    return [{"role": "user", "parts": [*texts, *as_list(first["parts"])]}, *contents[1:]]


def _tools(request: ChatRequest, quirks: Quirks) -> JsonObject:
    """Tools and how they may be used; without tools there is nothing to say of their use."""
    if not request.tools:
        return {}
    if request.parallel_tool_calls is False:
        raise Unsupported("`parallel_tool_calls: false`")
    said: dict[str, Json] = {"tools": [{"functionDeclarations": [_tool(tool, quirks) for tool in request.tools]}]}
    config = _calling(request)
    return {**said, "toolConfig": {"functionCallingConfig": config}} if config else said


def _tool(tool: Tool, quirks: Quirks) -> JsonObject:
    said: dict[str, Json] = {"name": tool.name}
    if tool.description:
        said["description"] = tool.description
    if not tool.parameters.get("properties") and set(tool.parameters) <= _EMPTY_OBJECT:
        return said  # an object without properties is a 400 from models before Gemini 3
    if quirks.schemas == "openapi":
        return {**said, "parameters": openapi_schema(tool.parameters)}
    return {**said, "parametersJsonSchema": tool.parameters}


def _calling(request: ChatRequest) -> JsonObject:
    choice = request.tool_choice
    if isinstance(choice, NamedTool):
        return {"mode": "ANY", "allowedFunctionNames": [choice.name]}
    if choice in (None, "auto") and any(tool.strict for tool in request.tools):
        return {"mode": "VALIDATED"}
    return {} if choice is None else {"mode": _MODES[choice]}


def _settings(settings: Settings) -> dict[str, Json]:
    said: dict[str, Json] = {
        "maxOutputTokens": settings.max_output_tokens,
        "temperature": settings.temperature,
        "topP": settings.top_p,
        "stopSequences": None if settings.stop is None else list(settings.stop),
        "seed": settings.seed,
        "responseLogprobs": None if settings.logprobs is None else True,
        "logprobs": settings.logprobs or None,
    }
    if settings.user is not None:
        raise Unsupported("`user`")
    return {key: value for key, value in said.items() if value is not None}


def _with_extra(body: JsonObject, extra: JsonObject) -> JsonObject:
    """The body with `extra`: settings key by key, tools added, the rest as it stands."""
    rest = {key: value for key, value in extra.items() if key not in _MERGED}
    said = dict(merged(body, rest, fixed=_FIXED))
    for key in ("generationConfig", "toolConfig"):
        if key in extra:
            said[key] = {**as_object(body.get(key)), **as_object(extra[key])}
    if "tools" in extra:
        said["tools"] = [*as_list(body.get("tools")), *as_list(extra["tools"])]
    return said
