"""OpenAI's chat completions as a provider speaks them: reads requests, writes answers and errors.

Any base path will do. A kind of provider in the path (`/groq/v1/chat/completions`) opens the body to that kind's own
fields, as the real one would.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from llm_router.errors import FailureClass
from llm_router.messages import ChatResponse, Json, JsonObject, Reasoning, Refusal, Text, ToolCall, Usage
from llm_router.testing.dialects.dialect import House, Moment, below, deployment_of, json_reply, read_object, read_tool
from llm_router.testing.dialects.openai_family import FAMILY, Member, body_shape, broken_habits, kind_of
from llm_router.testing.dialects.openai_rules import bad_request, broken_rules, misfit_problem
from llm_router.testing.dialects.openai_thoughts import thought_deltas, thoughts_of
from llm_router.testing.faults import Fault
from llm_router.testing.question import Problem, Question, Rejected, estimate_tokens
from llm_router.testing.reply import Asked, Reply
from llm_router.testing.script import pieces
from llm_router.testing.shapes import find_misfit

CHAT = "/chat/completions"
MODELS = "/models"
UNREADABLE = bad_request(
    "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library "
    "correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON.)"
)
_RATE_HEADERS = {"x-ratelimit-limit-requests": "500", "x-ratelimit-remaining-requests": "0"}
_DONE = b"data: [DONE]\n\n"


class OpenAI:
    """The dialect `openai`."""

    name: ClassVar[str] = "openai"

    def claims(self, path: str) -> bool:
        """Chat and lists of models under any base path."""
        return path.endswith((CHAT, MODELS)) or f"{MODELS}/" in path

    def other(self, asked: Asked, house: House) -> Reply | None:
        """The list of models, one model, or a wrong method."""
        path, method = asked.path.partition("?")[0], asked.method
        wanted = "POST" if path.endswith(CHAT) else "GET"
        if method != wanted:
            hint = "(HINT: Perhaps you meant to use a different HTTP method?)"
            problem = bad_request(f"Not allowed to {method} on {path}. {hint}", code="method_not_supported")
            return self.problem(replace(problem, status=405))
        if path.endswith(CHAT):
            return None
        self.check_key(asked, house)
        if path.endswith(MODELS):
            listed = [_model(name) for name in house.models or ()]
            return json_reply(200, {"object": "list", "data": listed})
        name = path.partition(f"{MODELS}/")[2]
        self.check_model(name, house)
        return json_reply(200, _model(name))

    def question(self, asked: Asked, house: House) -> Question:
        """What a chat request asks for. Raises Rejected with the first thing that is wrong with it."""
        self.check_key(asked, house)
        body = read_object(UNREADABLE, asked.body)
        kind = kind_of(asked.path)
        if not body.get("model"):
            raise Rejected(bad_request("you must provide a model parameter"))
        misfit = find_misfit(body_shape(kind, house.also), body, "")
        if misfit:
            raise Rejected(misfit_problem(misfit))
        self.check_model(str(body["model"]), house)
        for problem in (*broken_rules(body, kind), *broken_habits(body, kind)):
            raise Rejected(problem)
        return _question(asked.path, body, FAMILY[kind])

    def answer(self, question: Question, response: ChatResponse, moment: Moment) -> Reply:
        """A completion, or the chunks of one."""
        frame = _Frame(f"chatcmpl-emulated{moment.serial:06d}", int(moment.now), response.model or question.model)
        headers = {"x-request-id": f"req_emulated{moment.serial:06d}", "openai-processing-ms": "1"}
        if not question.stream:
            return json_reply(200, frame.completion(question, response), headers)
        lead = tuple(frame.opening(question))
        content = tuple(frame.deltas(question, response))
        tail = (*frame.closing(question, response), _DONE)
        streamed = {"content-type": "text/event-stream; charset=utf-8", **headers}
        return Reply(200, streamed, (*lead, *content, *tail), streamed=True, lead=len(lead), tail=len(tail))

    def problem(self, problem: Problem) -> Reply:
        """The error object with its status."""
        return json_reply(problem.status, _error(problem), problem.headers)

    def frame(self, problem: Problem) -> bytes:
        """The error object as an event."""
        return _event(_error(problem))

    def status_problem(self, status: int, message: str) -> Problem:
        """An error that says no more than its status."""
        return Problem(status, message, "server_error" if status >= 500 else "invalid_request_error")

    def failure(self, kind: FailureClass, question: Question, fault: Fault) -> Problem:
        """How OpenAI says a failure class."""
        if kind == "rate_limit":
            return _rate_limit(question, fault)
        said = _FAILURES.get(kind, _FAILURES["unavailable"])
        return replace(said, message=said.message.format(model=question.model))

    def check_key(self, asked: Asked, house: House) -> None:
        """Raises Rejected where a key is missing or wrong."""
        scheme, _, bearer = asked.headers.get("authorization", "").partition(" ")
        key = bearer.strip() if scheme.lower() == "bearer" else asked.headers.get("api-key", "")
        if not key and not FAMILY[kind_of(asked.path)].keyless:
            message = "You didn't provide an API key. You need to provide your API key in an Authorization header."
            raise Rejected(Problem(401, message, "invalid_request_error"))
        if key and house.keys is not None and key not in house.keys:
            raise Rejected(_FAILURES["authentication"])

    def check_model(self, name: str, house: House) -> None:
        """Raises Rejected for a model that isn't there."""
        if house.models is not None and name not in house.models:
            said = _FAILURES["not_found"]
            raise Rejected(replace(said, message=said.message.format(model=name)))


