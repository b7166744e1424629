"""Replicate's predictions as the provider speaks them: created, asked for, streamed, cancelled.

A prediction is known from its creation on: it starts, runs when it is asked for the first time, and is done at the
second time, or when its stream was asked for. One that was cancelled stays so. Any model is taken, with the inputs
that language models have.
"""

from __future__ import annotations

import itertools
import json
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from llm_router.errors import FailureClass
from llm_router.messages import ChatResponse, Json, JsonObject
from llm_router.testing.dialects.dialect import (
    House,
    Moment,
    bearer_of,
    deployment_of,
    failure_in,
    json_reply,
    read_object,
)
from llm_router.testing.dialects.replicate_rules import KNOWN, Place, body_shape, misfit_problem, read_place
from llm_router.testing.faults import Fault
from llm_router.testing.question import Problem, Question, Rejected, estimate_tokens
from llm_router.testing.reply import Asked, Reply
from llm_router.testing.script import pieces
from llm_router.testing.shapes import find_misfit

_MOST_KEPT = 1000
_UNREADABLE = Problem(400, "The request body is not valid JSON", "Invalid request")


@dataclass(slots=True)
class _Prediction:
    """One prediction; `step` counts how far it is: 0 starting, 1 processing, 2 done."""

    said: JsonObject
    response: ChatResponse
    step: int = 0
    canceled: bool = False

    @property
    def status(self) -> str:
        if self.canceled:
            return "canceled"
        if self.step < 2:
            return ("starting", "processing")[self.step]
        return "failed" if self.response.finish_reason == "content_filter" else "succeeded"

    def show(self) -> JsonObject:
        """The prediction as it is told."""
        status, usage = self.status, self.response.usage
        told: dict[str, Json] = {**self.said, "status": status, "error": None, "logs": ""}
        if status == "failed":
            told["error"] = "The output was flagged as sensitive (E005)"
        if status == "succeeded":
            told["output"] = pieces(self.response.text)
            told["metrics"] = {"input_token_count": usage.input, "output_token_count": usage.output}
        return told


class Replicate:
    """The dialect `replicate`."""

    name: ClassVar[str] = "replicate"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._serial = itertools.count(1)
        self._kept: OrderedDict[str, _Prediction] = OrderedDict()

    def claims(self, path: str) -> bool:
        """Predictions under any base path."""
        return KNOWN.search(path) is not None

    def other(self, asked: Asked, house: House) -> Reply | None:
        """A prediction that is there already: asked for, streamed or cancelled; None for the creation of one."""
        place = read_place(asked.path)
        if asked.method != ("GET" if place.verb in ("get", "stream") else "POST"):
            return self.problem(Problem(405, "Method not allowed"))
        if place.verb == "create":
            return None
        self._check_key(asked, house)
        with self._lock:
            return self._known(place)

    def question(self, asked: Asked, house: House) -> Question:
        """What a creation asks for. Raises Rejected with the first thing that is wrong with it."""
        self._check_key(asked, house)
        body, place = read_object(_UNREADABLE, asked.body), read_place(asked.path)
        misfit = find_misfit(body_shape(house.also, versioned=place.model is None), body, "")
        if misfit:
            raise Rejected(misfit_problem(misfit))
        model = place.model or str(body["version"])
        if house.models is not None and model not in house.models:
            raise Rejected(_not_found(model))
        return _question(asked, body, model)

    def answer(self, question: Question, response: ChatResponse, moment: Moment) -> Reply:
        """The prediction, just begun."""
        with self._lock:
            ident = f"emulated{next(self._serial):018d}"
            prediction = _Prediction(_said(question, ident, moment.now), response)
            self._kept[ident] = prediction
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
            return json_reply(201, prediction.show())

    def problem(self, problem: Problem) -> Reply:
        """The problem with its status."""
        told: dict[str, Json] = {"detail": problem.message, "status": problem.status}
        if problem.type:
            told["title"] = problem.type
        return json_reply(problem.status, told, {"content-type": "application/problem+json", **problem.headers})

    def frame(self, problem: Problem) -> bytes:
        """The problem as an event."""
        return _event("error", json.dumps({"detail": problem.message}))

    def status_problem(self, status: int, message: str) -> Problem:
        """An error that says no more than its status."""
        return Problem(status, message)

    def failure(self, kind: FailureClass, question: Question, fault: Fault) -> Problem:
        """How Replicate says a failure class."""
        if kind == "not_found":
            return _not_found(question.model)
        return failure_in(_FAILURES, kind, fault)

    def _check_key(self, asked: Asked, house: House) -> None:
        key = bearer_of(asked)
        if not key or (house.keys is not None and key not in house.keys):
            raise Rejected(_FAILURES["authentication"])

    def _known(self, place: Place) -> Reply:
        prediction = self._kept.get(place.ident)
        if prediction is None:
            return self.problem(Problem(404, "The requested resource could not be found.", "Not found"))
        if place.verb == "cancel":
            prediction.canceled = prediction.canceled or prediction.step < 2
        elif place.verb == "stream":
            return _stream(prediction)
        else:
            prediction.step = min(prediction.step + 1, 2)
        return json_reply(200, prediction.show())


