"""Hedges in virtual time: who is asked when, who wins, and what is counted."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from llm_router.engine.events import PassedOver
from llm_router.errors import ProviderError
from llm_router.messages import Assembly
from llm_router.state.hedges import HedgeCount
from tests.engine.world import DRIVERS, Driver, Seen, World

CASES: list[Mapping[str, Any]] = yaml.safe_load(Path(__file__).with_name("cases").joinpath("hedging.yaml").read_text())


def world_of(case: Mapping[str, Any]) -> World:
    spec: dict[str, Any] = {"fallback": {**case.get("fallback", {}), "hedge": case["hedge"]}}
    spec |= {section: case[section] for section in ("timeouts", "settings") if section in case}
    return World({**case, "spec": spec})


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_hedge_is_made_as_the_case_says(case: Mapping[str, Any], stream: bool, driver: Driver) -> None:
    world = world_of(case)
    for number in range(case.get("before", 0)):
        world.ask(stream=stream, number=number, driver=driver)
    seen = world.ask(stream=stream, driver=driver)
    expected = {**case["expect"], **(case.get("streamed", {}) if stream else {})}
    assert (seen.asked, seen.outcome) == (expected["asked"], expected["outcome"]), seen.error
    assert seen.elapsed_s == pytest.approx(expected.get("elapsed", seen.elapsed_s))
    assert attempts(seen) == expected.get("attempts", attempts(seen))
    assert spelt(seen) == expected.get("said", spelt(seen))
    assert not stream or seen.answer is None or spelt(seen) == seen.answer.text


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_hedge_that_is_too_dear_is_told_and_explained(driver: Driver) -> None:
    priced = {"price": {"input": 1, "output": 1}}
    case = {"hedge": {"after": "2s", "extra_cost": "10%"}, "facts": {"a": priced, "b": priced}}
    world = world_of({**case, "given": {"a": {"say": "late", "delay_s": 8}}})
    seen = world.ask(driver=driver)
    told = [event for event in world.performer.events if isinstance(event, PassedOver)]
    assert [(event.deployment, event.reason) for event in told] == [("b", "extra_cost")]
    assert seen.answer is not None
    assert "b: too dear for a hedge, by the share of `extra_cost`" in seen.answer.explain()
    assert seen.answer.routing()["passed_over"] == list(seen.answer.passed_over)


def attempts(seen: Seen) -> list[str]:
    assert seen.answer is not None or isinstance(seen.error, ProviderError)
    reports = seen.answer.attempts if seen.answer is not None else seen.error.attempts  # type: ignore[union-attr]  # just above
    assert [report.number for report in reports] == list(range(1, len(reports) + 1))
    return [f"{report.deployment} {report.outcome} {report.mark}".strip() for report in reports]


def spelt(seen: Seen) -> str:
    passed_on = Assembly()
    for event in seen.emitted:
        passed_on.add(event)
    return passed_on.text


@given(st.lists(st.tuples(st.integers(0, 100) | st.none(), st.booleans())), st.fractions(0, 1))
def test_hedges_never_cost_more_than_their_share(begun: list[tuple[int | None, bool]], share: Fraction) -> None:
    count, money, hedged = HedgeCount(), 0, 0
    attempts = hedges = 0
    for cost, hedge in begun:
        if not count.count(cost, share if hedge else None):
            assert hedge
            continue
        attempts, hedges = attempts + 1, hedges + hedge
        money, hedged = money + (cost or 0), hedged + (cost or 0) * hedge
        if hedge:
            assert hedges <= share * attempts if cost is None else hedged <= share * money


def test_a_fork_leaves_a_free_lock() -> None:
    count = HedgeCount()
    count._lock.acquire()
    count.after_fork()
    assert count.count(1, None)
