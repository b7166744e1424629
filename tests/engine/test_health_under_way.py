"""Health in the life of requests, in virtual time: an outage, probes, checks, quota, conversations, what is told."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest

from llm_router.engine.driving.drive import run
from llm_router.engine.effects import Effect, Expired, Lost, Open, Reply
from llm_router.engine.events import (
    AttemptFinished,
    AttemptStarted,
    DeploymentChecked,
    Event,
    HealthChanged,
    RequestDone,
    Waiting,
)
from llm_router.engine.health.checks import check_cooling
from llm_router.engine.health.status import LimitLeft, Status, look
from llm_router.engine.log import log_event
from llm_router.errors import ProviderError
from llm_router.messages import Usage
from llm_router.state.health import Outcome
from tests.engine.world import KEY, World

EVERY_S = 3.0
OUTAGE = (30.0, 90.0)
"""The minute in which `a` is down, asked every three seconds."""


def heard(world: World, kind: type[Event]) -> list[Any]:
    return [event for event in world.performer.events if isinstance(event, kind)]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_under_a_primary_that_is_down_for_a_minute_everybody_is_answered(*, stream: bool) -> None:
    world, asked = World({"names": ["a", "b"]}), list[tuple[float, list[str], str]]()
    for number in range(50):
        down = OUTAGE[0] <= world.clock.monotonic() < OUTAGE[1]
        world.emulator.script({"a": "unavailable" if down else "ok"})
        began = world.clock.monotonic()
        seen = world.ask(stream=stream, number=number)
        asked.append((began, seen.asked, seen.outcome))
        world.clock.advance_to(began + EVERY_S)
    assert all(outcome in ("a", "b") for _, _, outcome in asked)
    opened = next(began for began, who, _ in asked if began >= OUTAGE[0] and who == ["b"])
    assert opened <= OUTAGE[0] + 4 * EVERY_S  # five of nine outcomes are failures by then
    probes = [began for began, who, _ in asked if opened <= began < OUTAGE[1] and "a" in who]
    assert len(probes) <= (OUTAGE[1] - opened) / 15 + 1
    assert all(later - earlier >= 15 for earlier, later in pairwise(probes))
    back = next(began for began, _, outcome in asked if began >= OUTAGE[1] and outcome == "a")
    assert back <= OUTAGE[1] + 15 + EVERY_S
    assert {outcome for began, _, outcome in asked if began > back} == {"a"}
    assert [who for began, who, _ in asked if OUTAGE[1] <= began <= back and "a" in who] == [["a"]]


ILL = {"health": {"failures": 1}, "fallback": {"after": {"unavailable": {"retry": 0}}}}


def test_a_best_guess_and_a_probe_are_told_as_such() -> None:
    world = World({"names": ["a"], "spec": ILL, "given": {"a": ["unavailable", "unavailable", "ok"]}})
    world.ask()
    guess = world.ask(number=2).error
    assert isinstance(guess, ProviderError)
    assert guess.attempts[0].admitted_as == "best guess"
    assert "#1 a (best guess): unavailable" in guess.explain()
    world.clock.advance(15)
    probe = world.ask(number=3).answer
    assert probe is not None
    assert probe.attempts[0].admitted_as == "probe"
    assert [event.admitted_as for event in heard(world, AttemptStarted)] == ["ready", "best guess", "probe"]
    changes = [(event.change.before, event.change.after) for event in heard(world, HealthChanged)]
    assert changes == [("ok", "cooling"), ("cooling", "ok")]


def test_those_who_ask_without_a_pause_are_told_when_one_that_is_down_is_tried_again() -> None:
    world = World({"names": ["a"], "spec": ILL, "given": {"a": ["unavailable", "unavailable", "ok"]}})
    world.ask()
    world.ask(number=2)
    world.clock.advance(1)
    seen = world.ask(number=3)
    assert isinstance(seen.error, ProviderError)
    assert (seen.asked, seen.error.failure, seen.error.retry_after_s) == ([], "unavailable", 0.5)
    assert "it cools for another 14s after `unavailable`, and is tried again before that in 500ms" in str(seen.error)
    world.clock.advance(0.5)
    assert world.ask(number=4).outcome == "a"


def test_an_error_says_who_was_not_asked_because_it_cools() -> None:
    world = World({"names": ["a", "b"], "spec": ILL, "given": {"*": "unavailable"}})
    world.ask()
    world.ask(number=2)
    world.clock.advance(1)
    identity = world.program.deployments["a"].identity
    world.performer.book.report(identity, 1.0, world.program.health, Outcome(probe=True, asked=False))
    seen = world.ask(number=3)
    assert seen.asked == ["a"]
    assert "`b` was not asked: it cools for another 14s after `unavailable`, and is tried again" in str(seen.error)


def test_who_waits_for_one_that_is_limited_tries_one_that_cools_before_that() -> None:
    world = World({"names": ["a", "b"], "spec": ILL, "given": {"a": {"fault": "rate_limit", "retry_after_s": 18}}})
    identity, health = world.program.deployments["b"].identity, world.program.health
    world.performer.book.report(identity, 0.0, health, Outcome(failure="unavailable"))
    seen = world.ask()
    assert (seen.asked, seen.outcome) == (["a", "b"], "b")
    assert 15 <= seen.elapsed_s <= 15.5


def test_those_who_wait_for_one_time_ask_apart() -> None:
    limited = {"fault": "rate_limit", "retry_after_s": 7}
    ended = set[float]()
    for number in range(5):
        world = World({"names": ["a"], "given": {"a": [limited, "ok"]}})
        ended.add(world.ask(number=number).elapsed_s)
        assert [event.deployment for event in heard(world, Waiting)] == ["a"]
    assert len(ended) == 5
    assert all(7 <= each <= 7.6 for each in ended)


class Lists:
    """Performs a world's effects, but for checks: what `a` and its like say when asked for their models."""

    def __init__(self, world: World, *replies: int | Exception) -> None:
        self.world = world
        self.asked: list[str] = []
        self._replies = list(replies)

    def __call__(self, effect: Effect[Any]) -> Any:
        if not isinstance(effect, Open):
            return self.world.perform(effect)
        assert effect.request.method == "GET"
        assert not effect.request.body
        self.asked.append(effect.request.url)
        reply = self._replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return Reply(reply, {}, None)


