"""Cohere's v2 API as the provider speaks it: /v2/chat, /v1/models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from llm_router.errors import FailureClass
from llm_router.messages import ChatResponse, Json, JsonObject, Reasoning, Refusal, Text, ToolCall, Usage
from llm_router.testing.dialects.cohere_rules import body_shape, broken_rules, misfit_problem
from llm_router.testing.dialects.dialect import (
    House,
    Moment,
    bearer_of,
    deployment_of,
    failure_in,
    json_reply,
    named_event,
    objects,
    read_object,
    read_tool,
)
from llm_router.testing.faults import Fault
from llm_router.testing.question import Problem, Question, Rejected, estimate_tokens
from llm_router.testing.reply import Asked, Reply
from llm_router.testing.script import pieces
from llm_router.testing.shapes import find_misfit

CHAT = "/v2/chat"
MODELS = "/cohere/v1/models"
_UNREADABLE = Problem(400, "invalid json syntax: expected an object")
_HIDDEN_TOKENS = 496
"""What Cohere's own instructions add to the input: counted among `tokens`, not billed."""


class Cohere:
    """The dialect `cohere`."""

    name: ClassVar[str] = "cohere"

    def claims(self, path: str) -> bool:
        """Chats under any base path; lists of models where the path names the kind."""
        return path.endswith((CHAT, MODELS))

    def other(self, asked: Asked, house: House) -> Reply | None:
        """The list of models, or a wrong method."""
        path = asked.path.partition("?")[0]
        if asked.method != ("POST" if path.endswith(CHAT) else "GET"):
            return self.problem(Problem(405, "method not allowed"))
        if path.endswith(CHAT):
            return None
        self._check_key(asked, house)
        return json_reply(200, {"models": [_model(name) for name in house.models or ()], "next_page_token": ""})

    def question(self, asked: Asked, house: House) -> Question:
        """What a chat request asks for. Raises Rejected with the first thing that is wrong with it."""
        self._check_key(asked, house)
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
        headers = {"x-debug-trace-id": f"emulated{moment.serial:024d}"}
        ident = f"00000000-0000-4000-8000-{moment.serial:012d}"
        end: JsonObject = {"finish_reason": _reason(response), "usage": _usage(response.usage)}
        if not question.stream:
            return json_reply(200, {"id": ident, "message": _message(response), **end}, headers)
        lead = (named_event({"id": ident, "type": "message-start", "delta": {"message": _BEGUN}}),)
        told = tuple(map(named_event, _events(response)))
        tail = (named_event({"type": "message-end", "delta": end}), b"data: [DONE]\n\n")
        streamed = {"content-type": "text/event-stream", **headers}
        return Reply(200, streamed, (*lead, *told, *tail), streamed=True, lead=len(lead), tail=len(tail))

    def problem(self, problem: Problem) -> Reply:
        """The message with its status."""
        return json_reply(problem.status, _error(problem), problem.headers)

    def frame(self, problem: Problem) -> bytes:
        """The end of a stream that broke."""
        end: dict[str, Json] = {"finish_reason": "ERROR", "usage": {}, "error": problem.message}
        if problem.code:
            end["error_type"] = problem.code
        return named_event({"type": "message-end", "delta": end})

    def status_problem(self, status: int, message: str) -> Problem:
        """An error that says no more than its status."""
        return Problem(status, message)

    def failure(self, kind: FailureClass, question: Question, fault: Fault) -> Problem:
        """How Cohere says a failure class."""
        if kind == "not_found":
            return _not_found(question.model)
        return failure_in(_FAILURES, kind, fault)

    def _check_key(self, asked: Asked, house: House) -> None:
        key = bearer_of(asked)
        if not key:
            raise Rejected(Problem(401, "no api key supplied"))
        if house.keys is not None and key not in house.keys:
            raise Rejected(_FAILURES["authentication"])


def _question(path: str, body: JsonObject) -> Question:
    tools, form, stop = objects(body.get("tools")), body.get("response_format"), body.get("stop_sequences")
    wanted = form if isinstance(form, Mapping) and form.get("type") == "json_object" else {}
    schema, cap = wanted.get("json_schema") or wanted.get("schema"), body.get("max_tokens")
    asked = (body["messages"], body.get("tools"), body.get("documents"))
    return Question(
        dialect=Cohere.name,
        model=str(body["model"]),
        deployment=deployment_of(path, ("v2", "cohere")),
        text=_last_user_text(body),
        stream=bool(body.get("stream")),
        tools=() if body.get("tool_choice") == "NONE" else tuple(map(read_tool, tools)),
        must_call="*" if body.get("tool_choice") == "REQUIRED" else None,
        schema=schema if isinstance(schema, Mapping) else None,
        wants_json=bool(wanted),
        max_output_tokens=cap if isinstance(cap, int) and cap > 0 else None,
        stop=tuple(map(str, stop)) if isinstance(stop, list) else (),
        input_tokens=sum(map(estimate_tokens, asked)),
    )


def _last_user_text(body: JsonObject) -> str:
    told = [message for message in objects(body["messages"]) if message["role"] == "user"]
    content = told[-1]["content"] if told else ""
    return content if isinstance(content, str) else "".join(str(part.get("text") or "") for part in objects(content))


