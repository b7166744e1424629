"""The corpus of requests again, over HTTP and in real time, by all four ways to ask; and the limits of time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from llm_router import Router
from llm_router.errors import ProviderError
from llm_router.messages import ChatRequest
from tests.engine.world import request_of
from tests.router.ways import WAYS, connections, emulated

SLOW = ("timeout", "slow_first_token", "stall", "retry_after_s: 7", "retry_after_s: 60", "retry_after_s: 9", "no_end")
QUICK: dict[str, Any] = {"wait": {"first": "1ms"}}
FILE = Path(__file__).parents[1] / "engine" / "cases" / "requests.yaml"
CASES: list[Mapping[str, Any]] = [
    case for case in yaml.safe_load(FILE.read_text()) if not any(word in str(case).replace("'", "") for word in SLOW)
]


def impatient(case: Mapping[str, Any]) -> dict[str, Any]:
    """The case with hardly any pause before a retry."""
    spec = dict(case.get("spec", {}))
    if spec.get("fallback") != "none":
        fallback = dict(spec.get("fallback", {}))
        fallback["after"] = {"unavailable": QUICK, "invalid_output": QUICK, **fallback.get("after", {})}
        spec["fallback"] = fallback
    return {**case, "spec": spec}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_every_way_to_ask_gives_what_the_script_gives(case: Mapping[str, Any], way: str) -> None:
    with emulated(impatient(case)) as (router, emulator):
        for _ in range(case.get("before", 0)):
            WAYS[way](router, request_of(case), case.get("hints", {}))
        before = len(emulator.log)
        seen = WAYS[way](router, request_of(case), case.get("hints", {}))
    expected = {**case["expect"], **(case.get("streamed", {}) if "stream" in way else {})}
    asked = [entry.model for entry in emulator.log[before:]]
    assert (asked, seen.outcome) == (expected["asked"], expected["outcome"]), seen.error
    assert expected.get("message", "") in str(seen.error)


LIMITS: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("a silent provider", {"first_token": "300ms", "total": "300ms"}, {"a": "silence"}, "b"),
    (
        "a stall",
        {"first_token": "300ms", "stall": "300ms", "total": "300ms"},
        {"a": {"fault": "stall", "after": 0}},
        "b",
    ),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("name", "timeouts", "given", "answers"), LIMITS, ids=[limit[0] for limit in LIMITS])
def test_limits_of_time_hold(way: str, name: str, timeouts: Any, given: Any, answers: str) -> None:
    case = {"names": ["a", "b"], "facts": {"a": {"timeouts": timeouts}}, "given": given}
    with emulated(case) as (router, _):
        seen = WAYS[way](router, ChatRequest.of("hello"), {})
    assert seen.outcome == answers
    assert seen.answer is not None
    failed = [report for report in seen.answer.attempts if report.deployment == "a"]
    assert {report.failure for report in failed} <= {"timeout", "connection_lost"}  # lost: not even connected by then
    assert all(report.duration_s > 0.25 for report in failed if report.failure == "timeout")


@pytest.mark.parametrize("way", WAYS)
def test_the_callers_timeout_ends_the_request(way: str) -> None:
    with emulated({"given": {"a": "silence"}}) as (router, _):
        seen = WAYS[way](router, ChatRequest.of("hello"), {"timeout": 0.05})
    assert seen.outcome == "timeout"


@pytest.mark.parametrize("way", WAYS)
def test_a_connection_that_cant_be_made_is_lost(way: str) -> None:
    spec = {"providers": {"at-a": {"kind": "openai-compatible", "base_url": "http://127.0.0.1:1/v1", "api_key": "k"}}}
    case = {"names": ["a"], "spec": {**spec, "fallback": {"after": {"unavailable": {"retry": 0}}}}}
    with emulated(case) as (router, _):
        seen = WAYS[way](router, ChatRequest.of("hello"), {})
    assert isinstance(seen.error, ProviderError)
    assert seen.outcome == "connection_lost"
    assert "no connection to `127.0.0.1:1`" in str(seen.error)


@pytest.mark.parametrize("way", WAYS)
def test_connections_are_used_again(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for transport in ("blocking", "looped"):
        monkeypatch.setattr(f"llm_router.engine.transport.{transport}.LINGER_S", 60.0)
    with emulated({}) as (router, emulator), connections() as made:
        _ask_in_a_row(router, way)
    assert len(emulator.log) == 5
    assert len(made) == 1


def _ask_in_a_row(router: Router, way: str) -> None:
    async def ask() -> None:
        for _ in range(5):
            if way == "achat":
                await router.achat("hello")
            else:
                async with router.astream("hello") as stream:
                    assert [event async for event in stream]

    if way in ("achat", "astream"):
        asyncio.run(ask())
    else:
        for _ in range(5):
            assert WAYS[way](router, ChatRequest.of("hello"), {}).outcome == "a"
