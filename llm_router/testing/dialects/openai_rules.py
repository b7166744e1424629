"""What OpenAI's chat completions accept; what others of the family accept beyond it is in `openai_family`.

Wording, codes and params follow recorded errors of api.openai.com.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping

from llm_router.messages import Json, JsonObject
from llm_router.testing.dialects.dialect import objects
from llm_router.testing.question import Problem
from llm_router.testing.shapes import (
    Anything,
    Array,
    Either,
    Flag,
    Misfit,
    Number,
    Object,
    Shape,
    String,
    Tagged,
)

NAME = r"[a-zA-Z0-9_-]+"
_NAME = String(pattern=NAME, short=1, long=64)
TEXT_PART = Object({"text": String()}, ("text",))
IMAGE = Object({"url": String(), "detail": String(("auto", "low", "high", "original"))}, ("url",))
_IMAGE_PART = Object({"image_url": IMAGE}, ("image_url",))
_AUDIO_PART = Object(
    {"input_audio": Object({"data": String(), "format": String(("wav", "mp3"))}, ("data", "format"))}, ("input_audio",)
)
_FILE_PART = Object({"file": Object({"file_id": String(), "filename": String(), "file_data": String()})}, ("file",))
REFUSAL_PART = Object({"refusal": String()}, ("refusal",))
USER_PARTS: Mapping[str, Object] = {
    "text": TEXT_PART,
    "image_url": _IMAGE_PART,
    "input_audio": _AUDIO_PART,
    "file": _FILE_PART,
}


def content(parts: Mapping[str, Object], *, short: int = 1) -> Shape:
    """A message's content: text, or a list of `short` or more of these parts."""
    return Either((String(), Array(Tagged("type", parts), short=short)))


_TEXTS = content({"text": TEXT_PART})
_CALL = Object(
    {
        "id": String(),
        "type": String(("function",)),
        "function": Object({"name": _NAME, "arguments": String()}, ("name", "arguments")),
        "index": Number(integer=True),  # what streams carry is taken back (openai-compatible recordings, 2025)
    },
    ("id", "type", "function"),
)
_SYSTEM = Object({"content": _TEXTS, "name": String()}, ("content",))
MESSAGE = Tagged(
    "role",
    {
        "system": _SYSTEM,
        "assistant": Object(
            {
                "content": content({"text": TEXT_PART, "refusal": REFUSAL_PART}),
                "name": String(),
                "refusal": String(),
                "annotations": Array(Anything()),
                "audio": Object({"id": String()}, ("id",)),
                "tool_calls": Array(_CALL, short=1),
                "function_call": Object({"name": _NAME, "arguments": String()}, ("name", "arguments")),
            }
        ),
        "user": Object({"content": content(USER_PARTS), "name": String()}, ("content",)),
        "function": Object({"content": String(), "name": _NAME}, ("content", "name")),
        "tool": Object({"content": _TEXTS, "tool_call_id": String(), "name": String()}, ("content", "tool_call_id")),
        "developer": _SYSTEM,
    },
)
_FUNCTION = Object(
    {"name": _NAME, "description": String(), "parameters": Object(open=True), "strict": Flag()}, ("name",)
)
_TOOL = Object({"type": String(("function",)), "function": _FUNCTION}, ("type", "function"))
NAMED = Object({"type": String(("function",)), "function": Object({"name": _NAME}, ("name",))}, ("type", "function"))
_FORMAT = Tagged(
    "type",
    {
        "json_object": Object(),
        "json_schema": Object(
            {
                "json_schema": Object(
                    {"name": _NAME, "description": String(), "schema": Object(open=True), "strict": Flag()}, ("name",)
                )
            },
            ("json_schema",),
        ),
        "text": Object(),
    },
)
FIELDS: Mapping[str, Shape] = {
    "model": String(),
    "messages": Array(MESSAGE, short=1),
    "audio": Object({"format": String(), "voice": Anything()}, ("format", "voice")),
    "frequency_penalty": Number(-2, 2),
    "function_call": Either((String(("none", "auto")), Object({"name": _NAME}, ("name",)))),
    "functions": Array(_FUNCTION, short=1, long=128),
    "logit_bias": Object(open=True),
    "logprobs": Flag(),
    "max_completion_tokens": Number(1, integer=True),
    "max_tokens": Number(1, integer=True),
    "metadata": Object(open=True),
    "moderation": Object(open=True),
    "modalities": Array(String(("text", "audio")), short=1),
    "n": Number(1, 128, integer=True),
    "parallel_tool_calls": Flag(),
    "prediction": Object(open=True),
    "presence_penalty": Number(-2, 2),
    "prompt_cache_key": String(),
    "prompt_cache_options": Object(open=True),
    "prompt_cache_retention": String(("in-memory", "in_memory", "24h")),
    "reasoning_effort": String(("none", "minimal", "low", "medium", "high", "xhigh", "max")),
    "response_format": _FORMAT,
    "safety_identifier": String(long=64),
    "seed": Number(integer=True),
    "service_tier": String(("auto", "default", "flex", "scale", "priority", "fast")),
    "stop": Either((String(), Array(String(), long=4))),
    "store": Flag(),
    "stream": Flag(),
    "stream_options": Object({"include_usage": Flag(), "include_obfuscation": Flag()}),
    "temperature": Number(0, 2),
    "tool_choice": Either((String(("none", "auto", "required")), NAMED)),
    "tools": Array(_TOOL, short=1, long=128),
    "top_logprobs": Number(0, 20, integer=True),
    "top_p": Number(0, 1),
    "user": String(),
    "verbosity": String(("low", "medium", "high")),
    "web_search_options": Object(open=True),
}

