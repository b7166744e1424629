"""Google's Gemini API as it speaks: generateContent, streamGenerateContent and lists of models, under any base path."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar
from urllib.parse import parse_qs, unquote

from llm_router.errors import FailureClass
from llm_router.messages import ChatResponse, Json, JsonObject, Reasoning, Refusal, Text, Tool, ToolCall, Usage
from llm_router.testing.dialects.dialect import House, Moment, deployment_of, json_reply, read_object
from llm_router.testing.dialects.gemini_rules import (
    body_shape,
    broken_rules,
    calling_config,
    camel,
    config_of,
    functions_of,
    invalid,
    misfit_problem,
)
from llm_router.testing.faults import Fault
from llm_router.testing.question import Problem, Question, Rejected, estimate_tokens
from llm_router.testing.reply import Asked, Reply
from llm_router.testing.script import pieces
from llm_router.testing.shapes import find_misfit

_METHOD = re.compile(r"/(?:models|tunedModels)/([^/:]+(?::[^/:]+)*):(generateContent|streamGenerateContent)$")
_MODELS = re.compile(r"/v1(?:beta)?/models(?:/([^/:]+))?$")
_OWN = ("v1beta", "v1", "gemini", "models")
_UNREADABLE = invalid("Invalid JSON payload received. Unexpected token.")
_FINISHED = {"length": "MAX_TOKENS", "content_filter": "SAFETY", "other": "OTHER"}


class Gemini:
    """The dialect `gemini`."""

    name: ClassVar[str] = "gemini"

    def claims(self, path: str) -> bool:
        """Its methods under any base path, and lists of models under `v1beta`."""
        return _METHOD.search(path) is not None or "/v1beta/models" in path

    def other(self, asked: Asked, house: House) -> Reply | None:
        """The list of models, one model, or a wrong method."""
        path = asked.path.partition("?")[0]
        listed = _MODELS.search(path)
        if _METHOD.search(path) and asked.method == "POST":
            return None
        if not listed or asked.method != "GET":
            return self.problem(Problem(404, "Requested entity was not found.", "NOT_FOUND"))
        _check_key(asked, house)
        if listed[1] is None:
            return json_reply(200, {"models": [_model(name) for name in house.models or ()]})
        _check_model(unquote(listed[1]), house)
        return json_reply(200, _model(unquote(listed[1])))

    def question(self, asked: Asked, house: House) -> Question:
        """What a chat request asks for. Raises Rejected with the first thing that is wrong with it."""
        _check_key(asked, house)
        path, _, query = asked.path.partition("?")
        found = _METHOD.search(path)
        assert found is not None
        body = camel(read_object(_UNREADABLE, asked.body))
        assert isinstance(body, Mapping)
        model = unquote(found[1])
        misfit = find_misfit(body_shape(house.also), body, "")
        if misfit:
            raise Rejected(misfit_problem(misfit))
        _check_model(model, house)
        for problem in broken_rules(body, model):
            raise Rejected(problem)
        question = _question(path, model, body)
        streamed = found[2] == "streamGenerateContent"
        return replace(question, stream=streamed, reports_usage=not streamed or "sse" in parse_qs(query).get("alt", ()))

    def answer(self, question: Question, response: ChatResponse, moment: Moment) -> Reply:
        """One object, or an event for each piece; the last has the finish reason, and no marker follows it."""
        frame = _Frame(f"emulated{moment.serial:06d}", response.model or question.model, response.usage)
        if not question.stream:
            return json_reply(200, frame.chunk(list(_whole_parts(response, question)), response))
        chunks = [*(frame.chunk([part]) for part in _pieces(response, question)), frame.chunk([{"text": ""}], response)]
        if not question.reports_usage:  # without `alt=sse` a stream is one list
            return json_reply(200, chunks)
        steps = tuple(map(_event, chunks))
        return Reply(200, {"content-type": "text/event-stream"}, steps, streamed=True, tail=1)

    def problem(self, problem: Problem) -> Reply:
        """The error object with its status; a prompt that is blocked is none, but an answer without candidates."""
        if problem.status == 200:
            return json_reply(200, {"promptFeedback": {"blockReason": problem.type}, "responseId": "emulated"})
        return json_reply(problem.status, _error(problem), problem.headers)

    def frame(self, problem: Problem) -> bytes:
        """The error object as an event."""
        return _event(_error(problem))

    def status_problem(self, status: int, message: str) -> Problem:
        """An error that says no more than its status."""
        return Problem(status, message, _STATUSES.get(status, "INTERNAL" if status >= 500 else "INVALID_ARGUMENT"))

    def failure(self, kind: FailureClass, question: Question, fault: Fault) -> Problem:
        """How Google says a failure class."""
        if kind == "rate_limit":
            return _rate_limit(fault)
        said = _FAILURES.get(kind, _FAILURES["unavailable"])
        return replace(said, message=said.message.format(model=question.model))


@dataclass(frozen=True, slots=True)
class _Frame:
    """What all chunks of one answer have in common."""

    id: str
    model: str
    usage: Usage

    def chunk(self, parts: list[JsonObject], response: ChatResponse | None = None) -> JsonObject:
        """A chunk of these parts; the last one comes with the `response` whose end it tells."""
        candidate: dict[str, Json] = {"content": {"parts": parts, "role": "model"}, "index": 0}
        if response is not None:
            candidate["finishReason"] = _FINISHED.get(response.finish_reason, "STOP")
        return {
            "candidates": [candidate],
            "usageMetadata": self._usage(whole=response is not None),
            "modelVersion": self.model,
            "responseId": self.id,
        }

    def _usage(self, *, whole: bool) -> JsonObject:
        """Counts so far; those of zero are left out."""
        read, thoughts = self.usage.input or 0, self.usage.reasoning or 0
        written = (self.usage.output or 0) - thoughts if whole else 0
        counts = {
            "promptTokenCount": read,
            "cachedContentTokenCount": self.usage.cache_read or 0,
            "candidatesTokenCount": written,
            "thoughtsTokenCount": thoughts if whole else 0,
            "totalTokenCount": read + written + (thoughts if whole else 0),
        }
        said: dict[str, Json] = {name: count for name, count in counts.items() if count}
        return {**said, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": read}]}


def _question(path: str, model: str, body: JsonObject) -> Question:
    config, calling = config_of(body), calling_config(body)
    allowed, cap, stop = calling.get("allowedFunctionNames"), config.get("maxOutputTokens"), config.get("stopSequences")
    named = [str(name) for name in allowed] if isinstance(allowed, list) else []
    schema = config.get("responseJsonSchema") or _lowered(config.get("responseSchema"))
    must = calling.get("mode") == "ANY"
    return Question(
        dialect=Gemini.name,
        model=model,
        deployment=deployment_of(path, _OWN),
        text=_last_user_text(body),
        tools=tuple(_tool(function) for function in functions_of(body)),
        must_call=(named[0] if len(named) == 1 else "*") if must else None,
        schema=schema if isinstance(schema, Mapping) else None,
        wants_json=config.get("responseMimeType") == "application/json" and schema is None,
        max_output_tokens=cap if isinstance(cap, int) else None,
        stop=tuple(map(str, stop)) if isinstance(stop, list) else (),
        input_tokens=estimate_tokens(body.get("contents")) + estimate_tokens(body.get("systemInstruction")),
        choices=int(str(config.get("candidateCount") or 1)),
    )


def _tool(function: JsonObject) -> Tool:
    described = Tool(str(function["name"]), str(function.get("description") or ""))
    parameters = function.get("parametersJsonSchema") or _lowered(function.get("parameters"))
    return replace(described, parameters=parameters) if isinstance(parameters, Mapping) else described


def _lowered(schema: Json) -> Json:
    """A schema whose types are written as JSON Schema writes them."""
    if isinstance(schema, list):
        return [_lowered(each) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    kind = schema.get("type")
    lowered = {key: _lowered(below) for key, below in schema.items()}
    return {**lowered, "type": kind.lower()} if isinstance(kind, str) else lowered


def _last_user_text(body: JsonObject) -> str:
    contents = body.get("contents")
    for content in reversed(contents if isinstance(contents, list) else []):
        parts = content.get("parts") if isinstance(content, Mapping) and content.get("role") != "model" else None
        texts = [part.get("text") for part in parts or () if isinstance(part, Mapping)] if parts else []
        if any(isinstance(text, str) for text in texts):
            return "".join(text for text in texts if isinstance(text, str))
    return ""


def _whole_parts(response: ChatResponse, question: Question) -> Iterator[JsonObject]:
    """The parts of the whole answer: the first call carries the thought's signature."""
    signed = False
    for part in response.message.parts:
        match part:
            case Text(text) | Refusal(text):
                yield {"text": text}
            case Reasoning(text):
                yield {"text": text, "thought": True}
            case ToolCall():
                yield _call(part) if signed else {**_call(part), **_signature(question)}
                signed = True