@dataclass(frozen=True, slots=True)
class _Frame:
    """What all chunks of one completion have in common."""

    id: str
    created: int
    model: str

    def completion(self, question: Question, response: ChatResponse) -> Json:
        """The whole answer as one object."""
        message = _message(response, kind_of(question.place))
        reason = _finish(response)
        choices = [
            {"index": index, "message": message, "logprobs": None, "finish_reason": reason}
            for index in range(question.choices)
        ]
        return {
            **self._common("chat.completion"),
            "choices": choices,
            "usage": _usage(response.usage, question.choices),
        }

    def opening(self, question: Question) -> Iterator[bytes]:
        """Who speaks, and nothing said yet."""
        for index in range(question.choices):
            yield self._chunk(question, index, {"role": "assistant", "content": "", "refusal": None})

    def deltas(self, question: Question, response: ChatResponse) -> Iterator[bytes]:
        """The answer piece by piece."""
        for index in range(question.choices):
            calls = thoughts = 0
            for part in response.message.parts:
                thought = isinstance(part, Reasoning)
                for delta in _part_deltas(part, thoughts if thought else calls, kind_of(question.place)):
                    yield self._chunk(question, index, delta)
                calls, thoughts = calls + isinstance(part, ToolCall), thoughts + thought

    def closing(self, question: Question, response: ChatResponse) -> Iterator[bytes]:
        """Why it ended, and what it used if that was asked for."""
        for index in range(question.choices):
            yield self._chunk(question, index, {}, _finish(response))
        if question.reports_usage:
            usage = _usage(response.usage, question.choices)
            yield _event({**self._common("chat.completion.chunk"), "choices": [], "usage": usage})

    def _chunk(self, question: Question, index: int, delta: JsonObject, finish: str | None = None) -> bytes:
        choice: JsonObject = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
        usage: JsonObject = {"usage": None} if question.reports_usage else {}
        return _event({**self._common("chat.completion.chunk"), "choices": [choice], **usage})

    def _common(self, kind: str) -> JsonObject:
        shared: JsonObject = {"id": self.id, "object": kind, "created": self.created, "model": self.model}
        return {**shared, "service_tier": "default", "system_fingerprint": "fp_emulated"}


def _question(path: str, body: JsonObject, member: Member) -> Question:
    tools = body.get("tools")
    described = below(body, "response_format", "json_schema")
    schema = described.get("schema") if isinstance(described, Mapping) else None
    stop = body.get("stop")
    cap = body.get("max_completion_tokens") or body.get("max_tokens")
    return Question(
        dialect=OpenAI.name,
        model=str(body["model"]),
        deployment=deployment_of(path, ("v1", "openai", "chat", "models", "api")),
        text=_last_user_text(body),
        stream=bool(body.get("stream")),
        tools=tuple(read_tool(tool) for tool in tools if isinstance(tool, Mapping)) if isinstance(tools, list) else (),
        must_call=_must_call(body.get("tool_choice"), member),
        schema=schema if isinstance(schema, Mapping) else None,
        wants_json=below(body, "response_format", "type") == "json_object",
        max_output_tokens=cap if isinstance(cap, int) else None,
        stop=(stop,) if isinstance(stop, str) else tuple(map(str, stop)) if isinstance(stop, list) else (),
        input_tokens=estimate_tokens(body.get("messages")) + estimate_tokens(tools),
        reports_usage=_reports_usage(body, member),
        choices=int(str(body.get("n") or 1)),
        place=path,
    )


def _reports_usage(body: JsonObject, member: Member) -> bool:
    return not body.get("stream") or member.usage_always or bool(below(body, "stream_options", "include_usage"))