_REASONS = {"stop": "COMPLETE", "length": "MAX_TOKENS", "tool_calls": "TOOL_CALL", "content_filter": "ERROR_TOXIC"}
_BEGUN: JsonObject = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}


def _reason(response: ChatResponse) -> str:
    return _REASONS.get(response.finish_reason, "ERROR")


def _message(response: ChatResponse) -> JsonObject:
    """The message; what was thought before calls is its plan."""
    plan = _plan(response)
    parts = (_content(part) for part in response.message.parts if not (plan and isinstance(part, Reasoning)))
    content: list[Json] = [part for part in parts if part is not None]
    said: dict[str, Json] = {"tool_plan": plan, "content": content, "citations": response.extra.get("citations")}
    said["tool_calls"] = [_call(call) for call in response.tool_calls]
    return {"role": "assistant", **{name: value for name, value in said.items() if value}}


def _plan(response: ChatResponse) -> str:
    thoughts = "".join(part.text for part in response.message.parts if isinstance(part, Reasoning))
    return thoughts if response.tool_calls else ""


def _content(part: object) -> JsonObject | None:
    match part:
        case Text(text) | Refusal(text):
            return {"type": "text", "text": text}
        case Reasoning():
            return {"type": "thinking", "thinking": part.text}
    return None


def _call(call: ToolCall) -> JsonObject:
    function: JsonObject = {"name": call.name, "arguments": call.arguments or "{}"}
    return {"id": call.id, "type": "function", "function": function}


def _events(response: ChatResponse) -> Iterator[JsonObject]:
    """The plan, the content part by part with its citations, and the calls, each piece by piece."""
    plan = _plan(response)
    for piece in pieces(plan):
        yield {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": piece}}}
    parts = [part for part in response.message.parts if not (plan and isinstance(part, Reasoning))]
    contents = [part for part in map(_content, parts) if part is not None]
    for index, content in enumerate(contents):
        yield from _content_events(index, content, response if index == len(contents) - 1 else None)
    for index, call in enumerate(response.tool_calls):
        yield from _call_events(index, call)


def _content_events(index: int, content: JsonObject, cited: ChatResponse | None) -> Iterator[JsonObject]:
    key = "thinking" if content["type"] == "thinking" else "text"
    begun: JsonObject = {**content, key: ""}
    yield {"type": "content-start", "index": index, "delta": {"message": {"content": begun}}}
    for piece in pieces(str(content[key])):
        yield {"type": "content-delta", "index": index, "delta": {"message": {"content": {key: piece}}}}
    for place, citation in enumerate(objects(cited.extra.get("citations")) if cited else ()):
        yield {"type": "citation-start", "index": place, "delta": {"message": {"citations": citation}}}
        yield {"type": "citation-end", "index": place}
    yield {"type": "content-end", "index": index}


def _call_events(index: int, call: ToolCall) -> Iterator[JsonObject]:
    encoded = _call(call)
    function: JsonObject = {"name": call.name, "arguments": ""}
    begun: JsonObject = {**encoded, "function": function}
    yield {"type": "tool-call-start", "index": index, "delta": {"message": {"tool_calls": begun}}}
    for piece in pieces(call.arguments if call.arguments != "{}" else ""):
        delta: JsonObject = {"tool_calls": {"function": {"arguments": piece}}}
        yield {"type": "tool-call-delta", "index": index, "delta": {"message": delta}}
    yield {"type": "tool-call-end", "index": index}


def _usage(usage: Usage) -> JsonObject:
    billed: JsonObject = {"input_tokens": usage.input or 0, "output_tokens": usage.output or 0}
    tokens: dict[str, Json] = {**billed, "input_tokens": (usage.input or 0) + _HIDDEN_TOKENS}
    if usage.reasoning:
        tokens["reasoning_tokens"] = usage.reasoning
    return {"billed_units": billed, "tokens": tokens, "cached_tokens": 0}


def _model(name: str) -> JsonObject:
    return {"name": name, "endpoints": ["chat"], "finetuned": False, "context_length": 128000, "features": ["tools"]}


def _error(problem: Problem) -> JsonObject:
    said: dict[str, Json] = {"id": "00000000-0000-4000-8000-000000000000", "message": problem.message}
    return said if problem.code is None else {**said, "error_type": problem.code}


def _not_found(model: str) -> Problem:
    words = "not found, make sure the correct model ID was used and that you have access to the model."
    return Problem(404, f"model '{model}' {words}")


_FAILURES: Mapping[FailureClass, Problem] = {
    "rate_limit": Problem(429, "trial token rate limit exceeded, limit is 20 api calls per minute"),
    "quota_exhausted": Problem(402, "please add or update your payment method to continue"),
    "unavailable": Problem(500, "internal server error"),
    "overloaded": Problem(503, "the service is overloaded, please try again"),
    "authentication": Problem(401, "invalid api token"),
    "permission": Problem(403, "your api token may not use this model"),
    "context_length": Problem(
        400,
        "too many tokens: size limit exceeded by 1 tokens. Try using shorter or fewer inputs. The limit for this model "
        "is 128000 tokens.",
        code="TOO_MANY_TOKENS",
    ),
    "content_filter": Problem(498, "the input was blocked by our content moderation"),
    "bad_request": Problem(400, "invalid request: the emulator was told to find this request bad"),
}
