"""The shape of what Anthropic's Messages API accepts. Sources: its API reference and recorded requests, 2026."""

from __future__ import annotations

import re
from collections.abc import Mapping

from llm_router.messages import Json
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
    find_misfit,
)

_CACHE: Mapping[str, Shape] = {
    "cache_control": Object({"type": String(("ephemeral",)), "ttl": String(("5m", "1h"))}, ("type",))
}
_OPEN = Object(open=True)
_TEXT = Object({"text": String(), "citations": Anything(), **_CACHE}, ("text",))
_IMAGE_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")
_URL = Object({"url": String(pattern=r"https?://\S+")}, ("url",))
_FILE_ID = Object({"file_id": String()}, ("file_id",))


def _base64(types: tuple[str, ...]) -> Object:
    return Object(
        {"media_type": String(types), "data": String(pattern=r"[A-Za-z0-9+/]+={0,2}")}, ("media_type", "data")
    )


_IMAGE = Object(
    {"source": Tagged("type", {"base64": _base64(_IMAGE_TYPES), "url": _URL, "file": _FILE_ID}), **_CACHE}, ("source",)
)
_DOCUMENT = Object(
    {
        "source": Tagged(
            "type",
            {
                "base64": _base64(("application/pdf",)),
                "text": Object({"media_type": String(("text/plain",)), "data": String()}, ("media_type", "data")),
                "content": Object({"content": Anything()}, ("content",)),
                "url": _URL,
                "file": _FILE_ID,
            },
        ),
        "title": String(),
        "context": String(),
        "citations": Object({"enabled": Flag()}),
        **_CACHE,
    },
    ("source",),
)
_SEEN: Mapping[str, Object] = {"text": _TEXT, "image": _IMAGE, "document": _DOCUMENT, "search_result": _OPEN}


def _content(blocks: Mapping[str, Object]) -> Shape:
    return Either((String(), Array(Tagged("type", blocks))))


_ID = String(pattern=r"[a-zA-Z0-9_-]+")
_RESULT = Object(
    {
        "tool_use_id": _ID,
        "content": _content({**_SEEN, "tool_reference": _OPEN}),
        "is_error": Flag(),
        **_CACHE,
    },
    ("tool_use_id",),
)
_CALL = Object(
    {"id": _ID, "name": String(short=1, long=200), "input": _OPEN, "caller": _OPEN, **_CACHE}, ("id", "name", "input")
)
_OF_SERVER = (
    "server_tool_use",
    "web_search_tool_result",
    "web_fetch_tool_result",
    "code_execution_tool_result",
    "bash_code_execution_tool_result",
    "text_editor_code_execution_tool_result",
    "tool_search_tool_result",
    "container_upload",
    "mcp_tool_use",
    "mcp_tool_result",
)
_SAID: Mapping[str, Object] = {
    "text": _TEXT,
    "tool_use": _CALL,
    "thinking": Object({"thinking": String(), "signature": String()}, ("thinking", "signature")),
    "redacted_thinking": Object({"data": String()}, ("data",)),
    **dict.fromkeys(_OF_SERVER, _OPEN),
}
_MESSAGE = Tagged(
    "role",
    {
        "user": Object({"content": _content({**_SEEN, "tool_result": _RESULT, **_SAID})}, ("content",)),
        "assistant": Object({"content": _content(_SAID)}, ("content",)),
    },
)
_TOOL = Object(
    {
        "type": String(("custom",)),
        "name": String(pattern=r"[a-zA-Z0-9_-]{1,128}"),
        "description": String(),
        "input_schema": Object({"type": String(("object",))}, ("type",), open=True),
        "strict": Flag(),
        "input_examples": Anything(),
        "defer_loading": Flag(),
        "allowed_callers": Anything(),
        "eager_input_streaming": Flag(),
        **_CACHE,
    },
    ("name", "input_schema"),
)


def _tool(tool: Json, path: str) -> Misfit | None:
    """What is wrong with a tool of the caller's; the server's own are left alone."""
    if isinstance(tool, Mapping) and tool.get("type") not in (None, "custom"):
        return None
    return find_misfit(_TOOL, tool, path)


_ONE = {"disable_parallel_tool_use": Flag()}
_SCHEMA = Object({"schema": _OPEN, "type": String(("json_schema",))}, ("type", "schema"))
_DISPLAY = {"display": String(("summarized", "omitted"))}
FIELDS: Mapping[str, Shape] = {
    "model": String(short=1, long=256),
    "messages": Array(_MESSAGE, short=1),
    "max_tokens": Number(1, integer=True),
    "system": Either((String(), Array(Tagged("type", {"text": _TEXT})))),
    "stream": Flag(),
    "stop_sequences": Array(String()),
    "temperature": Number(0, 1),
    "top_p": Number(0, 1),
    "top_k": Number(0, integer=True),
    "metadata": Object({"user_id": String(long=512)}),
    "tools": Array(Anything(_tool)),
    "tool_choice": Tagged(
        "type",
        {
            "auto": Object(_ONE),
            "any": Object(_ONE),
            "tool": Object({**_ONE, "name": String()}, ("name",)),
            "none": Object(),
        },
    ),
    "thinking": Tagged(
        "type",
        {
            "enabled": Object({"budget_tokens": Number(1024, integer=True), **_DISPLAY}, ("budget_tokens",)),
            "adaptive": Object(_DISPLAY),
            "disabled": Object(),
            "between_tools": Object(),
        },
    ),
    "output_config": Object(
        {"effort": String(("low", "medium", "high", "xhigh", "max")), "format": _SCHEMA, "task_budget": _OPEN}
    ),
    "output_format": _SCHEMA,
    "service_tier": String(("auto", "standard_only")),
    "speed": String(("standard", "fast")),
    "inference_geo": String(),
    "container": Anything(),
    "context_management": _OPEN,
    "mcp_servers": Array(_OPEN),
    "diagnostics": _OPEN,
    **_CACHE,
}


def body_shape(also: frozenset[str]) -> Object:
    """What a body must look like."""
    return Object({**dict.fromkeys(also, Anything()), **FIELDS}, ("model", "max_tokens", "messages"))


_WORDS: Mapping[str, str] = {
    "type": "Input should be {expected}",
    "value": "Input should be {expected}",
    "missing": "Field required",
    "unknown": "Extra inputs are not permitted",
    "low": "Input should be greater than or equal to {expected}",
    "high": "Input should be less than or equal to {expected}",
    "pattern": "String should match pattern '^{expected}$'",
    "short": "should have at least {expected} item after validation, not {got}",
    "long": "should have at most {expected} characters",
}


def misfit_problem(misfit: Misfit) -> Problem:
    """A misfit in the API's words: `messages.0.role: Field required`."""
    place = re.sub(r"\[(\d+)\]", r".\1", misfit.path)
    kind = misfit.expected.partition(" ")[2] if misfit.kind == "type" else misfit.expected
    names = {"a string": "a valid string", "an integer": "a valid integer", "an array": "a valid list"}
    expected = names.get(misfit.expected, f"a valid {kind}") if misfit.kind == "type" else misfit.expected
    return bad_request(f"{place}: {_WORDS[misfit.kind].format(expected=expected, got=misfit.got)}")


def bad_request(message: str) -> Problem:
    """A 400 as Anthropic sends it."""
    return Problem(400, message, "invalid_request_error")