def _stream(prediction: _Prediction) -> Reply:
    """The output piece by piece; asked for, the prediction runs to its end."""
    if prediction.canceled:
        steps: tuple[bytes, ...] = (_event("done", json.dumps({"reason": "canceled"})),)
    elif prediction.response.finish_reason == "content_filter":
        steps = (_event("error", json.dumps({"detail": "The output was flagged as sensitive (E005)"})),)
    else:
        told = (_event("output", piece) for piece in pieces(prediction.response.text))
        steps = (b": hi\n\n", *told, _event("done", "{}"))
    prediction.step = 2
    return Reply(200, {"content-type": "text/event-stream"}, steps, streamed=True, lead=1, tail=1)


def _question(asked: Asked, body: JsonObject, model: str) -> Question:
    inputs = body["input"]
    assert isinstance(inputs, Mapping)
    caps = (inputs.get(name) for name in ("max_tokens", "max_new_tokens", "max_completion_tokens"))
    cap = next((cap for cap in caps if isinstance(cap, int)), None)
    stop = str(inputs.get("stop_sequences") or "")
    before = KNOWN.split(asked.path.partition("?")[0])[0]
    return Question(
        dialect=Replicate.name,
        model=model,
        deployment=deployment_of(asked.path, ("v1", "replicate", "models", "predictions")),
        text=str(inputs["prompt"]),
        stream=bool(body.get("stream")),
        max_output_tokens=cap,
        stop=tuple(word for word in stop.split(",") if word),
        input_tokens=estimate_tokens(inputs.get("prompt")) + estimate_tokens(inputs.get("system_prompt")),
        place=f"http://{asked.headers.get('host', 'emulator.invalid')}{before}",
    )


def _said(question: Question, ident: str, now: float) -> JsonObject:
    created = datetime.fromtimestamp(now, UTC).isoformat()
    address = f"{question.place}/predictions/{ident}"
    urls = {"get": address, "cancel": f"{address}/cancel"}
    if question.stream:
        urls["stream"] = f"{address}/stream"
    return {"id": ident, "model": question.model, "version": "emulated", "created_at": created, "urls": urls}


def _event(name: str, data: str) -> bytes:
    lines = "".join(f"data: {line}\n" for line in data.split("\n"))
    return f"event: {name}\nid: 0:0\n{lines}\n".encode()


def _not_found(model: str) -> Problem:
    return Problem(404, f"The model {model} could not be found", "Not found")


_FAILURES: Mapping[FailureClass, Problem] = {
    "rate_limit": Problem(429, "Request was throttled. Your rate limit resets in ~1s.", "Too many requests"),
    "quota_exhausted": Problem(402, "You have insufficient credit to run this model", "Insufficient credit"),
    "unavailable": Problem(500, "An internal error occurred", "Internal server error"),
    "overloaded": Problem(503, "The service is overloaded", "Service unavailable"),
    "authentication": Problem(401, "You did not pass a valid authentication token", "Unauthenticated"),
    "permission": Problem(403, "You do not have permission to perform this action", "Permission denied"),
    "context_length": Problem(422, "The prompt is too long for the model's context window", "Input validation failed"),
    "content_filter": Problem(422, "The input was flagged as sensitive", "Input validation failed"),
    "bad_request": Problem(422, "the emulator was told to find this request bad", "Input validation failed"),
}
