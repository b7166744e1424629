"""Anthropic's Messages API as the provider speaks it: reads requests, writes answers and errors."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import ClassVar

from llm_router.errors import FailureClass
from llm_router.messages import ChatResponse, Json, JsonObject, Reasoning, Refusal, Text, Tool, ToolCall, Usage
from llm_router.testing.dialects.anthropic_rules import blocks, broken_rules
from llm_router.testing.dialects.anthropic_shapes import bad_request, body_shape, misfit_problem
from llm_router.testing.dialects.dialect import (
    House,
    Moment,
    bearer_of,
    below,
    deployment_of,
    failure_in,
    json_reply,
    named_event,
    objects,
    read_object,
)
from llm_router.testing.faults import Fault
from llm_router.testing.question import Problem, Question, Rejected, estimate_tokens
from llm_router.testing.reply import Asked, Reply
from llm_router.testing.script import pieces
from llm_router.testing.shapes import find_misfit

CHAT = "/v1/messages"
MODELS = "/anthropic/v1/models"
_UNREADABLE = bad_request("The request body is not valid JSON: expected an object")
_SIGNATURE = "ZW11bGF0ZWQ="


class Anthropic:
    """The dialect `anthropic`."""

    name: ClassVar[str] = "anthropic"

    def claims(self, path: str) -> bool:
        """Messages under any base path; lists of models where the path names the kind."""
        return path.endswith((CHAT, MODELS)) or f"{MODELS}/" in path

    def other(self, asked: Asked, house: House) -> Reply | None:
        """The list of models, one model, or a wrong method."""
        path = asked.path.partition("?")[0]
        if asked.method != ("POST" if path.endswith(CHAT) else "GET"):
            return self.problem(Problem(405, "Method Not Allowed", "invalid_request_error"))
        if path.endswith(CHAT):
            return None
        self._check_headers(asked, house)
        name = path.partition(f"{MODELS}/")[2]
        if name:
            there = house.models is None or name in house.models
            return json_reply(200, _model(name)) if there else self.problem(_not_found(name))
        listed = [_model(name) for name in house.models or ()]
        ends: dict[str, Json] = {
            f"{end}_id": listed[at]["id"] if listed else None for end, at in (("first", 0), ("last", -1))
        }
        return json_reply(200, {"data": listed, "has_more": False, **ends})

    def question(self, asked: Asked, house: House) -> Question:
        """What a request asks for. Raises Rejected with the first thing that is wrong with it."""
        self._check_headers(asked, house)
        body = read_object(_UNREADABLE, asked.body)
        misfit = find_misfit(body_shape(house.also), body, "")
        if misfit:
            raise Rejected(misfit_problem(misfit))
        if house.models is not None and body["model"] not in house.models:
            raise Rejected(_not_found(str(body["model"])))
        for problem in broken_rules(body):
            raise Rejected(problem)
        return _question(asked.path, body)

    def answer(self, question: Question, response: ChatResponse, moment: Moment) -> Reply:
        """A message, or the events of one."""
        headers = {"request-id": f"req_emulated{moment.serial:06d}"}
        message = _message(question, response, moment)
        if not question.stream:
            return json_reply(200, message, headers)
        begun: JsonObject = {**message, **_BEGUN, "usage": _begun(response.usage)}
        lead = (named_event({"type": "message_start", "message": begun}),)
        told = tuple(named_event(event) for event in _events(response))
        end: JsonObject = {name: message[name] for name in ("stop_reason", "stop_sequence", "stop_details")}
        last: JsonObject = {"type": "message_delta", "delta": end, "usage": message["usage"]}
        tail = (named_event(last), named_event({"type": "message_stop"}))
        streamed = {"content-type": "text/event-stream; charset=utf-8", **headers}
        return Reply(200, streamed, (*lead, *told, *tail), streamed=True, lead=len(lead), tail=len(tail))

    def problem(self, problem: Problem) -> Reply:
        """The error object with its status."""
        return json_reply(problem.status, _error(problem), {"request-id": "req_emulated", **problem.headers})

    def frame(self, problem: Problem) -> bytes:
        """The error object as an event."""
        return named_event(_error(problem))

    def status_problem(self, status: int, message: str) -> Problem:
        """An error that says no more than its status."""
        return Problem(status, message, "api_error" if status >= 500 else "invalid_request_error")

    def failure(self, kind: FailureClass, question: Question, fault: Fault) -> Problem:
        """How Anthropic says a failure class."""
        if kind == "not_found":
            return _not_found(question.model)
        return failure_in(_FAILURES, kind, fault, _LIMIT_HEADERS)

    def _check_headers(self, asked: Asked, house: House) -> None:
        key = asked.headers.get("x-api-key", "") or bearer_of(asked)
        if not key:
            raise Rejected(Problem(401, "x-api-key header is required", "authentication_error"))
        if house.keys is not None and key not in house.keys:
            raise Rejected(_FAILURES["authentication"])
        if not asked.headers.get("anthropic-version"):
            raise Rejected(bad_request("anthropic-version: header is required"))


def _question(path: str, body: JsonObject) -> Question:
    tools = [tool for tool in objects(body.get("tools")) if "input_schema" in tool]
    choice = body.get("tool_choice")
    form = below(body, "output_config", "format") or body.get("output_format")
    schema = form.get("schema") if isinstance(form, Mapping) else None
    stop = body.get("stop_sequences")
    asked = (body.get("messages"), body.get("system"), body.get("tools"))
    return Question(
        dialect=Anthropic.name,
        model=str(body["model"]),
        deployment=deployment_of(path, ("v1", "anthropic")),
        text=_last_user_text(body),
        stream=bool(body.get("stream")),
        tools=tuple(_tool(tool) for tool in tools),
        must_call=_must_call(choice) if isinstance(choice, Mapping) else None,
        schema=schema if isinstance(schema, Mapping) else None,
        max_output_tokens=int(str(body["max_tokens"])),
        stop=tuple(map(str, stop)) if isinstance(stop, list) else (),
        input_tokens=sum(map(estimate_tokens, asked)),
    )


def _tool(tool: JsonObject) -> Tool:
    schema = tool["input_schema"]
    parameters = schema if isinstance(schema, Mapping) else {}
    return Tool(str(tool["name"]), str(tool.get("description") or ""), parameters)


def _must_call(choice: JsonObject) -> str | None:
    return {"any": "*", "tool": str(choice.get("name"))}.get(str(choice["type"]))


def _last_user_text(body: JsonObject) -> str:
    for message in reversed(objects(body.get("messages"))):
        texts = [str(block["text"]) for block in blocks(message.get("content")) if block.get("type") == "text"]
        if message.get("role") == "user" and texts:
            return "".join(texts)
    return ""


_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}
_BEGUN: JsonObject = {"content": [], "stop_reason": None, "stop_sequence": None, "stop_details": None}


def _message(question: Question, response: ChatResponse, moment: Moment) -> JsonObject:
    refused = any(isinstance(part, Refusal) for part in response.message.parts)
    reason = "refusal" if refused else _REASONS.get(response.finish_reason, "pause_turn")
    details: JsonObject = {"type": "refusal", "category": None, "explanation": None}
    return {
        "id": f"msg_emulated{moment.serial:06d}",
        "type": "message",
        "role": "assistant",
        "model": response.model or question.model,
        "content": [block for part in response.message.parts if (block := _block(part)) is not None],
        "stop_reason": reason,
        "stop_sequence": None,
        "stop_details": details if reason == "refusal" else None,
        "usage": _usage(response.usage),
    }


def _block(part: object) -> JsonObject | None:
    match part:
        case Text(text) | Refusal(text):
            return {"type": "text", "text": text}
        case Reasoning(redacted=True):
            return {"type": "redacted_thinking", "data": part.signature or _SIGNATURE}
        case Reasoning():
            return {"type": "thinking", "thinking": part.text, "signature": part.signature or _SIGNATURE}
        case ToolCall():
            return {"type": "tool_use", "id": part.id, "name": part.name, "input": _input(part)}
    return None


def _input(call: ToolCall) -> Json:
    try:
        arguments: Json = json.loads(call.arguments or "{}")
    except ValueError:
        return {}
    return arguments if isinstance(arguments, Mapping) else {}


_EMPTY: Mapping[str, JsonObject] = {
    "text": {"text": ""},
    "thinking": {"thinking": "", "signature": ""},
    "tool_use": {"input": {}},
}


def _events(response: ChatResponse) -> Iterator[JsonObject]:
    """The answer block by block, each piece by piece; the first is followed by a ping, as the API does."""
    for index, part in enumerate(response.message.parts):
        block = _block(part)
        if block is None:
            continue
        begun = {**block, **_EMPTY.get(str(block["type"]), {})}
        yield {"type": "content_block_start", "index": index, "content_block": begun}
        if index == 0:
            yield {"type": "ping"}
        for delta in _deltas(part):
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}


def _deltas(part: object) -> Iterator[JsonObject]:
    match part:
        case Text(text) | Refusal(text):
            yield from ({"type": "text_delta", "text": piece} for piece in pieces(text))
        case Reasoning(redacted=False):
            yield from ({"type": "thinking_delta", "thinking": piece} for piece in pieces(part.text))
            yield {"type": "signature_delta", "signature": part.signature or _SIGNATURE}
        case ToolCall():
            yield {"type": "input_json_delta", "partial_json": ""}
            yield from ({"type": "input_json_delta", "partial_json": piece} for piece in pieces(part.arguments))


def _usage(usage: Usage) -> JsonObject:
    """Cached input is counted beside `input_tokens`."""
    read, created = usage.cache_read or 0, usage.cache_creation or 0
    return {
        "input_tokens": max(0, (usage.input or 0) - read - created),
        "cache_creation_input_tokens": created,
        "cache_read_input_tokens": read,
        "output_tokens": usage.output or 0,
        "output_tokens_details": {"thinking_tokens": usage.reasoning or 0},
    }


def _begun(usage: Usage) -> JsonObject:
    """What is known at the beginning: the input, and an output of one token."""
    return {**_usage(replace(usage, output=1)), "output_tokens_details": None}


def _model(name: str) -> Mapping[str, Json]:
    return {"type": "model", "id": name, "display_name": name, "created_at": "2026-01-01T00:00:00Z"}


def _error(problem: Problem) -> JsonObject:
    told = {"type": problem.type, "message": problem.message}
    return {"type": "error", "error": told, "request_id": "req_emulated"}


def _not_found(model: str) -> Problem:
    return Problem(404, f"model: {model}", "not_found_error")


_LIMIT_HEADERS = {"anthropic-ratelimit-requests-limit": "50", "anthropic-ratelimit-requests-remaining": "0"}
_FAILURES: Mapping[FailureClass, Problem] = {
    "rate_limit": Problem(
        429, "This request would exceed your organization's rate limit of 50 requests per minute.", "rate_limit_error"
    ),
    "quota_exhausted": Problem(
        400,
        "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or "
        "purchase credits.",
        "invalid_request_error",
    ),
    "unavailable": Problem(500, "Internal server error", "api_error"),
    "overloaded": Problem(529, "Overloaded", "overloaded_error"),
    "authentication": Problem(401, "invalid x-api-key", "authentication_error"),
    "permission": Problem(
        403, "Your API key does not have permission to use the specified resource.", "permission_error"
    ),
    "context_length": Problem(400, "prompt is too long: 200001 tokens > 200000 maximum", "invalid_request_error"),
    "content_filter": Problem(400, "Output blocked by content filtering policy", "invalid_request_error"),
    "bad_request": Problem(400, "the emulator was told to find this request bad", "invalid_request_error"),
}