def _pieces(response: ChatResponse, question: Question) -> Iterator[JsonObject]:
    """The same, a few words at a time; a call comes whole."""
    for part in _whole_parts(response, question):
        text = part.get("text")
        if isinstance(text, str):
            yield from ({**part, "text": piece} for piece in pieces(text))
        else:
            yield part


def _call(call: ToolCall) -> JsonObject:
    try:
        arguments = json.loads(call.arguments or "{}")
    except ValueError:
        arguments = {}
    return {"functionCall": {"name": call.name, "args": arguments, "id": call.id}}


def _signature(question: Question) -> JsonObject:
    if re.match(r"gemini-[12]\b", question.model):
        return {}
    return {"thoughtSignature": base64.b64encode(b"a thought of the emulator").decode()}


def _check_key(asked: Asked, house: House) -> None:
    query = parse_qs(asked.path.partition("?")[2])
    key = asked.headers.get("x-goog-api-key") or next(iter(query.get("key", ())), "")
    if not key:
        words = "Method doesn't allow unregistered callers (callers without established identity). Please use API Key "
        message = f"{words}or other form of API consumer identity to call this API."
        raise Rejected(Problem(403, message, "PERMISSION_DENIED"))
    if house.keys is not None and key not in house.keys:
        raise Rejected(_FAILURES["authentication"])


