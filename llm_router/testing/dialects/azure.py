"""Azure OpenAI as it speaks: its two surfaces in front of chat completions and responses, its gateway and its filter.

`…/openai/v1/…` names the deployment in the body; `…/openai/deployments/NAME/chat/completions` and `…/openai/responses`
want an `api-version`, without which there is no such resource (recorded errors, 2024 to 2026).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar
from urllib.parse import parse_qs, unquote

from llm_router.errors import FailureClass
from llm_router.messages import ChatResponse, Json, JsonObject
from llm_router.testing.dialects.dialect import House, Moment, json_reply, named_event
from llm_router.testing.dialects.openai import OpenAI
from llm_router.testing.dialects.openai_family import kind_of
from llm_router.testing.dialects.responses import Responses
from llm_router.testing.faults import Fault
from llm_router.testing.question import Problem, Question, Rejected
from llm_router.testing.reply import Asked, Reply

_SURFACE = re.compile(r"/openai/(?:(v1)/(chat/completions|responses)|deployments/([^/]+)/chat/completions|responses)$")
_VERSION = re.compile(r"\d{4}-\d\d-\d\d(?:-preview)?|v1|preview|latest|emulated")
_NOWHERE = Problem(404, "Resource not found", code="404")
_DENIED = Problem(
    401,
    "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an "
    "active subscription and use a correct regional API endpoint for your resource.",
    code="401",
)
_NOBODY = Problem(
    404,
    "The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, "
    "please wait a moment and try again.",
    code="DeploymentNotFound",
)
_SAFE: JsonObject = {
    name: {"filtered": False, "severity": "safe"} for name in ("hate", "self_harm", "sexual", "violence")
}
_CAUGHT: JsonObject = {**_SAFE, "violence": {"filtered": True, "severity": "medium"}}


@dataclass(frozen=True, slots=True)
class Azure:
    """The dialect `spoken` behind Azure's gateway."""

    spoken: OpenAI
    name: ClassVar[str] = "azure"

    def claims(self, path: str) -> bool:
        """What the dialect claims of paths that are Azure's."""
        return kind_of(path) == "azure" and "/openai/" in path and self.spoken.claims(path)

    def other(self, asked: Asked, house: House) -> Reply | None:
        """A wrong method or address, or the list of models."""
        self._check_place(asked)
        return self.spoken.other(asked, house)

    def question(self, asked: Asked, house: House) -> Question:
        """What a request asks for. Raises Rejected with what the gateway, and then the dialect, find wrong."""
        key = asked.headers.get("authorization", "").partition(" ")[2] or asked.headers.get("api-key", "")
        if not key or (house.keys is not None and key not in house.keys):
            raise Rejected(_DENIED)
        found = _SURFACE.search(asked.path.partition("?")[0])
        assert found is not None
        asked, model = _named(asked, unquote(found[3])) if found[3] else (asked, _model(asked))
        if house.models is not None and model and model not in house.models:
            raise Rejected(_NOBODY)
        return self.spoken.question(asked, house)

    def answer(self, question: Question, response: ChatResponse, moment: Moment) -> Reply:
        """The answer, and what the filter made of it."""
        reply = self.spoken.answer(question, response, moment)
        headers = {"apim-request-id": f"emulated-{moment.serial:06d}", "x-ms-region": "Sweden Central"}
        reply = replace(reply, headers={**reply.headers, **headers})
        if isinstance(self.spoken, Responses):
            return _judged(reply, headers)
        if not reply.streamed:
            return json_reply(200, {**_filtered(json.loads(reply.body)), **_PROMPT}, headers)
        first = f"data: {json.dumps({'id': '', 'object': '', 'created': 0, 'model': '', 'choices': [], **_PROMPT})}\n\n"
        steps = (first.encode(), *(_event(step) for step in reply.steps if isinstance(step, bytes)))
        return replace(reply, steps=steps, lead=reply.lead + 1)

    def problem(self, problem: Problem) -> Reply:
        """The error as the gateway tells it, or the dialect."""
        if problem.code == "content_filter":
            inner: JsonObject = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": _CAUGHT}
            told: JsonObject = {"message": problem.message, "type": None, "param": problem.param}
            error = {**told, "code": problem.code, "status": problem.status, "innererror": inner}
            return json_reply(problem.status, {"error": error}, problem.headers)
        if problem.type is None:
            return json_reply(problem.status, {"error": {"code": problem.code, "message": problem.message}})
        return self.spoken.problem(problem)

    def frame(self, problem: Problem) -> bytes:
        """The error as an event."""
        return self.spoken.frame(problem)

    def status_problem(self, status: int, message: str) -> Problem:
        """An error that says no more than its status."""
        return self.spoken.status_problem(status, message)

    def failure(self, kind: FailureClass, question: Question, fault: Fault) -> Problem:
        """How Azure says a failure class."""
        own = {"not_found": _NOBODY, "authentication": _DENIED}
        return own.get(kind) or self.spoken.failure(kind, question, fault)

    def _check_place(self, asked: Asked) -> None:
        """Raises Rejected for an address that isn't there, which one without its version is not."""
        path, _, query = asked.path.partition("?")
        found = _SURFACE.search(path)
        version = parse_qs(query).get("api-version", [""])[0]
        if found is None and "/models" in path:
            return
        if found is None or not (_VERSION.fullmatch(version) or (found[1] and not version)):
            raise Rejected(_NOWHERE)


