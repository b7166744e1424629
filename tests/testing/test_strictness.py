"""A malformed request gets the provider's own kind of error, as the files of cases say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming

from llm_router.testing import Asked, Emulator, Reply
from llm_router.testing.dialects.openai_family import body_shape

CASES = Path(__file__).parent / "cases"
GOOD: dict[str, tuple[str, dict[str, Any]]] = {
    "openai": ("/v1/chat/completions", {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}),
    "ollama": (
        "/api/chat",
        {"model": "qwen3", "messages": [{"role": "user", "content": "hi"}], "stream": False},
    ),
    "anthropic": (
        "/v1/messages",
        {"model": "claude-sonnet-4-5", "max_tokens": 99, "messages": [{"role": "user", "content": "hi"}]},
    ),
}


def cases() -> list[Any]:
    return [
        pytest.param(dialect, case, id=f"{dialect}: {case['name']}")
        for dialect in GOOD
        for case in yaml.safe_load((CASES / f"{dialect}_requests.yaml").read_text())
    ]


def ask(dialect: str, case: dict[str, Any]) -> tuple[Emulator, Reply]:
    path, good = GOOD[dialect]
    merged = {**good, **case.get("body", {})}
    body = {name: value for name, value in merged.items() if value != "-"}
    sent = case.get("raw", json.dumps(body)).encode()
    headers = case.get("headers", {"authorization": "Bearer k", "anthropic-version": "2023-06-01"})
    emulator = Emulator(models=case.get("models"), keys=case.get("keys"))
    return emulator, emulator.answer(Asked(case.get("method", "POST"), case.get("path", path), headers, sent))


@pytest.mark.parametrize(("dialect", "case"), cases())
def test_a_request_is_judged_as_the_provider_would(dialect: str, case: dict[str, Any]) -> None:
    emulator, reply = ask(dialect, case)
    assert reply.status == case.get("status", 200), reply.body
    assert emulator.log[0].answered == ("rejected" if "status" in case else "ok")
    if "status" in case:
        told = error_in(reply)
        assert {key: told.get(key) for key in ("type", "code", "param", "message") if key in case} == {
            key: case[key] for key in ("type", "code", "param", "message") if key in case
        }


def error_in(reply: Reply) -> dict[str, Any]:
    if reply.headers["content-type"] == "text/plain":
        return {"message": reply.body.decode()}
    error = json.loads(reply.body)["error"]
    return error if isinstance(error, dict) else {"message": error}


def test_every_error_of_openai_has_the_same_four_fields() -> None:
    for case in yaml.safe_load((CASES / "openai_requests.yaml").read_text()):
        if "status" in case:
            _, reply = ask("openai", case)
            assert set(json.loads(reply.body)["error"]) == {"message", "type", "param", "code"}


def test_a_field_that_the_user_allows_is_accepted() -> None:
    body = {**GOOD["openai"][1], "house_flag": 1}
    asked = Asked("POST", "/v1/chat/completions", {"authorization": "Bearer k"}, json.dumps(body).encode())
    assert Emulator().answer(asked).status == 400
    assert Emulator(also=["house_flag"]).answer(asked).status == 200


def test_every_field_that_the_sdk_can_send_is_known() -> None:
    known = set(body_shape("openai", frozenset()).fields)
    assert set(CompletionCreateParamsNonStreaming.__annotations__) <= known
