"""Thoughts that gateways hand through go back as they came (`cases/thoughts.yaml`, and recorded ones)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from llm_router.catalog.providers import PROVIDERS
from llm_router.messages import ChatRequest, ChatResponse, Message, Reasoning, Text, user
from llm_router.testing import Asked, Emulator
from llm_router.wire.codec import Target
from llm_router.wire.dialects import CODECS
from llm_router.wire.history import fitted
from tests.recordings import Recording, needs_recordings, recordings
from tests.wire.fitting import encode_fitted
from tests.wire.independent import chunks_of
from tests.wire.judging import each
from tests.wire.reading_streams import bytewise, decode_stream

Case = dict[str, Any]
CASES: list[Case] = yaml.safe_load(Path(__file__).with_name("cases").joinpath("thoughts.yaml").read_text("utf-8"))
CODEC = CODECS["openai"]
KINDS = {"openrouter": "openrouter", "litellm_proxy": "litellm"}
LISTS = ("reasoning_details", "thinking_blocks")


def target_of(kind: str, model: str) -> Target:
    return Target(f"http://x.test/{kind}/v1", model, PROVIDERS[kind].auth_headers("k"), {}, PROVIDERS[kind].quirks)


def answer_of(case: Case) -> ChatResponse:
    model, headers = case.get("model", "m"), case.get("headers", {})
    if "whole" in case:
        choice = {"index": 0, "message": case["whole"], "finish_reason": "stop"}
        return CODEC.decode(headers, json.dumps({"model": model, "choices": [choice]}).encode())
    deltas = [*({"delta": delta} for delta in case["stream"]), {"delta": {}, "finish_reason": "stop"}]
    events = [json.dumps({"model": model, "choices": [{"index": 0, **delta}]}) for delta in deltas]
    body = "".join(f"data: {event}\n\n" for event in [*events, "[DONE]"]).encode()
    outcome = decode_stream(CODEC, headers, [body])
    assert decode_stream(CODEC, headers, bytewise(body)) == outcome
    assert outcome.failure is None
    return outcome.response


def sent_back(answer: Message, kind: str, model: str) -> Case:
    """The assistant's message of a request that goes on with this answer; the emulator takes it."""
    request = ChatRequest((user("Hi"), answer, user("And?")))
    sent = encode_fitted(CODEC, request, target_of(kind, model), stream=False)
    reply = Emulator().answer(Asked(sent.method, sent.url.removeprefix("http://x.test"), dict(sent.headers), sent.body))
    assert reply.status == 200, reply
    said: Case = json.loads(sent.body)["messages"][1]
    return said


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_thoughts_go_back_as_stated(case: Case) -> None:
    answer = answer_of(case)
    thought = "".join(part.text for part in answer.message.parts if isinstance(part, Reasoning))
    assert thought == case.get("reasoning", "")
    assert sent_back(answer.message, case["kind"], case.get("asks", "m")) == {"role": "assistant", **case["back"]}


def test_another_kind_of_provider_gets_the_text_alone() -> None:
    answer = answer_of(CASES[0]).message
    fit = fitted(ChatRequest((user("Hi"), answer)), CODEC.history(target_of("litellm", "m")), own=lambda _: False)
    assert fit.messages[1].parts == (Reasoning("Let me"), Text("42"))


@pytest.mark.parametrize("dialect", ["openai", "responses"])
def test_the_other_api_of_a_provider_leaves_a_signature_alone(dialect: str) -> None:
    signature = answer_of(CASES[0]).message.parts[0] if dialect == "responses" else Reasoning("Hm", "rs_1:gAAA")
    request = ChatRequest((user("Hi"), Message("assistant", (signature, Text("42"))), user("And?")))
    body = encode_fitted(CODECS[dialect], request, target_of("litellm", "m"), stream=False).body.decode()
    assert "42" in body
    assert not any(word in body for word in (*LISTS, "gAAA"))


def told(recording: Recording) -> dict[str, list[Case]]:
    """The lists of a recorded answer, each item under its type and index, put together by the plainest code."""
    found: dict[str, dict[tuple[Any, ...], Case]] = {name: {} for name in LISTS}
    for chunk in chunks_of(recording.body):
        for choice in chunk.get("choices") or []:
            said = choice.get("delta") or choice.get("message") or {}
            for name in LISTS:
                for item in said.get(name) or (said.get("provider_specific_fields") or {}).get(name) or []:
                    whole = found[name].setdefault((item["type"], item.get("index"), item.get("id")), {})
                    for key, value in item.items():
                        grows = key in ("text", "summary", "thinking")
                        whole[key] = whole.get(key, "") + value if grows else value
    return {name: list(items.values()) for name, items in found.items() if items}


GATEWAYS = [each for each in recordings(*KINDS) if each.status < 400 and each.path.endswith("chat/completions")]
BROKEN = {"openrouter/reasoning-03-hermes-4-405b"}
"""Answers that their provider broke off."""
TOLD = [recording for recording in GATEWAYS if told(recording) and recording.name not in BROKEN]


@needs_recordings
@each(TOLD)
def test_recorded_thoughts_go_back_as_they_came(recording: Recording) -> None:
    outcome = decode_stream(CODEC, recording.headers, [recording.body])
    said = sent_back(outcome.response.message, KINDS[recording.provider], recording.sent["model"])
    assert {name: said[name] for name in LISTS if name in said} == told(recording)
