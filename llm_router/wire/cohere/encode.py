"""Encodes a request for `/v2/chat`.

What it has no word for is refused: a named tool (unless it is the only one, where "some tool" says the same), "not
several calls at once", alternatives in logprobs, an end user, files and sound. `top_p` is kept to the 0.01 to 0.99 that
it takes. `strict_tools` is for all tools together: said where every tool is strict and has a parameter that must be
given, which it asks for (docs, structured-outputs, 2026), and left out elsewhere. Documents, `citation_options`,
`safety_mode`, `k`, penalties and the like go through `settings.extra`.
"""

from __future__ import annotations

from llm_router.messages import ChatRequest, Json, JsonObject, NamedTool, Settings, Tool
from llm_router.wire.codec import HttpRequest, Target, Unsupported
from llm_router.wire.cohere.answers import instructed, response_format
from llm_router.wire.cohere.conversation import encode_messages
from llm_router.wire.cohere.quirks import Quirks, read_quirks
from llm_router.wire.sending import json_body, merged, request_headers, url
from llm_router.wire.thinking import budget_of, within

_FIXED = frozenset({"model", "messages", "stream"})
"""Keys that `extra` may not replace: decision, guards and decoder depend on them."""
_LEAST_P, _MOST_P = 0.01, 0.99
_MOST_STOPS = 5
"""Both: docs, reference/chat, 2026."""


def encode(request: ChatRequest, target: Target, *, stream: bool) -> HttpRequest:
    """The request for `{base_url}/v2/chat`. Raises Unsupported."""
    quirks, settings = read_quirks(target.quirks), request.settings
    body: JsonObject = {
        "model": target.model,
        "messages": encode_messages(instructed(request, quirks).messages, quirks),
        "stream": stream,
        **_tools(request, quirks),
        **response_format(request, quirks),
        **_settings(settings),
        **_thinking(settings, quirks),
    }
    headers = request_headers(target, settings, "text/event-stream" if stream else "application/json")
    path = "/chat" if target.base_url.endswith("/v2") else "/v2/chat"
    return HttpRequest("POST", url(target, path), headers, json_body(merged(body, settings.extra, fixed=_FIXED)))


def _settings(settings: Settings) -> JsonObject:
    if settings.user is not None:
        raise Unsupported("`user`")
    if settings.logprobs:
        raise Unsupported("`logprobs` with alternatives")
    if len(settings.stop or ()) > _MOST_STOPS:
        raise Unsupported(f"more than {_MOST_STOPS} stop sequences")
    said: dict[str, Json] = {
        "max_tokens": settings.max_output_tokens,
        "temperature": settings.temperature,
        "p": None if settings.top_p is None else min(max(settings.top_p, _LEAST_P), _MOST_P),
        "stop_sequences": None if settings.stop is None else list(settings.stop),
        "seed": settings.seed,
        "logprobs": None if settings.logprobs is None else True,
    }
    return {name: value for name, value in said.items() if value is not None}


def _thinking(settings: Settings, quirks: Quirks) -> JsonObject:
    """Models that think do so unless it is switched off. Thoughts count towards the cap (docs, reasoning, 2026)."""
    wanted = settings.reasoning
    if wanted is None or (wanted == "none" and quirks.thinking == "no"):
        return {}
    if quirks.thinking == "no":
        raise Unsupported("`reasoning`")
    if wanted == "none":
        return {"thinking": {"type": "disabled"}}
    return {"thinking": {"type": "enabled", "token_budget": within(budget_of(wanted), settings.max_output_tokens)}}


def _tools(request: ChatRequest, quirks: Quirks) -> JsonObject:
    if not request.tools:
        return {}
    choice = _tool_choice(request)
    if choice == "NONE" and quirks.tool_choice == "no":
        return {}
    if choice is not None and quirks.tool_choice == "no":
        raise Unsupported("a tool call that is a must: this model decides")
    if request.parallel_tool_calls is False and choice != "NONE":
        raise Unsupported("`parallel_tool_calls: false`")
    said: dict[str, Json] = {"tools": [_tool(tool) for tool in request.tools]}
    if choice is not None:
        said["tool_choice"] = choice
    return {**said, "strict_tools": True} if all(map(_is_strict, request.tools)) else said


def _tool_choice(request: ChatRequest) -> str | None:
    choice = request.tool_choice
    if isinstance(choice, NamedTool):
        if [tool.name for tool in request.tools] != [choice.name]:
            raise Unsupported("a named tool among several")
        return "REQUIRED"
    return {None: None, "auto": None, "required": "REQUIRED", "none": "NONE"}[choice]


def _tool(tool: Tool) -> JsonObject:
    function: dict[str, Json] = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": function}


def _is_strict(tool: Tool) -> bool:
    required = tool.parameters.get("required")
    return tool.strict is True and isinstance(required, list | tuple) and bool(required)
