"""Encodes a request for OpenAI's `/responses`.

Nothing is kept with the provider: `store: false`, and reasoning models are asked for their encrypted thoughts, so that
a conversation can go on from what the caller holds. An effort also asks for a summary of the thoughts, which some
organisations must be verified for: `extra: {reasoning: {summary: null}}` takes that away.
"""

from __future__ import annotations

from collections.abc import Mapping

from llm_router.messages import ChatRequest, Json, JsonObject, NamedTool, Settings, Tool, ToolChoice
from llm_router.wire.codec import HttpRequest, Target, Unsupported
from llm_router.wire.openai.answers import instructed, response_format, with_answer_tool
from llm_router.wire.openai.efforts import known_effort, sampling
from llm_router.wire.openai.quirks import Quirks, read_quirks
from llm_router.wire.reading import as_list, as_object
from llm_router.wire.responses.conversation import encode_conversation
from llm_router.wire.sending import json_body, merged, request_headers, url

_FIXED = frozenset({"model", "input", "stream", "previous_response_id", "conversation", "background"})
"""Keys that `extra` may not replace: decision, guards and decoder depend on them."""
_JOINED = ("reasoning", "text")
"""Objects of the body to which `extra` adds, key by key."""
_ENCRYPTED = "reasoning.encrypted_content"
_LOGPROBS = "message.output_text.logprobs"


def encode(request: ChatRequest, target: Target, *, stream: bool) -> HttpRequest:
    """The request for `{base_url}/responses`. Raises Unsupported."""
    quirks = read_quirks(target.quirks)
    request = with_answer_tool(request, quirks)
    body: dict[str, Json] = {
        "model": target.model,
        **encode_conversation(instructed(request, quirks), quirks),
        **_tools(request, quirks),
        **_settings(request.settings, quirks),
        **_format(request, quirks),
        "store": False,
        **({"stream": True} if stream else {}),
    }
    return HttpRequest(
        "POST",
        url(target, "/responses"),
        request_headers(target, request.settings, "text/event-stream" if stream else "application/json"),
        json_body(_extended(body, request.settings.extra)),
    )


def _extended(body: JsonObject, extra: JsonObject) -> JsonObject:
    """The body with `extra`: what both say of text, reasoning and inclusion is joined."""
    joined: dict[str, Json] = {
        name: {**as_object(body[name]), **as_object(extra[name])} for name in _JOINED if name in body and name in extra
    }
    if "include" in body and "include" in extra:
        joined["include"] = list(dict.fromkeys(map(str, [*as_list(body["include"]), *as_list(extra["include"])])))
    return merged(body, {**extra, **joined}, fixed=_FIXED)


def _tools(request: ChatRequest, quirks: Quirks) -> JsonObject:
    """Tools and how they may be used; without tools there is nothing to say of their use."""
    if not request.tools:
        return {}
    if quirks.tools == "no":
        raise Unsupported("tools")
    said: dict[str, Json] = {"tools": [_tool(tool, quirks) for tool in request.tools]}
    if request.tool_choice is not None:
        said["tool_choice"] = _tool_choice(request.tool_choice)
    if request.parallel_tool_calls is not None:
        said["parallel_tool_calls"] = request.parallel_tool_calls
    return said


def _tool(tool: Tool, quirks: Quirks) -> JsonObject:
    """A tool. Left out, `strict` would be true here, unlike in chat completions: so it is always said."""
    strict = tool.strict is True and quirks.strict_tools == "yes"
    said: JsonObject = {"type": "function", "name": tool.name, "parameters": tool.parameters, "strict": strict}
    return {**said, "description": tool.description} if tool.description else said


def _tool_choice(choice: ToolChoice) -> Json:
    return {"type": "function", "name": choice.name} if isinstance(choice, NamedTool) else choice


def _settings(settings: Settings, quirks: Quirks) -> Mapping[str, Json]:
    for name in ("stop", "seed"):
        if getattr(settings, name) is not None:
            raise Unsupported(f"`{name}`")
    said: dict[str, Json] = {
        "max_output_tokens": settings.max_output_tokens,
        **sampling(settings, quirks),
        **_reasoning(settings, quirks),
        "top_logprobs": settings.logprobs,
        "user": settings.user,
        "include": _included(settings, quirks) or None,
    }
    return {key: value for key, value in said.items() if value is not None}


def _reasoning(settings: Settings, quirks: Quirks) -> JsonObject:
    if settings.reasoning is None:
        return {}
    if quirks.reasoning == "none":
        if settings.reasoning == "none":
            return {}  # who doesn't reason does as asked
        raise Unsupported("`reasoning`")
    effort = known_effort(settings.reasoning, quirks)
    return {"reasoning": {"effort": effort} if effort == "none" else {"effort": effort, "summary": "auto"}}


def _included(settings: Settings, quirks: Quirks) -> list[Json]:
    thoughts = [_ENCRYPTED] if quirks.reasoning != "none" else []  # others refuse to be asked for them
    return [*thoughts, *([_LOGPROBS] if settings.logprobs is not None else [])]


def _format(request: ChatRequest, quirks: Quirks) -> JsonObject:
    """The form of the answer, as chat completions say it but for one level less."""
    said = None if request.response_format is None else response_format(request.response_format, quirks)
    if said is None:
        return {}
    described = as_object(said.get("json_schema"))
    return {"text": {"format": {"type": said["type"], **described}}}
