"""Health of deployments: a window of failures, cooling, bounded probes, recovery."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_router.errors import FailureClass
from llm_router.policy.program import Health, Wait
from llm_router.state.breaker import PROBE_LOST_S
from llm_router.state.health import UNHEALTHY, Admission, HealthBook, Outcome, Record, StateChange
from llm_router.state.latency import HALF_LIFE_S
from llm_router.state.sessions import Sessions
from tests.engine.world import World

HEALTH = Health(failures=3, within_s=30, cooldown_s=15, probes=1)
DOWN = Outcome(failure="unavailable")
UP = Outcome(answered=True)


def fail(book: HealthBook, *instants: float) -> list[StateChange | None]:
    return [book.report("x", now, HEALTH, DOWN) for now in instants]


def test_failures_within_the_window_make_it_cool() -> None:
    book = HealthBook()
    changes = fail(book, 0, 10, 20)
    degraded = StateChange("x", "ok", "degraded", "unavailable")
    assert changes == [degraded, None, StateChange("x", "degraded", "cooling", "unavailable", 15)]
    assert book.admit("x", 34.9, HEALTH) == Admission(granted=False, until=35, reason="cooling", failure="unavailable")
    assert book.admit("y", 21, HEALTH).granted


def test_failures_that_the_window_has_left_behind_count_no_more() -> None:
    book = HealthBook()
    fail(book, 0, 10, 30.1)
    assert book.admit("x", 31, HEALTH) == Admission(granted=True)


@pytest.mark.parametrize("failure", [kind for kind in get_args(FailureClass) if kind not in UNHEALTHY])
def test_what_says_nothing_of_health_does_not_count(failure: FailureClass) -> None:
    book = HealthBook()
    for now in range(10):
        assert book.report("x", now, HEALTH, Outcome(failure=failure)) is None
        assert book.report("x", now, HEALTH, Outcome()) is None
    assert book.admit("x", 10, HEALTH) == Admission(granted=True)


def test_after_the_cooldown_as_many_probes_as_may_be_are_made_at_a_time() -> None:
    book = HealthBook()
    fail(book, 0, 0, 0)
    assert book.admit("x", 15, HEALTH) == Admission(granted=True, probe=True)
    assert not book.admit("x", 15, HEALTH).granted
    assert not book.admit("x", 15, HEALTH, force=True).granted
    assert book.report("x", 16, HEALTH, replace(UP, probe=True)) == StateChange("x", "cooling", "ok")
    assert book.admit("x", 16, HEALTH) == Admission(granted=True)


def test_a_probe_that_fails_begins_the_cooling_anew() -> None:
    book = HealthBook()
    fail(book, 0, 0, 0)
    book.admit("x", 15, HEALTH)
    book.report("x", 20, HEALTH, replace(DOWN, probe=True))
    assert book.admit("x", 34, HEALTH).until == 35
    assert book.admit("x", 35, HEALTH).probe


def test_a_probe_that_nobody_wanted_any_more_leaves_room_for_the_next() -> None:
    book = HealthBook()
    fail(book, 0, 0, 0)
    book.admit("x", 15, HEALTH)
    book.report("x", 16, HEALTH, Outcome(probe=True))
    assert book.admit("x", 16, HEALTH).probe


def test_a_probe_that_was_lost_is_forgotten() -> None:
    book = HealthBook()
    fail(book, 0, 0, 0)
    book.admit("x", 15, HEALTH)
    assert not book.admit("x", 15 + PROBE_LOST_S - 1, HEALTH).granted
    assert book.admit("x", 15 + PROBE_LOST_S, HEALTH).probe


def test_the_end_of_another_attempt_frees_no_probe() -> None:
    book = HealthBook()
    fail(book, 0, 0, 0)
    book.admit("x", 15, HEALTH)
    book.report("x", 16, HEALTH, Outcome(failure="rate_limit"))
    assert not book.admit("x", 16, HEALTH).granted


def test_a_best_guess_is_asked_although_it_cools_but_never_before_a_providers_own_time() -> None:
    book = HealthBook()
    fail(book, 0, 0, 0)
    assert book.admit("x", 1, HEALTH, force=True).probe
    book.report("y", 0, HEALTH, Outcome(failure="rate_limit", retry_after_s=20))
    assert book.admit("y", 19, HEALTH, force=True) == Admission(False, 20, "limited", failure="rate_limit")
    assert book.admit("y", 20, HEALTH).granted


def test_best_guesses_are_a_tenth_of_the_cooldown_apart_however_many_ask() -> None:
    book, guessed = HealthBook(), []
    fail(book, 0, 0, 0)
    for now in range(1000, 8000):  # in milliseconds
        admission = book.admit("x", now / 1000, HEALTH, force=True)
        if admission.granted:
            guessed.append(now / 1000)
            book.report("x", now / 1000, HEALTH, replace(DOWN, probe=True))
        else:
            assert admission.guess_at == pytest.approx(guessed[-1] + 1.5)
    assert guessed == pytest.approx([1, 2.5, 4, 5.5, 7], abs=0.01)


def test_guesses_at_one_that_the_spec_keeps_back_for_long_are_further_apart() -> None:
    book = HealthBook()
    book.report("x", 0, HEALTH, Outcome(failure="authentication", cooldown_s=300))
    assert book.admit("x", 0, HEALTH, force=True).probe
    book.report("x", 1, HEALTH, Outcome(probe=True, failure="authentication", cooldown_s=300))
    assert book.admit("x", 29, HEALTH, force=True) == Admission(
        False, 301, "cooling", failure="authentication", guess_at=30
    )
    assert book.admit("x", 30, HEALTH, force=True).probe


def test_who_never_says_for_how_long_is_left_alone_ever_longer_until_it_answers() -> None:
    book, now, pauses = HealthBook(), 0.0, []
    unsaid = Outcome(failure="rate_limit", unsaid=Wait(first_s=0.5, factor=2, longest_s=3))
    for _ in range(4):
        assert book.admit("x", now, HEALTH).granted
        book.report("x", now, HEALTH, unsaid)
        book.report("x", now + 0.1, HEALTH, unsaid)  # who was asked at the same time says nothing new
        pauses.append(book.admit("x", now, HEALTH).until - now)
        now += pauses[-1]
    assert pauses == pytest.approx([0.5, 1, 2, 3])
    book.report("x", now, HEALTH, UP)
    book.report("x", now, HEALTH, unsaid)
    assert book.admit("x", now, HEALTH).until == now + 0.5


def test_what_it_cools_for_is_told_and_not_what_a_guess_failed_with() -> None:
    book = HealthBook()
    book.report("x", 0, HEALTH, Outcome(failure="authentication", cooldown_s=300))
    assert book.admit("x", 1, HEALTH, force=True).probe
    book.report("x", 2, HEALTH, Outcome(probe=True, failure="timeout"))
    assert book.admit("x", 3, HEALTH).failure == "authentication"
    record = book.record("x", 3, HEALTH)
    assert (record.cooled_by, record.failure) == ("authentication", "timeout")
    assert book.facts("x").failure == "authentication"
    book.report("x", 400, HEALTH, replace(UP, probe=True))
    assert book.record("x", 400, HEALTH).cooled_by is None


def test_a_guess_for_which_there_was_no_room_after_all_was_none() -> None:
    book = HealthBook()
    fail(book, 0, 0, 0)
    assert book.admit("x", 1, HEALTH, force=True).probe
    assert book.admit("x", 1, HEALTH, force=True).guess_at is None
    book.report("x", 1, HEALTH, Outcome(probe=True, asked=False))
    assert book.admit("x", 1, HEALTH, force=True).probe


def test_a_cooldown_that_the_spec_says_keeps_it_back() -> None:
    book = HealthBook()
    change = book.report("x", 0, HEALTH, Outcome(failure="authentication", cooldown_s=300))
    assert change == StateChange("x", "ok", "cooling", "authentication", 300)
    assert book.admit("x", 299, HEALTH).failure == "authentication"
    assert book.admit("x", 300, HEALTH).probe


def test_a_snapshot_is_on_the_wall_clock() -> None:
    book = HealthBook()
    fail(book, 0, 0, 0)
    book.report("y", 0, HEALTH, Outcome(failure="rate_limit", retry_after_s=20))
    snapshot = book.observe(5, 1_000_005)
    assert (snapshot.now, snapshot.cooling, snapshot.limited) == (1_000_005, {"x": 1_000_015}, {"y": 1_000_020})
    assert book.observe(25, 1_000_025).cooling == {}


def test_measured_speed_forgets_slowly() -> None:
    book = HealthBook()
    book.report("x", 0, HEALTH, Outcome(answered=True, first_token_s=1.0, tokens_per_second=100))
    book.report("x", 0, HEALTH, Outcome(answered=True, first_token_s=2.0))
    latency = book.observe(0, 0).latencies["x"]
    assert latency.first_token_s == pytest.approx(1.3)
    assert latency.tokens_per_second == 100


def test_a_turn_is_taken_only_as_it_was_seen() -> None:
    book = HealthBook()
    seen = book.observe(0, 0).turns
    assert book.take_turns(("pool", "keys"), seen)
    assert not book.take_turns(("keys", "other"), seen)
    assert book.take_turns(("other",), seen)
    assert book.observe(0, 0).turns == {"pool": 1, "keys": 1, "other": 1}


def test_a_turn_goes_back_unless_another_was_taken_since() -> None:
    book = HealthBook()
    first = book.observe(0, 0).turns
    assert book.take_turns(("pool",), first)
    second = book.observe(0, 0).turns
    assert book.take_turns(("pool",), second)
    book.return_turns(("pool",), first)
    assert book.observe(0, 0).turns == {"pool": 2}
    book.return_turns(("pool",), second)
    assert book.observe(0, 0).turns == second


def test_threads_take_each_turn_once() -> None:
    def take() -> int:
        return sum(book.take_turns(("pool",), {"pool": turn}) for turn in range(500))

    book = HealthBook()
    with ThreadPoolExecutor(4) as pool:
        taken = [future.result() for future in [pool.submit(take) for _ in range(4)]]
    assert book.observe(0, 0).turns == {"pool": sum(taken)}
    assert sum(taken) <= 500


WINDOWS: dict[str, tuple[list[tuple[int, float, float]], list[tuple[int, float, float]], bool]] = {
    "a busy one that fails now and then is well": ([(10_000, 0, 29)], [(5, 29, 29)], False),
    "a busy one that fails a third is degraded": ([(2_000, 0, 29)], [(1_000, 0, 29)], False),
    "a busy one that fails half cools": ([(1_000, 0, 29)], [(1_000, 0, 29)], True),
    "a busy one that falls silent cools": ([(10_000, 0, 20)], [(1_000, 20, 23.1)], True),
    "a connection that breaks under many is no silence": ([(10_000, 0, 20)], [(100, 20, 22.9)], False),
    "a quiet one that fails five of six cools": ([(1, 0, 0)], [(5, 1, 5)], True),
    "a quiet one that fails four of five doesn't": ([(1, 0, 0)], [(4, 1, 5)], False),
    "answers that the window has left behind don't excuse": ([(1_000, 0, 1)], [(5, 33, 34)], True),
}
"""Answers and failures, each so many from one instant to another; whether that makes a deployment cool by default."""


@pytest.mark.parametrize("case", WINDOWS.values(), ids=WINDOWS)
def test_a_deployment_cools_when_failing_is_what_it_mostly_does(
    case: tuple[list[tuple[int, float, float]], list[tuple[int, float, float]], bool],
) -> None:
    book, (answers, failures, cools) = HealthBook(), case
    happened = [(instant, UP) for instant in _spread(answers)] + [(instant, DOWN) for instant in _spread(failures)]
    for instant, outcome in sorted(happened, key=lambda each: each[0]):
        book.report("x", instant, Health(), outcome)
    assert (book.record("x", happened[-1][0], Health()).condition == "cooling") is cools


def _spread(runs: list[tuple[int, float, float]]) -> Iterator[float]:
    for count, first, last in runs:
        yield from (first + (last - first) * step / max(1, count - 1) for step in range(count))


def test_only_the_end_of_a_probe_speaks_while_it_cools() -> None:
    book = HealthBook()
    fail(book, 0, 0, 0)
    assert book.report("x", 1, HEALTH, UP) is None
    fail(book, 14, 14, 14)
    assert book.admit("x", 15, HEALTH).probe


def test_a_check_that_finds_it_well_lets_the_next_request_be_the_probe() -> None:
    book = HealthBook()
    fail(book, 0, 0, 0)
    assert book.cooling() == ("x",)
    book.checked("x", 3, HEALTH, "unsure")
    assert not book.admit("x", 3, HEALTH).granted
    book.checked("x", 3, HEALTH, "up")
    assert book.admit("x", 3, HEALTH).probe
    assert not book.admit("x", 3, HEALTH).granted


def test_a_check_that_finds_it_down_begins_the_cooling_anew() -> None:
    book = HealthBook()
    fail(book, 0, 0, 0)
    book.checked("x", 14, HEALTH, "down")
    assert book.admit("x", 28, HEALTH).until == 29


def test_no_check_ends_a_cooldown_that_the_spec_says() -> None:
    book = HealthBook()
    book.report("x", 0, HEALTH, Outcome(failure="quota_exhausted", cooldown_s=300))
    assert book.cooling() == ()
    book.checked("x", 1, HEALTH, "up")
    book.checked("y", 1, HEALTH, "up")
    assert book.admit("x", 299, HEALTH).until == 300


def test_an_answer_may_say_that_nothing_is_left_for_now() -> None:
    book = HealthBook()
    book.report("x", 10, HEALTH, Outcome(answered=True, retry_after_s=5))
    assert book.admit("x", 14, HEALTH) == Admission(False, 15, "limited")
    assert book.admit("x", 15, HEALTH).granted


def test_old_measurements_weigh_little() -> None:
    book = HealthBook()
    for now in (*range(20), 20 + 10 * HALF_LIFE_S):
        book.report("x", now, HEALTH, Outcome(answered=True, first_token_s=9.0 if now < 20 else 1.0))
    assert book.observe(0, 0).latencies["x"].first_token_s == pytest.approx(1.0, abs=0.02)


def test_attempts_under_way_are_counted_until_they_are_reported_or_lost() -> None:
    book = HealthBook()
    for now in (0, 0, 100):
        book.admit("x", now, HEALTH)
    assert book.observe(100, 100).in_flight == {"x": 3}
    book.report("x", 100, HEALTH, UP)
    assert book.observe(100, 100).in_flight == {"x": 2}
    assert book.observe(PROBE_LOST_S, PROBE_LOST_S).in_flight == {"x": 1}


def test_a_record_tells_what_was_seen_of_a_deployment() -> None:
    book = HealthBook()
    for number in range(1, 21):
        book.admit("x", 0, HEALTH)
        book.report("x", 0, HEALTH, Outcome(answered=True, first_token_s=float(number), tokens_per_second=50.0))
    book.admit("x", 1, HEALTH)
    book.report("x", 1, HEALTH, Outcome(failure="rate_limit", retry_after_s=9))
    book.admit("x", 1, HEALTH)
    book.report("x", 1, HEALTH, Outcome(asked=False))
    assert book.record("x", 2, HEALTH) == Record(
        limited_s=8,
        failure="rate_limit",
        attempts=21,
        answered=20,
        failed={"rate_limit": 1},
        first_token_median_s=10.0,
        first_token_p95_s=19.0,
        tokens_per_second_median=50.0,
    )
    assert (book.first_token_s("x", 50), book.first_token_s("y", 50)) == (10.0, None)
    assert book.record("y", 2, HEALTH) == Record()


def test_a_session_remembers_who_answered_last() -> None:
    book = HealthBook()
    book.answered(("ann", "1"), "a")
    book.answered(("bob", "1"), "b")
    book.answered(("ann", "1"), "c")
    assert [book.observe(0, 0, key).previous for key in (("ann", "1"), ("bob", "1"), (None, "1"), None)] == [
        "c", "b", None, None
    ]  # fmt: skip


def test_the_session_that_was_longest_silent_is_forgotten_first() -> None:
    sessions = Sessions(most=2)
    for name in ("1", "2", "1", "3"):
        sessions.answered((None, name), "a")
    assert [sessions.previous((None, name)) for name in ("1", "2", "3")] == ["a", None, "a"]


STEPS = st.lists(st.tuples(st.floats(0, 20), st.sampled_from(["fail", "ok", "limit", "cancel"])), max_size=60)


@given(STEPS, st.integers(1, 3))
def test_never_more_probes_than_may_be(steps: list[tuple[float, str]], probes: int) -> None:
    health = replace(HEALTH, probes=probes)
    book, now, under_way = HealthBook(), 0.0, 0
    for pause, what in steps:
        now += pause
        admission = book.admit("x", now, health, force=what == "cancel")
        under_way += admission.probe
        assert under_way <= probes
        if what == "ok" and admission.granted:
            under_way -= admission.probe
            book.report("x", now, health, Outcome(answered=True, probe=admission.probe))
            assert book.admit("x", now, health) == Admission(granted=True)
            under_way = 0
        elif what != "limit" and admission.granted:
            under_way -= admission.probe
            failure: FailureClass | None = "timeout" if what == "fail" else None
            book.report("x", now, health, Outcome(failure=failure, probe=admission.probe))


def test_an_answer_that_is_not_streamed_shows_its_speed_as_a_whole() -> None:
    world = World({"given": {"a": {"say": "word " * 20, "delay_s": 2.0}}})
    assert world.ask().answer is not None
    identity = world.program.deployments["a"].identity
    latency = world.performer.book.observe(world.clock.monotonic(), world.clock()).latencies[identity]
    assert latency.first_token_s is None
    assert latency.whole_tokens_per_second is not None
    assert 5 < latency.whole_tokens_per_second < 20
