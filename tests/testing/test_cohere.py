"""The emulated Cohere: as strict as the real one, and read by our codec under any failure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from llm_router.messages import ChatResponse, Finished, JsonObject, Usage, assistant
from llm_router.testing import Asked, Emulator, Fault, Say
from llm_router.testing.faults import SAID
from llm_router.wire.cohere import Cohere
from tests.wire.reading_streams import decode_stream

GOOD = {"model": "command-a-03-2025", "messages": [{"role": "user", "content": "hi"}]}
KEY = {"authorization": "Bearer k"}
CASES = yaml.safe_load(Path(__file__).with_name("cases").joinpath("cohere_requests.yaml").read_text("utf-8"))
Case = dict[str, Any]


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_request_is_judged_as_cohere_would(case: Case) -> None:
    body = {name: value for name, value in {**GOOD, **case.get("body", {})}.items() if value != "-"}
    headers, raw = case.get("headers", KEY), case.get("raw", json.dumps(body)).encode()
    emulator = Emulator(models=case.get("models"), keys=case.get("keys"))
    reply = emulator.answer(Asked(case.get("method", "POST"), "/it/cohere/v2/chat", headers, raw))
    assert reply.status == case.get("status", 200), reply.body
    if "status" in case:
        assert case.get("message", "") in json.loads(reply.body)["message"]


def _asked(*, stream: bool) -> Asked:
    return Asked("POST", "/it/cohere/v2/chat", KEY, json.dumps({**GOOD, "stream": stream}).encode())


@pytest.mark.parametrize("name", SAID)
@pytest.mark.parametrize("stream", [False, True])
def test_every_failure_is_read_as_its_class(name: str, stream: bool) -> None:
    reply = Emulator({"*": Fault(name)}).answer(_asked(stream=stream))
    failure = Cohere().decode_error(reply.status or 0, reply.headers, reply.body)
    assert failure.kind == SAID[name][0]
    assert failure.retry_after_s == (1.0 if name == "rate_limit" else None)


@pytest.mark.parametrize("stream", [False, True])
def test_citations_and_usage_are_told(stream: bool) -> None:
    citation: JsonObject = {"start": 0, "end": 2, "text": "Hi", "sources": [{"type": "document", "id": "d"}]}
    told = ChatResponse(assistant("Hi"), "stop", Usage(3, 1), extra={"citations": [citation]})
    reply = Emulator({"*": told}).answer(_asked(stream=stream))
    codec = Cohere()
    read = (
        decode_stream(codec, reply.headers, [reply.body]).response
        if stream
        else codec.decode(reply.headers, reply.body)
    )
    assert (read.text, read.usage, read.extra["citations"]) == ("Hi", Usage(3, 1), [citation])
    assert read.provider_request_id


def test_models_are_listed() -> None:
    listed = Emulator(models=["a", "b"]).answer(Asked("GET", "/cohere/v1/models", KEY))
    assert [model["name"] for model in json.loads(listed.body)["models"]] == ["a", "b"]


def test_an_answer_that_breaks_in_its_stream_is_a_failure() -> None:
    reply = Emulator({"*": Fault("error_in_stream")}).answer(_asked(stream=True))
    outcome = decode_stream(Cohere(), reply.headers, [reply.body])
    assert outcome.failure is not None
    assert outcome.failure.kind == "unavailable"


def test_a_filtered_answer_ends_so() -> None:
    reply = Emulator({"*": Say("x", finish_reason="content_filter")}).answer(_asked(stream=True))
    outcome = decode_stream(Cohere(), reply.headers, [reply.body])
    assert Finished("content_filter") in outcome.events