CHECKS = {
    "a list makes the next request a probe": (200, "up", 5.0, "probe"),
    "no connection begins the cooldown anew": (Lost("no"), "down", 19.9, None),
    "no reply begins the cooldown anew": (Expired(), "down", 19.9, None),
    "a 503 begins the cooldown anew": (503, "down", 19.9, None),
    "a 404 says nothing": (404, "unsure", 15.0, "probe"),
    "nor does a 429": (429, "unsure", 14.9, None),
}
"""What the list of models gives 5 seconds after `a` began to cool, and how `a` is then asked at an instant, if so."""


@pytest.mark.parametrize(("reply", "verdict", "instant", "admitted"), CHECKS.values(), ids=CHECKS)
def test_a_check_of_one_that_cools(reply: int | Exception, verdict: str, instant: float, admitted: str | None) -> None:
    world = World({"names": ["a", "b"], "spec": ILL, "given": {"a": ["unavailable", "ok"]}})
    world.ask()
    world.clock.advance_to(5)
    lists = Lists(world, reply)
    run(check_cooling(world.program, world.wiring), lists)
    assert lists.asked == ["http://127.0.0.1:9/a/v1/models"]
    assert [(event.deployment, event.verdict) for event in heard(world, DeploymentChecked)] == [("a", verdict)]
    world.clock.advance_to(instant)
    world.ask(number=2)
    started = [each for each in heard(world, AttemptStarted)[2:] if each.deployment == "a"]
    assert [each.admitted_as for each in started] == ([admitted] if admitted else [])


def test_nobody_is_checked_who_is_well_or_is_kept_back_by_the_spec() -> None:
    world = World({"names": ["a", "b"], "given": {"a": "quota_exhausted"}})
    world.ask()
    run(check_cooling(world.program, world.wiring), Lists(world))
    assert heard(world, DeploymentChecked) == []


def test_deployments_behind_one_key_are_checked_by_one_question() -> None:
    case = {"names": ["a", "b", "c"], "at": {"b": "a"}, "spec": ILL, "given": {"a": "unavailable", "b": "unavailable"}}
    world = World(case)
    world.ask()
    lists = Lists(world, 200)
    run(check_cooling(world.program, world.wiring), lists)
    assert len(lists.asked) == 1
    assert [event.deployment for event in heard(world, DeploymentChecked)] == ["a", "b"]


NONE_LEFT = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "8s"}
QUOTAS: dict[str, tuple[Mapping[str, Any], Mapping[str, str], float | None]] = {
    "an answer that leaves nothing": (
        {},
        {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "8s"},
        8,
    ),
    "an answer that leaves something": ({}, {**NONE_LEFT, "x-ratelimit-remaining-requests": "1"}, None),
    "a failure that leaves nothing": (
        {"a": "bad_request"},
        {"anthropic-ratelimit-tokens-remaining": "0", "anthropic-ratelimit-tokens-reset": "9"},
        9,
    ),
}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("given", "headers", "limited_s"), QUOTAS.values(), ids=QUOTAS)
def test_a_deployment_without_quota_is_left_alone_until_it_has_some(
    given: Mapping[str, Any], headers: Mapping[str, str], limited_s: float | None, *, stream: bool
) -> None:
    world = World({"names": ["a", "b"], "given": given})
    script_performer, number = world.performer, 0

    def perform(effect: Effect[Any]) -> Any:
        result = script_performer(effect)
        if isinstance(effect, Open) and number == 0:
            return Reply(result.status, {**result.headers, **headers}, result.body)
        return result

    world.perform = perform  # type: ignore[method-assign]  # the provider's headers are all that is changed
    world.ask(stream=stream)
    number = 1
    world.emulator.script({})
    assert world.ask(stream=stream, number=2).asked == (["a"] if limited_s is None else ["b"])
    world.clock.advance_to(limited_s or 0.0)
    assert world.ask(stream=stream, number=3).asked == ["a"]


