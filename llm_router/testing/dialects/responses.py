"""OpenAI's responses as a provider speaks them: reads requests, writes items, and errors as chat completions do."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

from typing_extensions import override

from llm_router.messages import ChatResponse, Json, JsonObject, Reasoning, Refusal, Text, Tool, ToolCall, Usage
from llm_router.testing.dialects.dialect import House, Moment, deployment_of, json_reply, named_event, read_object
from llm_router.testing.dialects.openai import UNREADABLE, OpenAI
from llm_router.testing.dialects.openai_family import kind_of
from llm_router.testing.dialects.openai_rules import bad_request
from llm_router.testing.dialects.responses_rules import FIELDS, SEALED, broken_rules, items_of, misfit_told
from llm_router.testing.question import Problem, Question, Rejected, estimate_tokens
from llm_router.testing.reply import Asked, Reply
from llm_router.testing.script import pieces
from llm_router.testing.shapes import Anything, Object, find_misfit

RESPONSES = "/responses"
_OWN = ("v1", "openai", "azure", "responses", "api")


class Responses(OpenAI):
    """The dialect `responses`."""

    name: ClassVar[str] = "responses"

    @override
    def claims(self, path: str) -> bool:
        """Responses under any base path."""
        return path.endswith(RESPONSES)

    @override
    def other(self, asked: Asked, house: House) -> Reply | None:
        """A wrong method."""
        if asked.method == "POST":
            return None
        path = asked.path.partition("?")[0]
        return self.problem(Problem(405, f"Not allowed to {asked.method} on {path}.", "invalid_request_error"))

    @override
    def question(self, asked: Asked, house: House) -> Question:
        """What a request asks for. Raises Rejected with the first thing that is wrong with it."""
        self.check_key(asked, house)
        body = read_object(UNREADABLE, asked.body)
        if not body.get("model"):
            raise Rejected(bad_request("Missing required parameter: 'model'.", code="missing_required_parameter"))
        misfit = find_misfit(Object({**FIELDS, **dict.fromkeys(house.also, Anything())}, ("input",)), body, "")
        if misfit:
            raise Rejected(misfit_told(misfit))
        self.check_model(str(body["model"]), house)
        for problem in broken_rules(body, strict=kind_of(asked.path) in ("openai", "azure")):
            raise Rejected(problem)
        return _question(asked.path, body)

    @override
    def answer(self, question: Question, response: ChatResponse, moment: Moment) -> Reply:
        """A response, or the events of one."""
        told = _Told(moment, question, response, _items(response, question.model, moment.serial))
        headers = {"x-request-id": f"req_emulated{moment.serial:06d}", "openai-processing-ms": "1"}
        if not question.stream:
            return json_reply(200, told.response(), headers)
        lead, tail = tuple(told.opening()), (told.closing(),)
        steps = tuple(map(named_event, _numbered([*lead, *told.events(), *tail])))
        streamed = {"content-type": "text/event-stream; charset=utf-8", **headers}
        return Reply(200, streamed, steps, streamed=True, lead=len(lead), tail=len(tail))

    @override
    def frame(self, problem: Problem) -> bytes:
        """The error as an event."""
        told: JsonObject = {"code": problem.code, "message": problem.message, "param": problem.param}
        return named_event({"type": "error", **told, "sequence_number": 0})


def _question(path: str, body: JsonObject) -> Question:
    text, tools, choice = body.get("text"), body.get("tools"), body.get("tool_choice")
    form = text.get("format") if isinstance(text, Mapping) else None
    form = form if isinstance(form, Mapping) else {}
    schema, cap = form.get("schema"), body.get("max_output_tokens")
    told = [body.get("input"), body.get("instructions"), tools]
    return Question(
        dialect=Responses.name,
        model=str(body["model"]),
        deployment=deployment_of(path, _OWN),
        text=_last_user_text(body),
        stream=bool(body.get("stream")),
        tools=tuple(_tool(tool) for tool in tools if isinstance(tool, Mapping)) if isinstance(tools, list) else (),
        must_call=str(choice["name"]) if isinstance(choice, Mapping) else "*" if choice == "required" else None,
        schema=schema if isinstance(schema, Mapping) else None,
        wants_json=form.get("type") == "json_object",
        max_output_tokens=cap if isinstance(cap, int) else None,
        input_tokens=sum(map(estimate_tokens, told)),
    )


def _tool(tool: JsonObject) -> Tool:
    parameters = tool.get("parameters")
    described = str(tool.get("description") or "")
    given = parameters if isinstance(parameters, Mapping) else {"type": "object"}
    return Tool(str(tool.get("name") or tool.get("type")), described, given)


def _last_user_text(body: JsonObject) -> str:
    said = body.get("input")
    if isinstance(said, str):
        return said
    content = next((item.get("content") for item in reversed(items_of(body)) if item.get("role") == "user"), "")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "".join(str(part.get("text", "")) for part in parts if isinstance(part, Mapping))


@dataclass(frozen=True, slots=True)
class _Item:
    """An item as it begins, as it is in the end, and the events between."""

    begun: JsonObject
    whole: JsonObject
    between: tuple[JsonObject, ...]


_PHASED = re.compile(r"gpt-5\.3-codex|gpt-5\.[4-9]|gpt-[6-9]")
"""Models that say in which phase of their answer a message is (openai, types of messages, 2026)."""


def _items(response: ChatResponse, model: str, serial: int) -> list[_Item]:
    phase = ("commentary" if response.tool_calls else "final_answer") if _PHASED.match(model) else None
    items = [_item(part, f"{serial:06d}{place:02d}") for place, part in enumerate(response.message.parts)]
    return [_in_phase(item, item.whole.get("phase") or phase) for item in items]


def _in_phase(item: _Item, phase: Json) -> _Item:
    if phase is None or item.whole["type"] != "message":
        return item
    return replace(item, begun={**item.begun, "phase": phase}, whole={**item.whole, "phase": phase})


def _item(part: object, number: str) -> _Item:
    match part:
        case Reasoning(text):
            return _thought(text, f"rs_{number}")
        case ToolCall(call_id, name, arguments):
            said: JsonObject = {"type": "function_call", "id": f"fc_{number}", "call_id": call_id, "name": name}
            deltas = _deltas("response.function_call_arguments", "arguments", arguments, {})
            begun: JsonObject = {**said, "arguments": "", "status": "in_progress"}
            return _Item(begun, {**said, "arguments": arguments, "status": "completed"}, tuple(deltas))
        case Refusal(text):
            return _message({"type": "refusal", "refusal": text}, "refusal", f"msg_{number}")
        case Text(text):
            said = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
            return _in_phase(_message(said, "text", f"msg_{number}"), part.phase)
    raise TypeError(f"{type(part).__name__} is no part of an answer")


def _thought(text: str, item_id: str) -> _Item:
    sealed = SEALED + base64.b64encode(text.encode()).decode("ascii")
    said: JsonObject = {"type": "reasoning", "id": item_id, "encrypted_content": sealed}
    place: JsonObject = {"summary_index": 0}
    whole: JsonObject = {"type": "summary_text", "text": text}
    part = "response.reasoning_summary_part"
    between = (
        {"type": f"{part}.added", **place, "part": {**whole, "text": ""}},
        *_deltas("response.reasoning_summary_text", "text", text, place),
        {"type": f"{part}.done", **place, "part": whole},
    )
    return _Item({**said, "summary": []}, {**said, "summary": [whole]}, between)


def _message(part: JsonObject, key: str, item_id: str) -> _Item:
    said: JsonObject = {"type": "message", "id": item_id, "role": "assistant"}
    place: JsonObject = {"content_index": 0}
    more: JsonObject = {**place, "logprobs": []} if key == "text" else place
    name = "response.output_text" if key == "text" else "response.refusal"
    between = (
        {"type": "response.content_part.added", **place, "part": {**part, key: ""}},
        *_deltas(name, key, str(part[key]), more),
        {"type": "response.content_part.done", **place, "part": part},
    )
    whole: JsonObject = {**said, "content": [part], "status": "completed"}
    return _Item({**said, "content": [], "status": "in_progress"}, whole, between)


def _deltas(name: str, key: str, text: str, place: JsonObject) -> Iterator[JsonObject]:
    yield from ({"type": f"{name}.delta", **place, "delta": piece} for piece in pieces(text))
    yield {"type": f"{name}.done", **place, key: text}


@dataclass(frozen=True, slots=True)
class _Told:
    """One answer, as an object and as events."""

    moment: Moment
    question: Question
    answer: ChatResponse
    items: list[_Item] = field(repr=False)

    def response(self, status: str | None = None) -> JsonObject:
        """The response: whole, or as it stands at its beginning."""
        reasons = {"length": "max_output_tokens", "content_filter": "content_filter"}
        reason = None if status else reasons.get(self.answer.finish_reason)
        return {
            "id": f"resp_emulated{self.moment.serial:06d}",
            "object": "response",
            "created_at": int(self.moment.now),
            "status": status or ("incomplete" if reason else "completed"),
            "error": None,
            "incomplete_details": {"reason": reason} if reason else None,
            "instructions": None,
            "max_output_tokens": self.question.max_output_tokens,
            "model": self.answer.model or self.question.model,
            "output": [] if status else [item.whole for item in self.items],
            "parallel_tool_calls": True,
            "reasoning": {"effort": None, "summary": None},
            "service_tier": "auto" if status else "default",
            "store": False,
            "temperature": 1.0,
            "text": {"format": {"type": "text"}},
            "tool_choice": "auto",
            "tools": [],
            "top_p": 1.0,
            "truncation": "disabled",
            "usage": None if status else _usage(self.answer.usage),
            "metadata": {},
        }

    def opening(self) -> Iterator[JsonObject]:
        """That the response was made, and is under way."""
        for kind in ("created", "in_progress"):
            yield {"type": f"response.{kind}", "response": self.response("in_progress")}

    def events(self) -> Iterator[JsonObject]:
        """The answer piece by piece."""
        for place, item in enumerate(self.items):
            yield {"type": "response.output_item.added", "output_index": place, "item": item.begun}
            for event in item.between:
                yield {**event, "output_index": place, "item_id": item.whole["id"]}
            yield {"type": "response.output_item.done", "output_index": place, "item": item.whole}

    def closing(self) -> JsonObject:
        """How it ended."""
        whole = self.response()
        return {"type": f"response.{whole['status']}", "response": whole}


def _numbered(events: list[JsonObject]) -> list[JsonObject]:
    return [{**event, "sequence_number": place} for place, event in enumerate(events)]


def _usage(usage: Usage) -> Json:
    read, written = usage.input or 0, usage.output or 0
    return {
        "input_tokens": read,
        "input_tokens_details": {"cached_tokens": usage.cache_read or 0, "cache_write_tokens": 0},
        "output_tokens": written,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning or 0},
        "total_tokens": read + written,
    }
