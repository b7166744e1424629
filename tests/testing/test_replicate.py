"""The emulated Replicate: strict inputs, and predictions that go on from one request to the next."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llm_router.testing import Asked, Emulator, Fault, Reply, Say
from llm_router.testing.faults import SAID
from llm_router.wire.replicate import Replicate

KEY = {"authorization": "Bearer k", "host": "replicate.test"}
CREATE = "/it/replicate/models/o/m/predictions"
GOOD = {"input": {"prompt": "hi"}}


def ask(emulator: Emulator, method: str, path: str, body: Any = None, headers: Any = None) -> Reply:
    return emulator.answer(Asked(method, path, KEY if headers is None else headers, json.dumps(body).encode()))


@pytest.mark.parametrize(
    ("body", "path", "status", "message"),
    [
        (GOOD, CREATE, 201, ""),
        ({"version": "0" * 64, **GOOD}, "/it/replicate/predictions", 201, ""),
        (GOOD, "/it/replicate/deployments/o/m/predictions", 201, ""),
        (GOOD, "/it/replicate/predictions", 422, "version is required"),
        ({"version": "0" * 64, **GOOD}, CREATE, 422, "Additional property version"),
        ({}, CREATE, 422, "input is required"),
        ({"input": {}}, CREATE, 422, "prompt is required"),
        ({"input": {"prompt": "a", "messages": []}}, CREATE, 422, "Additional property messages"),
        ({"input": {"prompt": "a", "temperature": "hot"}}, CREATE, 422, "Invalid type"),
        ({"input": {"prompt": "a", "stop_sequences": ["x"]}}, CREATE, 422, "Invalid type"),
        ({"input": {"prompt": "a", "image": "x"}}, CREATE, 422, "Must fit"),
        ([], CREATE, 400, "not valid JSON"),
    ],
)
def test_a_creation_is_judged(body: Any, path: str, status: int, message: str) -> None:
    reply = ask(Emulator(), "POST", path, body)
    assert reply.status == status, reply.body
    assert message in json.loads(reply.body).get("detail", "")


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer other"}])
def test_no_key_is_no_answer(headers: dict[str, str]) -> None:
    assert ask(Emulator(keys=["k"]), "POST", CREATE, GOOD, headers).status == 401


def test_a_prediction_goes_on_until_it_is_done() -> None:
    emulator = Emulator({"*": Say("one two")})
    created = json.loads(ask(emulator, "POST", CREATE, GOOD).body)
    place = created["urls"]["get"].removeprefix("http://replicate.test")
    shown = [json.loads(ask(emulator, "GET", place).body) for _ in range(3)]
    assert [one["status"] for one in (created, *shown)] == ["starting", "processing", "succeeded", "succeeded"]
    assert "".join(shown[-1]["output"]) == "one two"
    assert "stream" not in created["urls"]
    assert json.loads(ask(emulator, "POST", f"{place}/cancel").body)["status"] == "succeeded"


def test_a_prediction_that_was_cancelled_stays_so() -> None:
    emulator = Emulator()
    created = json.loads(ask(emulator, "POST", CREATE, {**GOOD, "stream": True}).body)
    place = created["urls"]["get"].removeprefix("http://replicate.test")
    assert json.loads(ask(emulator, "POST", f"{place}/cancel").body)["status"] == "canceled"
    assert json.loads(ask(emulator, "GET", place).body)["status"] == "canceled"
    assert b'{"reason": "canceled"}' in ask(emulator, "GET", f"{place}/stream").body


def test_what_isn_t_there_is_said() -> None:
    assert ask(Emulator(), "GET", "/it/replicate/predictions/nobody").status == 404
    assert ask(Emulator(models=["o/other"]), "POST", CREATE, GOOD).status == 404
    assert ask(Emulator(), "GET", CREATE).status == 405


@pytest.mark.parametrize("name", SAID)
def test_every_failure_is_read_as_its_class(name: str) -> None:
    reply = ask(Emulator({"*": Fault(name)}), "POST", CREATE, GOOD)
    assert Replicate().decode_error(reply.status or 0, reply.headers, reply.body).kind == SAID[name][0]