_WORDS: Mapping[str, tuple[str, str]] = {
    "type": ("Invalid type for '{path}': expected {expected}, but got {got} instead.", "invalid_type"),
    "value": ("Invalid value: '{got}'. Supported values are: {expected}.", "invalid_value"),
    "missing": ("Missing required parameter: '{path}'.", "missing_required_parameter"),
    "unknown": ("Unrecognized request argument supplied: {path}", ""),
    "low": (
        "Invalid '{path}': below minimum value. Expected a value >= {expected}, but got {got} instead.",
        "below_min_value",
    ),
    "high": (
        "Invalid '{path}': above maximum value. Expected a value <= {expected}, but got {got} instead.",
        "above_max_value",
    ),
    "pattern": (
        "Invalid '{path}': string does not match pattern. Expected a string that matches the pattern '^{expected}$'.",
        "invalid_value",
    ),
    "short": (
        "Invalid '{path}': too short. Expected a minimum length of {expected}, but got length {got} instead.",
        "below_min_length",
    ),
    "long": (
        "Invalid '{path}': too long. Expected a maximum length of {expected}, but got length {got} instead.",
        "above_max_length",
    ),
}


def misfit_problem(misfit: Misfit) -> Problem:
    """A misfit in OpenAI's words."""
    words, code = _WORDS[misfit.kind]
    message = words.format(path=misfit.path, expected=misfit.expected, got=misfit.got)
    return bad_request(message, code=code or None, param=misfit.path if code else None)


def bad_request(message: str, *, code: str | None = None, param: str | None = None) -> Problem:
    """A 400 as OpenAI sends it."""
    return Problem(400, message, "invalid_request_error", code, param)


def broken_rules(body: JsonObject, kind: str) -> Iterator[Problem]:
    """What a body of the right shape still has wrong, one field against another."""
    yield from _tool_messages(body)
    yield from _dependent_fields(body)
    yield from _formats(body)
    yield from _images(body)
    if kind in ("openai", "azure"):
        yield from _reasoning_models(body)
        yield from _thinking_with_tools(body)


def _tool_messages(body: JsonObject) -> Iterator[Problem]:
    """Each call is answered right after it, and no tool message answers a call that wasn't made."""
    open_calls: list[str] = []
    for place, message in enumerate(objects(body.get("messages"))):
        role = message.get("role")
        if role == "tool":
            call = str(message.get("tool_call_id"))
            if call not in open_calls:
                yield _unasked(place)
            open_calls = [one for one in open_calls if one != call]
            continue
        if open_calls:
            yield _unanswered(open_calls, place)
        open_calls = [str(call.get("id")) for call in objects(message.get("tool_calls"))]
        if role == "assistant" and message.get("content") is None and not open_calls and "function_call" not in message:
            yield bad_request(
                f"Invalid value for 'content': expected a string, got null. (messages.[{place}].content)",
                param=f"messages.[{place}].content",
            )
    if open_calls:
        yield _unanswered(open_calls, len(objects(body.get("messages"))))


def _unasked(place: int) -> Problem:
    return bad_request(
        "Invalid parameter: messages with role 'tool' must be a response to a preceding message with 'tool_calls'.",
        param=f"messages.[{place}].role",
    )


def _unanswered(calls: list[str], place: int) -> Problem:
    return bad_request(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
        f"The following tool_call_ids did not have response messages: {', '.join(calls)}",
        param=f"messages.[{place}].role",
    )


def _dependent_fields(body: JsonObject) -> Iterator[Problem]:
    if body.get("stream_options") is not None and not body.get("stream"):
        yield bad_request(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.", param="stream_options"
        )
    names = [_tool_name(tool) for tool in objects(body.get("tools"))]
    for field in ("tool_choice", "parallel_tool_calls"):
        if body.get(field) is not None and not names:
            yield bad_request(
                f"Invalid value for '{field}': '{field}' is only allowed when 'tools' are specified.", param=field
            )
    choice = body.get("tool_choice")
    if isinstance(choice, Mapping) and names and _tool_name(choice) not in names:
        yield bad_request(f"Tool choice '{_tool_name(choice)}' not found in 'tools' parameter.", param="tool_choice")
    if body.get("max_tokens") is not None and body.get("max_completion_tokens") is not None:
        yield bad_request(
            "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
            code="invalid_parameter_combination",
            param="max_tokens",
        )
    if body.get("top_logprobs") is not None and not body.get("logprobs"):
        yield bad_request(
            "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.", param="top_logprobs"
        )


