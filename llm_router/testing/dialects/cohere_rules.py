"""What Cohere's /v2/chat accepts, in its own words as far as they are known (docs and the vendor's types, 2026)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from llm_router.messages import JsonObject
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

_TEXT = Object({"text": String()}, ("text",))
_IMAGE = Object(
    {
        "image_url": Object(
            {"url": String(pattern=r"https?://.+|data:image/.+;base64,.+"), "detail": String(("auto", "low", "high"))},
            ("url",),
        )
    },
    ("image_url",),
)
_DOCUMENT = Object({"id": String(), "data": Either((String(), Object(open=True)))}, ("data",))
_CALL = Object(
    {
        "id": String(short=1),
        "type": String(("function",)),
        "function": Object({"name": String(short=1), "arguments": String()}, ("name", "arguments")),
    },
    ("id", "type", "function"),
)
_MESSAGE = Tagged(
    "role",
    {
        "system": Object({"content": Either((String(), Array(Tagged("type", {"text": _TEXT}))))}, ("content",)),
        "user": Object(
            {"content": Either((String(), Array(Tagged("type", {"text": _TEXT, "image_url": _IMAGE}), short=1)))},
            ("content",),
        ),
        "assistant": Object(
            {
                "content": Either(
                    (
                        String(),
                        Array(
                            Tagged("type", {"text": _TEXT, "thinking": Object({"thinking": String()}, ("thinking",))})
                        ),
                    )
                ),
                "tool_calls": Array(_CALL),
                "tool_plan": String(),
                "citations": Array(Object(open=True)),
            }
        ),
        "tool": Object(
            {
                "tool_call_id": String(short=1),
                "content": Either(
                    (
                        String(),
                        Array(
                            Tagged("type", {"text": _TEXT, "document": Object({"document": _DOCUMENT}, ("document",))})
                        ),
                    )
                ),
            },
            ("tool_call_id", "content"),
        ),
    },
)
_FUNCTION = Object(
    {"name": String(pattern=r"[A-Za-z0-9_.-]+"), "description": String(), "parameters": Object(open=True)}, ("name",)
)
_FORMAT = Tagged(
    "type",
    {
        "text": Object(),
        "json_object": Object({"json_schema": Object(open=True), "schema": Object(open=True)}),
    },
)
_FIELDS: Mapping[str, Shape] = {
    "model": String(short=1),
    "messages": Array(_MESSAGE, short=1),
    "stream": Flag(),
    "tools": Array(Object({"type": String(("function",)), "function": _FUNCTION}, ("type", "function"))),
    "tool_choice": String(("REQUIRED", "NONE")),
    "strict_tools": Flag(),
    "documents": Array(Either((String(), _DOCUMENT))),
    "citation_options": Object({"mode": String(("ENABLED", "DISABLED", "FAST", "ACCURATE", "OFF"))}),
    "response_format": _FORMAT,
    "safety_mode": String(("CONTEXTUAL", "STRICT", "OFF")),
    "max_tokens": Number(low=0, integer=True),
    "stop_sequences": Array(String(), long=5),
    "temperature": Number(low=0),
    "seed": Number(low=0, integer=True),
    "frequency_penalty": Number(low=0, high=1),
    "presence_penalty": Number(low=0, high=1),
    "k": Number(low=0, high=500, integer=True),
    "p": Number(low=0.01, high=0.99),
    "logprobs": Flag(),
    "thinking": Object(
        {"type": String(("enabled", "disabled")), "token_budget": Number(low=1, integer=True)}, ("type",)
    ),
    "priority": Number(low=0, integer=True),
}


def body_shape(also: frozenset[str]) -> Object:
    """What a body must look like."""
    return Object({**dict.fromkeys(also, Anything()), **_FIELDS}, ("model", "messages"))


def misfit_problem(misfit: Misfit) -> Problem:
    """A misfit in words like the server's."""
    words = {
        "type": f"invalid type: parameter {misfit.path} is of type {misfit.got.split(' ', 1)[-1]} but should be of "
        f"type {misfit.expected.split(' ', 1)[-1]}.",
        "missing": f"invalid request: {misfit.path} is required.",
        "unknown": f"unknown field: parameter '{misfit.path}' is not a valid field.",
        "value": f"invalid request: {misfit.path} must be one of {misfit.expected}, got '{misfit.got}'.",
        "low": f"invalid request: {misfit.path} must be at least {misfit.expected}, got {misfit.got}.",
        "high": f"invalid request: {misfit.path} must be at most {misfit.expected}, got {misfit.got}.",
    }
    return Problem(400, words.get(misfit.kind, f"invalid request: {misfit.path} is not valid."))


def broken_rules(body: JsonObject) -> Iterator[Problem]:
    """What a body of the right shape still has wrong."""
    tools, form = objects(body.get("tools")), body.get("response_format")
    as_json = isinstance(form, Mapping) and form.get("type") == "json_object"
    if as_json and (tools or body.get("documents")):
        yield Problem(400, "invalid request: response_format is not supported with tools or documents.")
    if body.get("tool_choice") == "REQUIRED" and not tools:
        yield Problem(400, "invalid request: tool_choice requires tools to be set.")
    if body.get("strict_tools") and not all(map(_has_required, tools)):
        yield Problem(400, "invalid request: strict_tools needs at least one required parameter in every tool.")
    if body.get("safety_mode") and (tools or body.get("documents")):
        yield Problem(400, "invalid request: safety_mode is not supported with tools or documents.")
    yield from _unpaired(objects(body.get("messages")))


def _has_required(tool: JsonObject) -> bool:
    function = tool.get("function")
    parameters = function.get("parameters") if isinstance(function, Mapping) else None
    return isinstance(parameters, Mapping) and bool(parameters.get("required"))


def _unpaired(messages: list[JsonObject]) -> Iterator[Problem]:
    """Results answer the calls before them, each once and all before anything else is said."""
    open_calls: set[str] = set()
    for message in messages:
        if message["role"] == "tool":
            if message["tool_call_id"] not in open_calls:
                yield Problem(400, f"invalid request: tool call id '{message['tool_call_id']}' was not found.")
            open_calls.discard(str(message["tool_call_id"]))
            continue
        if open_calls:
            yield Problem(400, "invalid request: all tool calls must be answered by tool messages.")
        open_calls = {str(call["id"]) for call in objects(message.get("tool_calls"))}
        if message["role"] == "assistant" and not open_calls and not message.get("content"):
            yield Problem(400, "invalid request: an assistant message must have content or tool calls.")
    if open_calls:
        yield Problem(400, "invalid request: all tool calls must be answered by tool messages.")