def _check_model(name: str, house: House) -> None:
    if house.models is not None and name not in house.models:
        raise Rejected(replace(_FAILURES["not_found"], message=_FAILURES["not_found"].message.format(model=name)))


def _model(name: str) -> Json:
    return {
        "name": f"models/{name}",
        "version": "001",
        "displayName": name,
        "inputTokenLimit": 1048576,
        "outputTokenLimit": 65536,
        "supportedGenerationMethods": ["generateContent", "countTokens"],
    }


def _event(content: Json) -> bytes:
    return b"data: " + json.dumps(content, ensure_ascii=False).encode() + b"\r\n\r\n"


def _error(problem: Problem) -> Json:
    told: dict[str, Json] = {"code": problem.status, "message": problem.message, "status": problem.type}
    return {"error": {**told, "details": list(problem.details)} if problem.details else told}


def _detail(kind: str, content: JsonObject) -> JsonObject:
    return {"@type": f"type.googleapis.com/google.rpc.{kind}", **content}


def _quota(name: str, value: str) -> JsonObject:
    metric = "generativelanguage.googleapis.com/generate_content_free_tier_requests"
    return _detail("QuotaFailure", {"violations": [{"quotaMetric": metric, "quotaId": name, "quotaValue": value}]})


def _rate_limit(fault: Fault) -> Problem:
    """A quota by the minute; the delay stands in the details, never in a header."""
    if fault.name == "rate_limit_without_retry_after":
        return Problem(429, "Resource exhausted. Please try again later.", "RESOURCE_EXHAUSTED")
    wait = _detail("RetryInfo", {"retryDelay": f"{fault.retry_after_s:g}s"})
    quota = _quota("GenerateRequestsPerMinutePerProjectPerModel-FreeTier", "15")
    return Problem(429, _SPENT, "RESOURCE_EXHAUSTED", details=(quota, wait))


_SPENT = "You exceeded your current quota, please check your plan and billing details."
_STATUSES = {
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_FAILURES: Mapping[FailureClass, Problem] = {
    "quota_exhausted": Problem(
        429,
        _SPENT,
        "RESOURCE_EXHAUSTED",
        details=(_quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "50"),),
    ),
    "unavailable": Problem(500, "An internal error has occurred. Please retry.", "INTERNAL"),
    "overloaded": Problem(503, "The model is overloaded. Please try again later.", "UNAVAILABLE"),
    "authentication": Problem(
        400,
        "API key not valid. Please pass a valid API key.",
        "INVALID_ARGUMENT",
        details=(_detail("ErrorInfo", {"reason": "API_KEY_INVALID", "domain": "googleapis.com"}),),
    ),
    "permission": Problem(403, "The caller does not have permission", "PERMISSION_DENIED"),
    "not_found": Problem(
        404,
        "models/{model} is not found for API version v1beta, or is not supported for generateContent. Call ListModels "
        "to see the list of available models and their supported methods.",
        "NOT_FOUND",
    ),
    "context_length": invalid(
        "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."
    ),
    "content_filter": Problem(200, "the prompt is blocked", "PROHIBITED_CONTENT"),
    "bad_request": invalid("The emulator was told to find this request bad."),
}