def _last_user_text(body: JsonObject) -> str:
    messages = body.get("messages")
    for message in reversed(messages if isinstance(messages, list) else []):
        if not isinstance(message, Mapping) or message.get("role") != "user":
            continue
        content = message.get("content")
        if isinstance(content, str):
            return content
        parts = content if isinstance(content, list) else []
        return "".join(str(part.get("text", "")) for part in parts if isinstance(part, Mapping))
    return ""


def _must_call(choice: Json, member: Member) -> str | None:
    if isinstance(choice, Mapping):
        return str(below(choice, "function", "name"))
    return "*" if choice == member.any_tool else None


def _message(response: ChatResponse, kind: str) -> Json:
    parts = response.message.parts
    refusal = "".join(part.text for part in parts if isinstance(part, Refusal))
    calls: list[Json] = [
        {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
        for call in response.tool_calls
    ]
    return {
        "role": "assistant",
        "content": response.text or (None if calls or refusal else ""),
        **thoughts_of(parts, kind),
        **({"tool_calls": calls} if calls else {}),
        "refusal": refusal or None,
        "annotations": [],
    }


def _part_deltas(part: object, place: int, kind: str) -> Iterator[JsonObject]:
    """The deltas of one part; `place` is the index of a call among the calls, of a thought among the thoughts."""
    match part:
        case Text(text):
            yield from ({"content": piece} for piece in pieces(text))
        case Reasoning():
            yield from thought_deltas(part, kind, place)
        case Refusal(text):
            yield from ({"refusal": piece} for piece in pieces(text))
        case ToolCall(id, name, arguments):
            head: JsonObject = {"index": place, "id": id, "type": "function"}
            yield {"tool_calls": [{**head, "function": {"name": name, "arguments": ""}}]}
            for piece in pieces(arguments):
                yield {"tool_calls": [{"index": place, "function": {"arguments": piece}}]}


def _finish(response: ChatResponse) -> str:
    return "stop" if response.finish_reason == "other" else response.finish_reason


def _usage(usage: Usage, choices: int) -> Json:
    read, written = usage.input or 0, (usage.output or 0) * choices
    return {
        "prompt_tokens": read,
        "completion_tokens": written,
        "total_tokens": read + written,
        "prompt_tokens_details": {"cached_tokens": usage.cache_read or 0, "audio_tokens": usage.input_audio or 0},
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning or 0,
            "audio_tokens": usage.output_audio or 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _model(name: str) -> Json:
    return {"id": name, "object": "model", "created": 1686935002, "owned_by": "emulator"}


def _event(content: Json) -> bytes:
    return b"data: " + json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"


def _error(problem: Problem) -> Json:
    told = {"message": problem.message, "type": problem.type, "param": problem.param, "code": problem.code}
    return {"error": told}


def _rate_limit(question: Question, fault: Fault) -> Problem:
    message = f"Rate limit reached for {question.model} on requests per min (RPM): Limit 500, Used 500, Requested 1."
    if fault.name == "rate_limit_without_retry_after":
        return Problem(429, message, "requests", "rate_limit_exceeded")
    wait = f"{fault.retry_after_s:g}"
    headers = {"retry-after": wait, **_RATE_HEADERS, "x-ratelimit-reset-requests": f"{wait}s"}
    return Problem(429, f"{message} Please try again in {wait}s.", "requests", "rate_limit_exceeded", None, headers)


_FAILURES: Mapping[FailureClass, Problem] = {
    "quota_exhausted": Problem(
        429,
        "You exceeded your current quota, please check your plan and billing details.",
        "insufficient_quota",
        "insufficient_quota",
    ),
    "unavailable": Problem(
        500, "The server had an error while processing your request. Please retry.", "server_error", "server_error"
    ),
    "overloaded": Problem(
        503, "The engine is currently overloaded, please try again later.", "service_unavailable_error", "overloaded"
    ),
    "authentication": Problem(401, "Incorrect API key provided.", "invalid_request_error", "invalid_api_key"),
    "permission": Problem(403, "You are not allowed to sample from this model", "invalid_request_error"),
    "not_found": Problem(
        404,
        "The model `{model}` does not exist or you do not have access to it.",
        "invalid_request_error",
        "model_not_found",
    ),
    "context_length": Problem(
        400,
        "This model's maximum context length is 8192 tokens. However, your messages resulted in more tokens. Please "
        "reduce the length of the messages.",
        "invalid_request_error",
        "context_length_exceeded",
        "messages",
    ),
    "content_filter": Problem(
        400,
        "The response was filtered due to the prompt triggering the content management policy. Please modify your "
        "prompt and retry.",
        "invalid_request_error",
        "content_filter",
        "prompt",
    ),
    "bad_request": Problem(
        400, "The emulator was told to find this request bad.", "invalid_request_error", "invalid_value"
    ),
}