def _tool_name(tool: JsonObject) -> str:
    function = tool.get("function")
    return str(function.get("name")) if isinstance(function, Mapping) else ""


def _formats(body: JsonObject) -> Iterator[Problem]:
    form = body.get("response_format")
    if isinstance(form, Mapping) and form.get("type") == "json_object" and not _mentions_json(body.get("messages")):
        yield bad_request(
            "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
            param="messages",
        )
    described = form.get("json_schema") if isinstance(form, Mapping) else None
    if isinstance(described, Mapping) and described.get("strict"):
        yield from strict_schema(
            described.get("schema"), f"response_format '{described.get('name')}'", "response_format"
        )
    for place, tool in enumerate(objects(body.get("tools"))):
        function = tool.get("function")
        if isinstance(function, Mapping) and function.get("strict"):
            yield from strict_schema(
                function.get("parameters"), f"function '{function.get('name')}'", f"tools[{place}].function.parameters"
            )


def _mentions_json(messages: Json) -> bool:
    return "json" in str(messages).lower()


def strict_schema(schema: Json, whose: str, param: str, context: tuple[str, ...] = ()) -> Iterator[Problem]:
    """What strict mode asks of each object: no further properties, and every property required."""
    if not isinstance(schema, Mapping):
        return
    code = "invalid_function_parameters" if whose.startswith("function") else None
    start = f"Invalid schema for {whose}: In context={context!r}, "
    properties = schema.get("properties")
    if schema.get("type") == "object" or isinstance(properties, Mapping):
        if schema.get("additionalProperties") is not False:
            yield bad_request(
                f"{start}'additionalProperties' is required to be supplied and to be false.", code=code, param=param
            )
        required = schema.get("required")
        names = set(properties) if isinstance(properties, Mapping) else set()
        missing = sorted(names - set(map(str, required if isinstance(required, list) else [])))
        if missing:
            yield bad_request(
                f"{start}'required' is required to be supplied and to be an array including every key in "
                f"properties. Missing '{missing[0]}'.",
                code=code,
                param=param,
            )
    for key in ("properties", "$defs", "definitions"):
        below = schema.get(key)
        for name, part in below.items() if isinstance(below, Mapping) else ():
            yield from strict_schema(part, whose, param, (*context, key, name))
    yield from strict_schema(schema.get("items"), whose, param, (*context, "items"))


def _images(body: JsonObject) -> Iterator[Problem]:
    for message in objects(body.get("messages")):
        for part in objects(message.get("content")):
            image = part.get("image_url")
            if isinstance(image, Mapping) and not readable_image(str(image.get("url"))):
                yield bad_request(
                    "You uploaded an unsupported image. Please make sure your image has of one the "
                    "following formats: ['png', 'jpeg', 'gif', 'webp'].",
                    code="invalid_image_format",
                )


def readable_image(url: str) -> bool:
    """Whether this is an http address, or a data URL of an image in base64."""
    if re.fullmatch(r"https?://\S+", url):
        return True
    found = re.fullmatch(r"data:image/(png|jpeg|jpg|gif|webp);base64,(.+)", url, re.DOTALL)
    return found is not None and is_base64(found[2])


def is_base64(text: str) -> bool:
    """Whether the text is base64 of at least one byte."""
    try:
        return len(base64.b64decode(text, validate=True)) > 0
    except (binascii.Error, ValueError):
        return False


def _reasoning_models(body: JsonObject) -> Iterator[Problem]:
    """Reasoning models take another name for the cap, and no sampling parameters (openai, 2025)."""
    if not re.match(r"(o\d|gpt-5)(?!.*chat)", str(body.get("model"))):
        return
    if body.get("max_tokens") is not None:
        yield bad_request(
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
            "'max_completion_tokens' instead.",
            code="unsupported_parameter",
            param="max_tokens",
        )
    for field in ("temperature", "top_p"):
        if body.get(field) not in (None, 1):
            yield bad_request(
                f"Unsupported value: '{field}' does not support {body.get(field)} with this model. Only "
                "the default (1) value is supported.",
                code="unsupported_value",
                param=field,
            )


def _thinking_with_tools(body: JsonObject) -> Iterator[Problem]:
    """Models of 2026 don't think beside tools here; the later ones do unasked (pipecat issue 4043, litellm 34569)."""
    model, effort = str(body.get("model")), body.get("reasoning_effort")
    unasked = re.match(r"gpt-5\.[6-9]|gpt-[6-9]", model)
    if not body.get("tools") or effort == "none" or not (unasked or (effort and re.match(r"gpt-5\.[45]", model))):
        return
    way = "To use function tools, use /v1/responses or set reasoning_effort to 'none'."
    yield bad_request(
        f"Function tools with reasoning_effort are not supported for {model} in /v1/chat/completions. "
        f"{way if unasked else 'Please use /v1/responses instead.'}",
        param="reasoning_effort",
    )
