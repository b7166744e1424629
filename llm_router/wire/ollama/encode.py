"""Encodes a request for Ollama's `/api/chat`.

What it has no word for: sound, files and images by URL are refused; a tool choice of `none` leaves the tools out; a
call that must be made is content by a schema (see `forced.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from llm_router.messages import (
    ChatRequest,
    Json,
    JsonFormat,
    JsonObject,
    Media,
    Message,
    Part,
    Reasoning,
    Refusal,
    Settings,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)
from llm_router.wire.codec import HttpRequest, Target, Unsupported
from llm_router.wire.json_answers import with_instruction
from llm_router.wire.media import base64_text
from llm_router.wire.ollama.forced import call_schema, forced_tools, told
from llm_router.wire.reading import as_list, as_object
from llm_router.wire.sending import json_body, merged, request_headers, url
from llm_router.wire.thinking import effort_of
from llm_router.wire.tool_calls import arguments_of, result_text

_FIXED = frozenset({"model", "messages", "stream"})


def encode(request: ChatRequest, target: Target, *, stream: bool) -> HttpRequest:
    """The request for `{base_url}/api/chat`. Raises Unsupported."""
    settings = request.settings
    if settings.user is not None:
        raise Unsupported("`user`")
    forced = forced_tools(request)
    form = JsonFormat(call_schema(forced)) if forced else request.response_format
    said = (
        with_instruction(request.messages, told(form.schema)) if forced and form and form.schema else request.messages
    )
    body: dict[str, Json] = {
        "model": target.model,
        "messages": encode_messages(said),
        "stream": stream,
        **({} if forced else _tools(request)),
        **_format(form),
        **_think(settings, target.model),
        **_logprobs(settings.logprobs),
    }
    options = {**_options(settings), **_window(body, settings, target), **as_object(settings.extra.get("options"))}
    extra = {key: value for key, value in settings.extra.items() if key != "options"}
    if options:
        body["options"] = options
    return HttpRequest(
        "POST",
        url(target, "/api/chat"),
        request_headers(target, settings, "application/x-ndjson" if stream else "application/json"),
        json_body(merged(body, extra, fixed=_FIXED)),
    )


def encode_messages(messages: Sequence[Message]) -> list[JsonObject]:
    """The `messages` of the body; a tool message becomes one for each result. Raises Unsupported."""
    calls = {part.id: part.name for message in messages for part in message.parts if isinstance(part, ToolCall)}
    encoded: list[JsonObject] = []
    for message in messages:
        if message.role == "tool":
            encoded += [_result(part, calls) for part in message.parts]
        else:
            encoded.append(_said(message))
    return encoded


def _said(message: Message) -> JsonObject:
    if any(isinstance(part, ToolResult) for part in message.parts):
        raise Unsupported(f"tool results in a {message.role} message")
    said: dict[str, Json] = {
        "role": message.role,
        "content": "".join(part.text for part in message.parts if isinstance(part, Text | Refusal)),
        "thinking": "".join(part.text for part in message.parts if isinstance(part, Reasoning)),
        "images": [_image(part) for part in message.parts if isinstance(part, Media)],
        "tool_calls": [_call(part) for part in message.parts if isinstance(part, ToolCall)],
    }
    return {key: value for key, value in said.items() if value or key in ("role", "content")}


def _image(media: Media) -> str:
    if media.kind != "image":
        raise Unsupported(media.kind if media.kind == "audio" else "files")
    return base64_text(media)


def _call(call: ToolCall) -> JsonObject:
    return {"id": call.id, "function": {"name": call.name, "arguments": arguments_of(call)}}


def _result(part: Part, calls: Mapping[str, str]) -> JsonObject:
    """A tool's answer. Servers before 0.10 know only the name, later ones the id of the call too."""
    if not isinstance(part, ToolResult):
        raise Unsupported("a tool message that holds more than results")
    name = part.name or calls.get(part.call_id)
    said: dict[str, Json] = {"role": "tool", "content": result_text(part), "tool_call_id": part.call_id}
    return said if name is None else {**said, "tool_name": name}


def _tools(request: ChatRequest) -> JsonObject:
    if not request.tools or request.tool_choice == "none":
        return {}
    if request.parallel_tool_calls is False:
        raise Unsupported("`parallel_tool_calls: false`")
    return {"tools": [_tool(tool) for tool in request.tools]}


def _tool(tool: Tool) -> JsonObject:
    function: JsonObject = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": function}


def _format(wanted: JsonFormat | None) -> JsonObject:
    if wanted is None:
        return {}
    return {"format": "json" if wanted.schema is None else wanted.schema}


def _think(settings: Settings, model: str) -> JsonObject:
    """Whether to think; only gpt-oss takes levels, and of them not the lowest (docs, capabilities/thinking, 2025)."""
    if settings.reasoning is None:
        return {}
    effort = effort_of(settings.reasoning)
    if "gpt-oss" in model and effort != "none":
        return {"think": "low" if effort == "minimal" else effort}
    return {"think": effort != "none"}


def _logprobs(alternatives: int | None) -> JsonObject:
    """Since server 0.12.11 (docs, api, 2025-11)."""
    if alternatives is None:
        return {}
    return {"logprobs": True, **({"top_logprobs": alternatives} if alternatives else {})}


_USUAL_WINDOW = 4096
"""Tokens that a server reads and writes unasked (docs, faq, 2025): it cuts off what is beyond, in silence."""
_BYTES_A_TOKEN = 3
_TOKENS_AN_IMAGE = 1024
_USUAL_ANSWER = 1024


def _window(body: JsonObject, settings: Settings, target: Target) -> JsonObject:
    """A window that holds the request, where the usual one may not; in powers of two, as each loads a model anew."""
    images = [image for said in as_list(body["messages"]) for image in as_list(as_object(said).get("images"))]
    words = len(json_body(body)) - sum(len(str(image)) for image in images)
    answer = settings.max_output_tokens or _USUAL_ANSWER
    size = words // _BYTES_A_TOKEN + len(images) * _TOKENS_AN_IMAGE + answer
    if target.context is None or size <= _USUAL_WINDOW:
        return {}
    return {"num_ctx": min(target.context, 1 << (size - 1).bit_length())}


def _options(settings: Settings) -> Mapping[str, Json]:
    options: dict[str, Json] = {
        "num_predict": settings.max_output_tokens,
        "temperature": settings.temperature,
        "top_p": settings.top_p,
        "stop": None if settings.stop is None else list(settings.stop),
        "seed": settings.seed,
    }
    return {key: value for key, value in options.items() if value is not None}
