"""Encodes a request as a chat completion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from llm_router.messages import ChatRequest, Json, JsonObject, Message, NamedTool, Settings, Tool, ToolChoice
from llm_router.wire.codec import HttpRequest, Target, Unsupported
from llm_router.wire.openai.answers import instructed, response_format, with_answer_tool
from llm_router.wire.openai.conversation import begins_answer, encode_messages
from llm_router.wire.openai.efforts import known_effort, sampling
from llm_router.wire.openai.quirks import Quirks, read_quirks
from llm_router.wire.openai.turns import by_turns
from llm_router.wire.sending import json_body, merged, request_headers, url

_FIXED = frozenset({"model", "messages", "stream"})
"""Keys that `extra` may not replace: decision, guards and decoder depend on them."""


def encode(request: ChatRequest, target: Target, *, stream: bool) -> HttpRequest:
    """The request for `{base_url}/chat/completions`. Raises Unsupported."""
    quirks = read_quirks(target.quirks)
    request = with_answer_tool(request, quirks)
    body: dict[str, Json] = {
        "model": target.model,
        "messages": encode_messages(_messages(request, quirks), quirks, target.model),
        **_tools(request, quirks),
        **_settings(request.settings, quirks),
        **_format(request, quirks),
        **_streaming(quirks, stream=stream),
        **_beginning(request, quirks),
    }
    return HttpRequest(
        "POST",
        url(target, "/chat/completions"),
        request_headers(target, request.settings, "text/event-stream" if stream else "application/json"),
        json_body(merged(body, request.settings.extra, fixed=_FIXED)),
    )


def _messages(request: ChatRequest, quirks: Quirks) -> Sequence[Message]:
    said = instructed(request, quirks)
    return by_turns(said) if quirks.turns == "strict" else said


def _tools(request: ChatRequest, quirks: Quirks) -> JsonObject:
    """Tools and how they may be used; without tools there is nothing to say of their use."""
    if not request.tools:
        return {}
    if quirks.tools == "no":
        raise Unsupported("tools")
    _check_effort(request, quirks)
    said: dict[str, Json] = {"tools": [_tool(tool, quirks) for tool in request.tools]}
    if request.tool_choice is not None:
        said["tool_choice"] = _tool_choice(request.tool_choice, quirks)
    return {**said, **_parallel(request, quirks)}


def _check_effort(request: ChatRequest, quirks: Quirks) -> None:
    """Raises Unsupported where tools, or calls that must be made, can't be had beside so much thought.

    A 400 otherwise (openai since gpt-5.4, deepseek since V4, 2026).
    """
    effort = request.settings.reasoning
    if quirks.forced_calls == "idle" and effort != "none" and request.tool_choice not in (None, "auto", "none"):
        raise Unsupported("a `tool_choice` other than auto and none while it thinks: say `reasoning: none`")
    fits = {"any": True, "unsaid": effort in (None, "none"), "none": effort == "none"}
    if not fits[quirks.tool_efforts]:
        raise Unsupported("tools beside `reasoning` in chat completions: say `reasoning: none`, or `api: responses`")


def _parallel(request: ChatRequest, quirks: Quirks) -> JsonObject:
    """Whether several calls may come at once; where there is no such option they may."""
    wanted = request.parallel_tool_calls
    if quirks.parallel_tool_calls == "yes":
        return {} if wanted is None else {"parallel_tool_calls": wanted}
    if wanted is False:
        raise Unsupported("`parallel_tool_calls: false`")
    return {}


def _tool(tool: Tool, quirks: Quirks) -> JsonObject:
    function: dict[str, Json] = {"name": tool.name, "parameters": tool.parameters}
    if tool.description:
        function["description"] = tool.description
    if tool.strict is not None and quirks.strict_tools == "yes":
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


def _tool_choice(choice: ToolChoice, quirks: Quirks) -> Json:
    if isinstance(choice, NamedTool):
        return {"type": "function", "function": {"name": choice.name}}
    return quirks.tool_choice_required if choice == "required" else choice


def _settings(settings: Settings, quirks: Quirks) -> Mapping[str, Json]:
    said: dict[str, Json] = {
        quirks.max_tokens_name: settings.max_output_tokens,
        **sampling(settings, quirks),
        "stop": None if settings.stop is None else list(settings.stop),
        quirks.seed_name: settings.seed,
        **_reasoning(settings, quirks),
        **_logprobs(settings.logprobs, quirks),
        "user": settings.user,
    }
    said = {key: value for key, value in said.items() if value is not None}
    if "user" in said and quirks.user == "no":
        raise Unsupported("`user`")
    if "stop" in said and quirks.stop == "no":
        raise Unsupported("`stop`")
    if "none" in said:
        raise Unsupported("`seed`")
    return said


def _reasoning(settings: Settings, quirks: Quirks) -> Mapping[str, Json]:
    if settings.reasoning is None:
        return {}
    if quirks.reasoning == "none":
        if settings.reasoning == "none":
            return {}  # who doesn't reason does as asked
        raise Unsupported("`reasoning`")
    if quirks.reasoning == "fixed":
        raise Unsupported("`reasoning`: this model thinks as it will")
    if quirks.reasoning == "object" and isinstance(settings.reasoning, int):
        return {"reasoning": {"max_tokens": settings.reasoning}}
    effort = known_effort(settings.reasoning, quirks)
    return {"reasoning": {"effort": effort}} if quirks.reasoning == "object" else {"reasoning_effort": effort}


def _logprobs(alternatives: int | None, quirks: Quirks) -> Mapping[str, Json]:
    if alternatives is None:
        return {}
    if quirks.logprobs == "none":
        raise Unsupported("`logprobs`")
    if quirks.logprobs == "count":
        return {"logprobs": max(1, alternatives)}
    return {"logprobs": True, **({"top_logprobs": alternatives} if alternatives else {})}


def _format(request: ChatRequest, quirks: Quirks) -> JsonObject:
    said = None if request.response_format is None else response_format(request.response_format, quirks)
    return {} if said is None else {"response_format": said}


def _beginning(request: ChatRequest, quirks: Quirks) -> JsonObject:
    """That the template is to leave the last message open (vllm, OpenAI-compatible server, 2025)."""
    if quirks.prefill != "template" or not begins_answer(request.messages):
        return {}
    return {"continue_final_message": True, "add_generation_prompt": False}


def _streaming(quirks: Quirks, *, stream: bool) -> JsonObject:
    if not stream:
        return {}
    usage: JsonObject = {"stream_options": {"include_usage": True}} if quirks.stream_usage == "option" else {}
    return {"stream": True, **usage}