def test_a_session_stays_with_who_answered_it() -> None:
    pool = {"pools": {"turns": {"of": ["a", "b", "c"], "balance": "round-robin"}}}
    world = World({"use": "turns", "spec": pool, "hints": {"session": "s-1"}})
    stranger = World({"use": "turns", "spec": pool})
    assert {world.ask(number=number).outcome for number in range(6)} == {"a"}
    assert {stranger.ask(number=number).outcome for number in range(6)} == {"a", "b", "c"}
    world.emulator.script({"a": "unavailable"})
    moved = world.ask(number=7).outcome
    world.emulator.script({})
    assert moved != "a"
    assert {world.ask(number=number).outcome for number in range(8, 14)} == {moved}


def status(world: World) -> Status:
    return run(look(world.program, world.wiring), world.perform)


def test_the_status_tells_how_everybody_does() -> None:
    spec = {"health": {"failures": 2}, "fallback": {"after": {"unavailable": {"retry": 1}}}}
    given = {"a": "unavailable", "b": {"fault": "rate_limit", "retry_after_s": 40}}
    world = World({"spec": spec, "given": given})
    world.ask(stream=True)
    told = {each.deployment: each for each in status(world).deployments}
    assert {name: each.state for name, each in told.items()} == {"a": "cooling", "b": "limited", "c": "ok"}
    assert (told["a"].record.attempts, told["a"].record.failed) == (2, {"unavailable": 2})
    assert "cools for another 15s after `unavailable`" in told["a"].why
    assert "asks to wait for another 40s" in told["b"].why
    assert (told["c"].record.answered, told["c"].record.in_flight) == (1, 0)
    lines = status(world).text().splitlines()
    assert [line.split()[:5] for line in lines[1:4]] == [
        ["a", "cooling", "2", "0", "2"], ["b", "limited", "1", "0", "1"], ["c", "ok", "1", "1", "0"],
    ]  # fmt: skip
    assert KEY not in repr(status(world)) + status(world).text() + repr(status(world).json())


def test_the_status_tells_what_limits_leave() -> None:
    facts = {"a": {"limits": [{"requests": 10, "every": "1m"}, {"concurrent": 2}]}}
    world = World({"names": ["a", "b"], "facts": facts})
    for number in range(3):
        world.ask(number=number)
    told = {each.deployment: each.limits for each in status(world).deployments}
    assert told == {"a": (LimitLeft("a/1", "requests", 7, 10), LimitLeft("a/2", "concurrent", 2, 2)), "b": ()}
    assert "a: 7 of 10 requests left of the limit `a/1`" in status(world).text()


def test_every_request_ends_in_one_word_about_it() -> None:
    world = World({"names": ["a", "b"], "given": {"a": "bad_request"}})
    world.ask()
    world.emulator.script({})
    world.ask(number=2, stream=True)
    done = heard(world, RequestDone)
    assert [(each.outcome, each.deployment, each.failure, each.attempts) for each in done] == [
        ("failed", None, "bad_request", 1),
        ("answered", "a", None, 1),
    ]
    usages = [each.usage for each in heard(world, AttemptFinished)]
    assert usages[0] is None
    assert isinstance(usages[1], Usage)


def test_the_log_warns_of_who_cools_and_tells_who_is_back(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "llm_router")
    world = World({"names": ["a", "b"], "spec": ILL, "given": {"a": ["unavailable", "ok"]}})
    world.ask()
    world.clock.advance(15)
    world.ask(number=2)
    for event in world.performer.events:
        log_event(event)
    by_level = {level: [each.message for each in caplog.records if each.levelno == level] for level in (10, 20, 30)}
    assert by_level[30] == ["a: ok → cooling for 15.0s after unavailable"]
    assert by_level[20][-1] == "a: cooling → ok"
    assert any("instead of a after unavailable" in line for line in by_level[20])
    assert any("attempt 1 at a, probe" in line for line in by_level[10])
    assert any(" tokens in, " in line for line in by_level[10])
    assert "why is the sky blue" not in caplog.text


def test_an_answer_explains_each_attempt_and_who_was_passed_over() -> None:
    world = World({"spec": ILL, "given": {"a": ["unavailable", "ok"], "b": "rate_limit"}})
    world.ask()
    answer = world.ask(number=2).answer
    assert answer is not None
    first, *rest = answer.explain().splitlines()
    assert first.startswith("the rule `only` decided; c (at-c) answered after ")
    assert rest[:2] == ["", "attempts"]
    assert "  a: cooling when it was decided" in rest
