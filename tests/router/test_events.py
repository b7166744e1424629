"""What observers hear and the log says of a request, whatever way it was asked and however it ended."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from llm_router import Router
from llm_router.engine.events import (
    AttemptFinished,
    AttemptStarted,
    DecisionMade,
    Event,
    FellBack,
    HealthChanged,
    PassedOver,
    RequestDone,
    Retrying,
    Waiting,
)
from llm_router.engine.log import log_event
from llm_router.errors import ProviderError
from tests.engine.world import DRIVERS, KEY, Seen, World, request_of
from tests.router.test_ways import impatient
from tests.router.ways import WAYS, emulated

CASES: list[Mapping[str, Any]] = yaml.safe_load(Path(__file__).with_name("events.yaml").read_text())
ALL_WAYS = pytest.mark.parametrize("way", WAYS)
PROMPT = "why is the sky so blue?"
HEDGED = {
    "names": ["a", "b"],
    "given": {"a": "silence"},
    "spec": {"fallback": {"hedge": {"after": "20ms", "extra_cost": "100%"}}},
}


def word(event: Event) -> str:
    """An event in a few words."""
    match event:
        case DecisionMade(decision):
            deferrals = {each.deployment: each.deferral for each in decision.candidates}
            said = [name if why is None else f"{name}:{why.code}" for name, why in deferrals.items()]
            return " ".join(["decision", *said])
        case AttemptStarted():
            admitted = "" if event.admitted_as == "ready" else event.admitted_as
            return " ".join(f"attempt {event.number} {event.deployment} {admitted} {event.mark}".split())
        case AttemptFinished(report=report):
            what = report.failure or report.outcome
            return f"over {report.number} {report.deployment} {what} {report.mark}".strip()
        case Retrying():
            return f"retry {event.deployment} {event.failure}"
        case FellBack():
            return f"fallback {event.deployment} {event.next} {event.failure}"
        case Waiting():
            return f"wait {event.deployment} {event.reason} {event.name}".strip()
        case PassedOver():
            return f"passed {event.deployment} {event.reason} {event.name}".strip()
        case HealthChanged(deployment, change):
            return f"health {deployment} {change.before} {change.after} {change.failure or '-'}"
        case RequestDone():
            return f"done {event.outcome} {event.deployment or event.failure or '-'} {event.attempts}"
        case _:
            raise AssertionError(event)


def heard_of(case: Mapping[str, Any], way: str) -> tuple[list[Event], Seen]:
    """What is heard of the last request of a case, and what its caller sees."""
    if case.get("virtual"):
        return _heard_in_virtual_time(case, way)
    heard: list[Event] = []
    with emulated(impatient({"text": PROMPT, **case}), observers=[heard.append]) as (router, _):
        for _ in range(case.get("before", 0)):
            WAYS[way](router, request_of({"text": PROMPT}), case.get("hints", {}))
        heard.clear()
        seen = WAYS[way](router, request_of({"text": PROMPT}), case.get("hints", {}))
    return heard, seen


@ALL_WAYS
def test_who_has_no_room_in_the_last_moment_is_told_of(way: str) -> None:
    heard: list[Event] = []
    case = {"names": ["a", "b"], "facts": {"a": {"limits": [{"concurrent": 1}]}}}
    with emulated(case, observers=[heard.append]) as (router, _), router.stream(PROMPT) as held:
        next(held)
        heard.clear()
        seen = WAYS[way](router, request_of({"text": PROMPT}), {})
    told = [word(event) for event in heard][:5]
    assert told == ["decision a b", "passed a limit a/1", "attempt 1 b", "over 1 b ok", "done answered b 1"]
    assert seen.answer is not None
    assert "a: the limit `a/1` had no room" in seen.answer.explain()


def _heard_in_virtual_time(case: Mapping[str, Any], way: str) -> tuple[list[Event], Seen]:
    world = World({"text": PROMPT, **case})
    stream, driver = "stream" in way, DRIVERS[way.startswith("a")]
    for _ in range(case.get("before", 0)):
        world.ask(stream=stream, driver=driver)
    before = len(world.performer.events)
    seen = world.ask(stream=stream, driver=driver)
    for event in world.performer.events[before:]:
        log_event(event)
    return world.performer.events[before:], seen


@ALL_WAYS
@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_everything_is_told(case: Mapping[str, Any], way: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "llm_router")
    heard, seen = heard_of(case, way)
    assert [word(event) for event in heard] == case.get("streamed" if "stream" in way else "told", case["told"])
    _check_times(heard)
    _check_explanation(heard, seen)
    lines = [record.getMessage() for record in caplog.records if record.name == "llm_router"]
    assert len(lines) >= len(heard)
    for secret in (PROMPT, KEY, "was asked"):
        assert secret not in repr(heard) + caplog.text


def _check_times(heard: list[Event]) -> None:
    """All is of one request; attempts and pauses lie one after the other, within the whole."""
    done = heard[-1]
    assert isinstance(done, RequestDone)
    assert {getattr(event, "decision_id", done.decision_id) for event in heard} == {done.decision_id}
    reports = [event.report for event in heard if isinstance(event, AttemptFinished)]
    ends = [0.0] + [each.started_s + each.duration_s for each in reports] + [done.duration_s]
    starts = [each.started_s for each in reports] + [done.duration_s]
    assert all(end <= start + 1e-6 for end, start in zip(ends, starts, strict=False)), (ends, starts)
    waits = [event.wait_s for event in heard if isinstance(event, Waiting | Retrying)]
    assert all(0 <= wait <= done.duration_s for wait in waits), (waits, done)
    assert done.first_content_s is None or 0 < done.first_content_s <= done.duration_s


def _check_explanation(heard: list[Event], seen: Seen) -> None:
    """What the caller can read afterwards names each attempt as the observers heard of it."""
    reports = [event.report for event in heard if isinstance(event, AttemptFinished)]
    source = seen.answer or seen.error
    assert source is not None
    told = source.attempts if not isinstance(source, Exception) else getattr(source, "attempts", ())
    assert list(told) == reports
    assert all(str(report) in source.explain() for report in reports)
    if isinstance(seen.error, ProviderError):
        assert all(str(report) in str(seen.error) for report in reports)


@ALL_WAYS
def test_a_hedge_is_told_from_its_beginning(way: str) -> None:
    heard, _ = heard_of(HEDGED, way)
    words = [word(event) for event in heard]
    assert words[:3] == ["decision a b", "attempt 1 a", "attempt 2 b hedge"]
    assert sorted(words[3:-1]) == ["over 1 a cancelled", "over 2 b ok hedge"]
    assert words[-1] == "done answered b 2"


def _unread(router: Router) -> None:
    router.stream(PROMPT).close()


def _dropped(router: Router) -> None:
    router.stream(PROMPT)
    gc.collect()
    router.explain(PROMPT)  # the next call tidies up


def _left(router: Router) -> None:
    with router.stream(PROMPT) as stream:
        next(stream)


def _aunread(router: Router) -> None:
    async def leave() -> None:
        await router.astream(PROMPT).aclose()

    asyncio.run(leave())


def _aleft(router: Router) -> None:
    async def leave() -> None:
        async with router.astream(PROMPT) as stream:
            await anext(stream)

    asyncio.run(leave())


def _cancelled(router: Router) -> None:
    async def leave() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(router.achat(PROMPT), 0.05)
        await router.aclose()

    asyncio.run(leave())


LEAVING: list[tuple[Callable[[Router], None], dict[str, Any], list[str]]] = [
    (_unread, {}, ["decision a", "done cancelled - 0"]),
    (_dropped, {}, ["decision a", "done cancelled - 0"]),
    (_aunread, {}, ["decision a", "done cancelled - 0"]),
    (_left, {}, ["decision a", "attempt 1 a", "over 1 a cancelled", "done cancelled - 1"]),
    (_aleft, {}, ["decision a", "attempt 1 a", "over 1 a cancelled", "done cancelled - 1"]),
    (_cancelled, {"a": "silence"}, ["decision a", "attempt 1 a", "over 1 a cancelled", "done cancelled - 1"]),
]


@pytest.mark.parametrize(("leave", "given", "told"), LEAVING, ids=[case[0].__name__ for case in LEAVING])
def test_who_goes_away_is_told_of(leave: Callable[[Router], None], given: dict[str, Any], told: list[str]) -> None:
    heard: list[Event] = []
    with emulated({"names": ["a"], "given": given}, observers=[heard.append]) as (router, _):
        leave(router)
    assert [word(event) for event in heard] == told


def test_a_call_that_is_cancelled_before_it_began_leaves_nothing() -> None:
    async def leave(router: Router) -> None:
        for call in (router.achat(PROMPT), router.achat(PROMPT)):
            task = asyncio.create_task(call)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            gc.collect()

    heard: list[Event] = []
    with emulated({}, observers=[heard.append]) as (router, emulator):
        asyncio.run(leave(router))
        assert (heard, emulator.log) == ([], ())
