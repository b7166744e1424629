"""Limits and budgets in the life of requests, under a clock of our own: who is asked, who waits, what is said."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from llm_router.engine.events import AttemptStarted, DecisionMade
from llm_router.errors import ProviderError
from llm_router.state.entry import Entry
from llm_router.state.frames import UNDER_WAY
from llm_router.state.store import Claim
from tests.engine.world import DRIVERS, KEY, Driver, World

CASES: list[Mapping[str, Any]] = yaml.safe_load(Path(__file__).with_name("cases").joinpath("limits.yaml").read_text())


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_request_is_served_within_limits_and_budgets(case: Mapping[str, Any], stream: bool, driver: Driver) -> None:
    world, expected = World(case), case["expect"]
    for number in range(case.get("before", 0)):
        world.ask(stream=stream, number=number, driver=driver)
    seen = world.ask(stream=stream, number=1000, driver=driver)
    assert (seen.asked, seen.outcome) == (expected["asked"], expected["outcome"]), seen.error
    least, most = expected["elapsed"] if isinstance(expected.get("elapsed"), list) else [expected.get("elapsed", 0)] * 2
    if "elapsed" in expected:
        assert least <= seen.elapsed_s <= most
    if seen.error is not None:
        assert isinstance(seen.error, ProviderError)
        assert expected.get("message", "") in str(seen.error)
        assert KEY not in str(seen.error)
        assert seen.error.retry_after_s == expected.get("retry_after", seen.error.retry_after_s)
    assert nothing_open(world)


def nothing_open(world: World) -> bool:
    """Whether no reservation is left of all that was asked."""
    return world.wiring.accounts.store.sweep(now=10.0**11) == 0


def hold(world: World, limit: str) -> None:
    """Let somebody else be under way who is counted by a concurrent limit."""
    claim = Claim(limit, 1, 1, UNDER_WAY, held=True)
    now = world.clock()
    world.wiring.accounts.store.reserve((claim,), Entry(at=now, decision_id="other"), now=now, expires=now + 10**6)


def test_a_limit_is_waited_for_once_however_many_candidates_it_covers() -> None:
    world = World({"spec": {"limits": [{"name": "shared", "concurrent": 1, "wait": "5s"}]}})
    hold(world, "limit/shared/under way/concurrent/")
    seen = world.ask()
    assert (seen.outcome, seen.asked) == ("rate_limit", [])
    assert seen.elapsed_s == pytest.approx(5)
    assert "the limit `shared` has no room for it at the moment" in str(seen.error)


def test_no_hedge_waits_for_room() -> None:
    facts = {"b": {"limits": [{"concurrent": 1, "wait": "1h"}]}}
    given = {"a": {"say": "slowly", "delay_s": 5}}
    world = World({"names": ["a", "b"], "facts": facts, "given": given, "spec": HEDGED})
    hold(world, "limit/b/under way/concurrent/1")
    seen = world.ask(stream=True)
    assert (seen.outcome, seen.asked) == ("a", ["a"])
    assert seen.elapsed_s == pytest.approx(5)


HEDGED = {"fallback": {"hedge": {"after": "1s", "extra_cost": "100%"}}}
DEAR = {"price": {"input": 1000, "output": 1000}}
BREAKS = {"a": {"fault": "cut", "after": 3}}


def goes_on(amount: int) -> list[str]:
    """Who is asked when `a` breaks off, and `b`, which goes on, has a budget of so many millionths of a USD."""
    budget = {"name": "small", "amount": f"{amount / 10**6:.6f} USD", "every": "day", "for": {"deployment": "b"}}
    spec = {"budgets": [budget], "fallback": {"after": {"truncated": {"retry": 0}}}}
    world = World({"names": ["a", "b"], "facts": {"b": DEAR}, "given": BREAKS, "spec": spec})
    world.ask(stream=True)
    return [event.deployment for event in world.performer.events if isinstance(event, AttemptStarted)]


def test_who_goes_on_is_charged_for_what_is_sent_along() -> None:
    world = World({"names": ["b"], "facts": {"b": DEAR}, "spec": {"settings": {"max_output_tokens": "4k"}}})
    world.ask()
    decision = next(event.decision for event in world.performer.events if isinstance(event, DecisionMade))
    bound = decision.candidates[0].estimate.cost_bound
    assert bound is not None
    assert goes_on(bound // 10**6) == ["a"]
    assert goes_on(2 * bound // 10**6) == ["a", "b"]
