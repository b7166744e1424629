"""Balance by load, and the exploration of speed: what the request id draws, over many requests."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from llm_router.policy.decide import decide
from llm_router.policy.decision import Decision
from llm_router.policy.rank import BELIEVED_S, EXPLORED_AFTER_S, EXPLORED_SHARE
from llm_router.policy.snapshot import Latency, Snapshot
from tests.policy.cases import features_of, program_of

SPEC = """
version: 1
providers: {p: {kind: openai}}
deployments:
  slow: {provider: p, model: m1, speed: {first_token: 2s, tokens_per_second: 50}}
  fast: {provider: p, model: m2, speed: {first_token: 200ms, tokens_per_second: 200}}
  dark: {provider: p, model: m3}
pools:
  busy: {of: [slow, fast, dark], balance: least-busy}
rules:
  - {name: busy, when: {tags: busy}, use: busy}
  - {name: cost, when: {tags: cost}, use: {from: [slow, fast, dark], by: {cost: 60%, speed: 40%}}}
  - {name: latency, when: {tags: latency}, use: {from: [slow, fast], by: order, max_latency: 5s}}
  - {name: speed, use: {from: [slow, fast, dark], by: speed}}
"""
PROGRAM = program_of(SPEC)
NOW = 1_000_000.0
MANY = 2_000


def ids(**known: Latency) -> dict[str, Latency]:
    """Latencies by identity."""
    return {PROGRAM.deployments[name].identity: latency for name, latency in known.items()}


def decided(number: int, tags: str, snapshot: Snapshot) -> Decision:
    return decide(PROGRAM, features_of(PROGRAM, {"hints": {"tags": tags}}, f"r-{number}"), snapshot)


def firsts(tags: str, snapshot: Snapshot) -> Counter[str]:
    """Who is asked first, over many requests."""
    return Counter(decided(number, tags, snapshot).candidates[0].deployment for number in range(MANY))


def measured(ago_s: float) -> Latency:
    return Latency(0.2, 200, NOW - ago_s)


def test_equally_busy_members_come_in_any_order() -> None:
    drawn = firsts("busy", Snapshot(NOW))
    assert len(drawn) == 3
    assert min(drawn.values()) > MANY / 3 * 0.85


def test_a_members_absence_reorders_nobody() -> None:
    whole = Snapshot(NOW, in_flight={PROGRAM.deployments["slow"].identity: 1})
    without = replace(whole, unbound={"fast": "no key"})
    for number in range(50):
        order = [each.deployment for each in decided(number, "busy", whole).candidates if each.deployment != "fast"]
        assert [each.deployment for each in decided(number, "busy", without).candidates] == order


def test_a_share_of_requests_tries_those_whose_speed_nobody_knows() -> None:
    drawn = firsts("speed", Snapshot(NOW, latencies=ids(fast=measured(0))))
    explored = drawn["slow"] + drawn["dark"]
    assert MANY * EXPLORED_SHARE / 3 < explored < MANY * EXPLORED_SHARE
    assert min(drawn["slow"], drawn["dark"]) > 0


def test_who_is_explored_is_told_and_replayed() -> None:
    snapshot = Snapshot(NOW, latencies=ids(fast=measured(0), slow=measured(EXPLORED_AFTER_S + 1)))
    explored = [
        number for number in range(MANY) if decided(number, "speed", snapshot).candidates[0].moved == "explored"
    ]
    assert explored
    assert all(decided(number, "speed", snapshot) == decided(number, "speed", snapshot) for number in explored)
    assert decided(explored[0], "speed", snapshot).candidates[0].deployment in ("slow", "dark")


@pytest.mark.parametrize(
    ("tags", "latencies"),
    [
        ("speed", {}),
        ("speed", ids(slow=measured(1), fast=measured(EXPLORED_AFTER_S - 1), dark=measured(2))),
        ("cost", ids(fast=measured(0))),
    ],
    ids=["nobody was measured", "everybody was", "the tier is about cost"],
)
def test_nobody_is_explored_for_nothing(tags: str, latencies: dict[str, Latency]) -> None:
    snapshot = Snapshot(NOW, latencies=latencies)
    assert not [number for number in range(MANY) if decided(number, tags, snapshot).candidates[0].moved]


def test_who_was_slow_an_hour_ago_is_believed_no_more() -> None:
    ill = ids(fast=Latency(30.0, 1, NOW - BELIEVED_S + 1), slow=measured(0))
    assert [each.deployment for each in decided(1, "latency", Snapshot(NOW, latencies=ill)).candidates] == ["slow"]
    later = Snapshot(NOW + 2, latencies=ill)
    assert {each.deployment for each in decided(1, "latency", later).candidates} == {"slow", "fast"}


def test_answers_that_are_not_streamed_tell_speed_as_well() -> None:
    def whole(rate: float) -> Latency:
        return Latency(at=NOW, whole_tokens_per_second=rate)

    known = ids(fast=whole(10), slow=whole(100), dark=whole(50))
    candidates = decided(1, "speed", Snapshot(NOW, latencies=known)).candidates
    assert [each.deployment for each in candidates] == ["slow", "dark", "fast"]
    assert candidates[0].estimate.seconds == 5.0


def test_streams_tell_more_of_speed_than_whole_answers() -> None:
    known = ids(fast=Latency(0.2, 200, NOW, whole_tokens_per_second=1))
    assert decided(1, "latency", Snapshot(NOW, latencies=known)).candidates[0].estimate.seconds == 2.7
