"""Health of deployments: a window of failures, cooling, bounded probes, recovery."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_router.errors import FailureClass
from llm_router.policy.program import Health
from llm_router.state.health import PROBE_LOST_S, UNHEALTHY, Admission, HealthBook, Outcome, StateChange

HEALTH = Health(failures=3, within_s=30, cooldown_s=15, probes=1)
DOWN = Outcome(failure="unavailable")
UP = Outcome(answered=True)


def fail(book: HealthBook, *instants: float) -> list[StateChange | None]:
    return [book.report("x", now, HEALTH, DOWN) for now in instants]


def test_failures_within_the_window_make_it_cool() -> None:
    book = HealthBook()
    changes = fail(book, 0, 10, 20)
    assert changes == [StateChange("x", "ok", "degraded"), None, StateChange("x", "degraded", "cooling")]
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


def test_a_cooldown_that_the_spec_says_keeps_it_back() -> None:
    book = HealthBook()
    change = book.report("x", 0, HEALTH, Outcome(failure="authentication", cooldown_s=300))
    assert change == StateChange("x", "ok", "cooling")
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


def test_threads_take_each_turn_once() -> None:
    def take() -> int:
        return sum(book.take_turns(("pool",), {"pool": turn}) for turn in range(500))

    book = HealthBook()
    with ThreadPoolExecutor(4) as pool:
        taken = [future.result() for future in [pool.submit(take) for _ in range(4)]]
    assert book.observe(0, 0).turns == {"pool": sum(taken)}
    assert sum(taken) <= 500


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