_PROMPT: JsonObject = {"prompt_filter_results": [{"prompt_index": 0, "content_filter_results": _SAFE}]}
AZURE = (Azure(Responses()), Azure(OpenAI()))


def _model(asked: Asked) -> str:
    try:
        body = json.loads(asked.body)
    except ValueError:
        return ""
    return str(body.get("model") or "") if isinstance(body, dict) else ""


def _named(asked: Asked, deployment: str) -> tuple[Asked, str]:
    """The request with the model that its address names, whatever its body says."""
    try:
        body = json.loads(asked.body)
    except ValueError:
        return asked, deployment
    named = {**body, "model": deployment} if isinstance(body, dict) else body
    return replace(asked, body=json.dumps(named).encode()), deployment


def _judged(reply: Reply, headers: Mapping[str, str]) -> Reply:
    """A response with what the filter found in it, streamed in its last event (Azure/azure-rest-api-specs 42141)."""
    if not reply.streamed:
        told = json.loads(reply.body)
        return json_reply(200, {**told, "content_filters": _verdicts(told)}, headers)
    last = reply.steps[-1]
    assert isinstance(last, bytes)
    event = json.loads(last.partition(b"data: ")[2])
    told = {**event["response"], "content_filters": _verdicts(event["response"])}
    return replace(reply, steps=(*reply.steps[:-1], named_event({**event, "response": told})))


def _verdicts(response: JsonObject) -> list[Json]:
    caught = response.get("incomplete_details") == {"reason": "content_filter"}
    return [_verdict("prompt", caught=False), _verdict("completion", caught=caught)]


def _verdict(source: str, *, caught: bool) -> JsonObject:
    return {
        "blocked": caught,
        "source_type": source,
        "content_filter_raw": [],
        "content_filter_results": _CAUGHT if caught else _SAFE,
        "content_filter_offsets": {"start_offset": 0, "end_offset": 0, "check_offset": 0},
    }


def _event(step: bytes) -> bytes:
    """A chunk with what the filter found in it."""
    data = step.removeprefix(b"data: ").strip()
    return step if data == b"[DONE]" else b"data: " + json.dumps(_filtered(json.loads(data))).encode() + b"\n\n"


def _filtered(chunk: dict[str, Json]) -> dict[str, Json]:
    choices = chunk["choices"]
    assert isinstance(choices, list)
    return {**chunk, "choices": [{**choice, "content_filter_results": _results(choice)} for choice in choices]}


def _results(choice: JsonObject) -> JsonObject:
    return _CAUGHT if choice.get("finish_reason") == "content_filter" else _SAFE
