"""Encodes a request for the Messages API.

`max_tokens` must be said: without a setting it is the most that the deployment can answer with, as its card or the spec
says, else 8192, which every model since 2024 takes. There is no seed. `metadata`, `top_k`, `service_tier`, betas and
the like go through `settings.extra` and `settings.headers`; `extra.output_config` joins what is said here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from llm_router.messages import ChatRequest, Json, JsonObject, NamedTool, Settings, Tool
from llm_router.wire.anthropic.answers import AnswerForm, answer_form
from llm_router.wire.anthropic.content import cache_control, shortest
from llm_router.wire.anthropic.conversation import Conversation, encode_conversation
from llm_router.wire.anthropic.quirks import Quirks, read_quirks
from llm_router.wire.anthropic.schemas import fitted
from llm_router.wire.anthropic.thinking import Thinking, sampling, thinking
from llm_router.wire.codec import HttpRequest, Target, Unsupported
from llm_router.wire.json_answers import ANSWER_TOOL
from llm_router.wire.reading import as_object
from llm_router.wire.sending import json_body, merged, request_headers, url

VERSION = "2023-06-01"
"""Of the API; the only one since then (docs/api/versioning, 2026)."""
USUAL_CAP = 8192
_FIXED = frozenset({"model", "messages", "system", "stream"})
"""Keys that `extra` may not replace: decision, guards and decoder depend on them."""


def encode(request: ChatRequest, target: Target, *, stream: bool) -> HttpRequest:
    """The request for `{base_url}/v1/messages`. Raises Unsupported."""
    quirks, settings = read_quirks(target.quirks), request.settings
    conversation = encode_conversation(request.messages)
    if conversation.prefilled and quirks.prefill == "no":
        raise Unsupported("an assistant message at the end")
    body = _body(request, conversation, quirks, target)
    own = as_object(body.get("output_config"))
    extra = {**settings.extra}
    if own and isinstance(settings.extra.get("output_config"), Mapping):
        extra["output_config"] = {**own, **as_object(settings.extra["output_config"])}
    said = {"model": target.model, **merged(body, extra, fixed=_FIXED), **({"stream": True} if stream else {})}
    headers = request_headers(target, settings, "text/event-stream" if stream else "application/json")
    path = "/messages" if target.base_url.endswith("/v1") else "/v1/messages"
    return HttpRequest("POST", url(target, path), {"anthropic-version": VERSION, **headers}, json_body(said))


def _body(request: ChatRequest, conversation: Conversation, quirks: Quirks, target: Target) -> JsonObject:
    settings = request.settings
    cap = settings.max_output_tokens or target.max_output or USUAL_CAP
    wanted = thinking(settings, quirks, conversation.turns, cap)
    forcible = quirks.forced_tools == "yes" and not wanted.budgeted
    form = answer_form(request, quirks, prefilled=conversation.prefilled, forcible=forcible)
    request = _with_answer_tool(request, form)
    return {
        "max_tokens": cap,
        **_system(conversation, form),
        "messages": conversation.turns,
        **_tools(request, quirks, forcible=forcible),
        **_stop(settings),
        **sampling(settings, quirks, wanted),
        **({} if wanted.said is None else {"thinking": wanted.said}),
        **_output(wanted, form),
        **({} if settings.user is None else {"metadata": {"user_id": settings.user}}),
    }


def _system(conversation: Conversation, form: AnswerForm) -> JsonObject:
    told: list[JsonObject] = [] if form.instruction is None else [{"type": "text", "text": form.instruction}]
    blocks = [*conversation.system, *told]
    return {"system": shortest(blocks)} if blocks else {}


def _with_answer_tool(request: ChatRequest, form: AnswerForm) -> ChatRequest:
    """The request with the tool that carries the answer, where that is how JSON is asked for."""
    if form.tool is None:
        return request
    choice = request.tool_choice
    if choice == "none" or not request.tools:
        choice = NamedTool(ANSWER_TOOL)
    elif not isinstance(choice, NamedTool):
        choice = "required"
    return replace(request, tools=(*request.tools, form.tool), tool_choice=choice)


def _tools(request: ChatRequest, quirks: Quirks, *, forcible: bool) -> JsonObject:
    """Tools and how they may be used; without tools there is nothing to say of their use."""
    if not request.tools:
        return {}
    choice = _tool_choice(request)
    if choice.get("type") in ("any", "tool") and not forcible:
        raise Unsupported("a tool call that is a must: the model decides, or thinks within a budget")
    tools = [_tool(tool, quirks) for tool in request.tools]
    return {"tools": tools, **({"tool_choice": choice} if choice else {})}


def _tool_choice(request: ChatRequest) -> JsonObject:
    """How tools may be used; that only one call may come at once is said here too, and so needs a choice."""
    choice, single = request.tool_choice, request.parallel_tool_calls is False
    if choice is None and not single:
        return {}
    words = {None: "auto", "auto": "auto", "none": "none", "required": "any"}
    said: JsonObject = (
        {"type": "tool", "name": choice.name} if isinstance(choice, NamedTool) else {"type": words[choice]}
    )
    return {**said, "disable_parallel_tool_use": True} if single and choice != "none" else said


def _tool(tool: Tool, quirks: Quirks) -> JsonObject:
    """A tool. `strict` is left out where a model doesn't decode by schemas, or not by this one: it only sharpens it."""
    said: dict[str, Json] = {"name": tool.name, "input_schema": {"type": "object", **tool.parameters}}
    if tool.description:
        said["description"] = tool.description
    schema = fitted(tool.parameters) if tool.strict else said["input_schema"]
    if tool.strict is not None and quirks.json == "schema" and schema is not None:
        said |= {"strict": tool.strict, "input_schema": schema}
    return {**said, **cache_control(tool.cache)}


def _stop(settings: Settings) -> JsonObject:
    """Stop sequences; there are no seed and no log probabilities. Raises Unsupported."""
    for name in ("seed", "logprobs"):
        if getattr(settings, name) is not None:
            raise Unsupported(f"`{name}`")
    if settings.stop is None:
        return {}
    if not all(word.strip() for word in settings.stop):
        raise Unsupported("a stop sequence of nothing but white space")
    return {"stop_sequences": list(settings.stop)}


def _output(wanted: Thinking, form: AnswerForm) -> JsonObject:
    said: dict[str, Json] = {"effort": wanted.effort, "format": form.format}
    said = {name: value for name, value in said.items() if value is not None}
    return {"output_config": said} if said else {}
