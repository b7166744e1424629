"""Ollama's native API as a server speaks it: /api/chat, /api/tags, /api/version."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import ClassVar

from llm_router.errors import FailureClass
from llm_router.messages import ChatResponse, Json, JsonObject, Reasoning, Refusal, Text, ToolCall, Usage
from llm_router.testing.dialects.dialect import House, Moment, below, deployment_of, json_reply, read_object, read_tool
from llm_router.testing.dialects.ollama_rules import body_shape, broken_rules, misfit_problem
from llm_router.testing.faults import Fault, sized
from llm_router.testing.question import Problem, Question, Rejected, estimate_tokens
from llm_router.testing.reply import Asked, Reply
from llm_router.testing.script import pieces
from llm_router.testing.shapes import find_misfit

CHAT, TAGS, VERSION = "/api/chat", "/api/tags", "/api/version"
_METHODS = {CHAT: "POST", TAGS: "GET", VERSION: "GET"}
_UNREADABLE = Problem(400, "invalid character in JSON body: expected an object")


class Ollama:
    """The dialect `ollama`."""

    name: ClassVar[str] = "ollama"

    def claims(self, path: str) -> bool:
        """The API under any base path."""
        return path.endswith(tuple(_METHODS))

    def other(self, asked: Asked, house: House) -> Reply | None:
        """The list of models, the version, or a wrong method."""
        path = asked.path.partition("?")[0]
        place = next(own for own in _METHODS if path.endswith(own))
        if asked.method != _METHODS[place]:
            return sized(Reply(405, {"content-type": "text/plain"}, (b"405 method not allowed",)))
        if place == TAGS:
            return json_reply(200, {"models": [_model(name) for name in house.models or ()]})
        return json_reply(200, {"version": "0.12.0"}) if place == VERSION else None

    def question(self, asked: Asked, house: House) -> Question:
        """What a chat request asks for. Raises Rejected with the first thing that is wrong with it."""
        body = read_object(_UNREADABLE, asked.body)
        misfit = find_misfit(body_shape(house.also), body, "")
        if misfit:
            raise Rejected(misfit_problem(misfit))
        if not body.get("model"):
            raise Rejected(Problem(400, "model is required"))
        name = str(body["model"])
        if house.models is not None and not {name, f"{name}:latest"} & set(house.models):
            raise Rejected(_not_found(name))
        for problem in broken_rules(body):
            raise Rejected(problem)
        return _question(asked.path, body)

    def answer(self, question: Question, response: ChatResponse, moment: Moment) -> Reply:
        """One object, or a line for each piece and one for the end."""
        response = _held_to_form(question, response)
        common = _common(response.model or question.model, moment.now)
        end = {**common, **_end(response)}
        if not question.stream:
            return json_reply(200, {**end, "message": _message(response)})
        content = tuple(_line({**common, "message": delta, "done": False}) for delta in _deltas(response))
        last = _line({**end, "message": {"role": "assistant", "content": ""}})
        return Reply(200, {"content-type": "application/x-ndjson"}, (*content, last), streamed=True, tail=1)

    def problem(self, problem: Problem) -> Reply:
        """The message under `error`, with its status."""
        return json_reply(problem.status, {"error": problem.message}, problem.headers)

    def frame(self, problem: Problem) -> bytes:
        """The same as a line of a stream."""
        return _line({"error": problem.message})

    def status_problem(self, status: int, message: str) -> Problem:
        """An error that says no more than its status."""
        return Problem(status, message)

    def failure(self, kind: FailureClass, question: Question, fault: Fault) -> Problem:
        """How Ollama says a failure class."""
        if kind == "not_found":
            return _not_found(question.model)
        if kind == "rate_limit" and fault.name == kind:
            return Problem(429, "too many requests", headers={"retry-after": f"{fault.retry_after_s:g}"})
        return _FAILURES.get(kind, _FAILURES["unavailable"])


def _question(path: str, body: JsonObject) -> Question:
    form, tools, options = body.get("format"), body.get("tools"), body.get("options")
    chosen = options if isinstance(options, Mapping) else {}
    cap, stop = chosen.get("num_predict"), chosen.get("stop")
    return Question(
        dialect=Ollama.name,
        model=str(body["model"]),
        deployment=deployment_of(path, ("api",)),
        text=_last_user_text(body),
        stream=body.get("stream") is not False,
        tools=tuple(read_tool(tool) for tool in tools if isinstance(tool, Mapping)) if isinstance(tools, list) else (),
        schema=form if isinstance(form, Mapping) else None,
        wants_json=form == "json",
        max_output_tokens=cap if isinstance(cap, int) and cap > 0 else None,
        stop=tuple(map(str, stop)) if isinstance(stop, list) else (),
        input_tokens=estimate_tokens(body.get("messages")) + estimate_tokens(tools),
    )


def _last_user_text(body: JsonObject) -> str:
    messages = body.get("messages")
    told = [message for message in messages if isinstance(message, Mapping)] if isinstance(messages, list) else []
    return next((str(one.get("content") or "") for one in reversed(told) if one.get("role") == "user"), "")


def _common(model: str, now: float) -> JsonObject:
    return {"model": model, "created_at": datetime.fromtimestamp(now, UTC).isoformat().replace("+00:00", "Z")}


def _end(response: ChatResponse) -> JsonObject:
    usage: Usage = response.usage
    reason = "length" if response.finish_reason == "length" else "stop"  # ollama: "stop" for tool calls as well
    return {
        "done": True,
        "done_reason": reason,
        "total_duration": 2_000_000,
        "load_duration": 500_000,
        "prompt_eval_count": usage.input or 0,
        "prompt_eval_duration": 500_000,
        "eval_count": usage.output or 0,
        "eval_duration": 1_000_000,
    }


def _held_to_form(question: Question, response: ChatResponse) -> ChatResponse:
    """The answer as a model without tools gives it: a call is content, where the form has a place for its name."""
    schema, calls = question.schema or {}, response.tool_calls
    forms = schema.get("anyOf", [schema])
    if question.tools or len(calls) != 1 or not isinstance(forms, list):
        return response
    for fields in (form.get("properties") for form in forms if isinstance(form, Mapping)):
        names = [key for key in fields if below(fields, key, "enum") == [calls[0].name]] if fields else []
        if isinstance(fields, Mapping) and len(fields) == 2 and names:
            (rest,) = set(fields) - set(names)
            said = f"{{{json.dumps(names[0])}: {json.dumps(calls[0].name)}, {json.dumps(rest)}: {calls[0].arguments}}}"
            parts = tuple(part for part in response.message.parts if not isinstance(part, ToolCall))
            message = replace(response.message, parts=(*parts, Text(said)))
            return replace(response, message=message, finish_reason="stop")
    return response


def _message(response: ChatResponse) -> Json:
    thinking = "".join(part.text for part in response.message.parts if isinstance(part, Reasoning))
    refusal = "".join(part.text for part in response.message.parts if isinstance(part, Refusal))
    calls: list[Json] = [_call(call, place) for place, call in enumerate(response.tool_calls)]
    return {
        "role": "assistant",
        "content": response.text + refusal,
        **({"thinking": thinking} if thinking else {}),
        **({"tool_calls": calls} if calls else {}),
    }


def _deltas(response: ChatResponse) -> Iterator[Json]:
    """The messages of the lines: calls come whole, each in a line of its own."""
    place = 0
    for part in response.message.parts:
        match part:
            case Text(text) | Refusal(text):
                yield from ({"role": "assistant", "content": piece} for piece in pieces(text))
            case Reasoning(text):
                yield from ({"role": "assistant", "content": "", "thinking": piece} for piece in pieces(text))
            case ToolCall():
                yield {"role": "assistant", "content": "", "tool_calls": [_call(part, place)]}
                place += 1


def _call(call: ToolCall, place: int) -> Json:
    try:
        arguments = json.loads(call.arguments or "{}")
    except ValueError:
        arguments = {}
    return {"id": call.id, "function": {"index": place, "name": call.name, "arguments": arguments}}


def _model(name: str) -> Json:
    details = {"parent_model": "", "format": "gguf", "family": "emulated", "families": ["emulated"]}
    return {
        "name": name,
        "model": name,
        "modified_at": "2026-01-01T00:00:00Z",
        "size": 0,
        "digest": "0" * 64,
        "details": {**details, "parameter_size": "0B", "quantization_level": "F16"},
    }


def _line(content: Json) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _not_found(model: str) -> Problem:
    return Problem(404, f"model '{model}' not found")


_FAILURES: Mapping[FailureClass, Problem] = {
    "rate_limit": Problem(429, "too many requests"),
    "quota_exhausted": Problem(402, "you have reached your usage limit, please upgrade to continue"),
    "unavailable": Problem(500, "llama runner process has terminated: exit status 2"),
    "overloaded": Problem(503, "server busy, please try again. maximum pending requests exceeded"),
    "authentication": Problem(401, "unauthorized"),
    "permission": Problem(403, "this model requires a subscription, upgrade for access"),
    "context_length": Problem(400, "the input length exceeds the context length"),
    "content_filter": Problem(400, "the request violates our content policy"),
    "bad_request": Problem(400, "the emulator was told to find this request bad"),
}
