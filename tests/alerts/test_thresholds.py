"""What a budget tells: once for each account and window, with what is spent; by the first who finds out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from llm_router import Environment, Router
from llm_router.engine.events import BudgetSpent, BudgetWarning, Event
from llm_router.errors import StoreDown
from llm_router.messages import ChatRequest, Usage
from llm_router.state.accounts import Accounts
from llm_router.state.memory import MemoryStore
from llm_router.testing import Emulator, Say, serve
from tests.engine.world import World, spec_of
from tests.router.ways import WAYS

MILL = 10**9
"""A thousandth of a dollar: what a token of output costs here."""

DAY_S = 86_400.0
NOON = 1_795_089_600.0
FACTS = {"price": {"input": 0, "output": 1000}, "max_output": 10}
ANSWER = Say("fine", usage=Usage(input=5, output=9))
"""It costs nine mills, and ten are reserved for it."""


def case(*budgets: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """The world of a case with these budgets, of a hundred mills a day where nothing else is said."""
    listed = [{"name": "b", "amount": "0.1 USD", **budget} for budget in budgets]
    listed = [each if "within" in each else {"every": "day", **each} for each in listed]
    return {"names": ["a"], "given": {"a": ANSWER}, "facts": {"a": FACTS}, "spec": {"budgets": listed}, **more}


Told = list[tuple[str, int]]
"""The kind of each event about a budget, and the mills that it names."""


def told(events: Iterable[Event]) -> Told:
    found = (event for event in events if isinstance(event, BudgetWarning | BudgetSpent))
    return [(type(event).__name__, event.spent // MILL) for event in found]


def asked(world: World, *, times: int = 20, start: int = 0) -> Told:
    """What is told while requests are made."""
    before = len(world.performer.events)
    for number in range(times):
        world.ask(number=start + number)
    return told(world.performer.events[before:])


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        pytest.param({"warn_at": "50%"}, [("BudgetWarning", 54), ("BudgetSpent", 99)], id="out"),
        pytest.param({"warn_at": "54%"}, [("BudgetWarning", 54), ("BudgetSpent", 99)], id="met"),
        pytest.param({"warn_at": "55%"}, [("BudgetWarning", 63), ("BudgetSpent", 99)], id="passed"),
        pytest.param({"warn_at": "100%"}, [("BudgetSpent", 99)], id="spent before it is warned of"),
        pytest.param({}, [("BudgetSpent", 99)], id="without a share to warn at"),
        pytest.param(
            {"warn_at": "50%", "when_spent": "warn"}, [("BudgetWarning", 54), ("BudgetSpent", 108)], id="only a warning"
        ),
        pytest.param(
            {"warn_at": "1%", "within": "24h"}, [("BudgetWarning", 9), ("BudgetSpent", 99)], id="a window that rolls"
        ),
        pytest.param({"amount": "0.045 USD", "when_spent": "warn"}, [("BudgetSpent", 45)], id="spent exactly"),
        pytest.param({"amount": "100 USD", "warn_at": "1%"}, [], id="far from it"),
        pytest.param({"amount": "0.005 USD"}, [], id="too small for any request"),
        pytest.param({"for": {"user": "nobody"}, "warn_at": "1%"}, [], id="of others"),
    ],
)
def test_a_budget_tells_each_thing_once(budget: dict[str, Any], expected: Told) -> None:
    assert asked(World(case(budget))) == expected


def test_an_event_says_how_much_of_what_until_when() -> None:
    world = World(case({"warn_at": "50%"}, {"name": "r", "within": "1h", "warn_at": "50%"}))
    asked(world, times=6)
    found = [event for event in world.performer.events if isinstance(event, BudgetWarning)]
    assert found == [
        BudgetWarning("b", 54 * MILL, 100 * MILL, NOON + DAY_S / 2),
        BudgetWarning("r", 54 * MILL, 100 * MILL, None),
    ]


@pytest.mark.parametrize(("window", "pause_s"), [({}, DAY_S), ({"within": "1h"}, 3700.0)])
def test_the_next_window_tells_anew(window: dict[str, Any], pause_s: float) -> None:
    world = World(case({"warn_at": "50%", **window}))
    first = asked(world, times=12)
    world.clock.advance(pause_s)
    assert asked(world, times=12, start=20) == first == [("BudgetWarning", 54), ("BudgetSpent", 99)]


def test_each_account_is_told_of_and_its_value_is_not_shown() -> None:
    world = World(case({"per": "user", "warn_at": "50%"}, hints={"user": "ann@example.com"}))
    other = World(case({"per": "user", "warn_at": "50%"}, hints={"user": "bob@example.com"}))
    other.wiring = world.wiring
    found = [*_warnings(world), *_warnings(other)]
    assert [event.budget for event in found] == ["b", "b"]
    assert len({event.account for event in found}) == 2
    assert "example" not in repr(found)


def _warnings(world: World) -> list[BudgetWarning]:
    asked(world, times=8)
    return [event for event in world.performer.events if isinstance(event, BudgetWarning)]


def test_what_serves_instead_keeps_nobody_from_being_told() -> None:
    use = {"when_spent": {"use": "free"}, "warn_at": "50%"}
    facts = {"a": FACTS, "free": {"price": "free"}}
    world = World(case(use, names=["a", "free"], use=["a"], given={"a": ANSWER, "free": "ok"}, facts=facts))
    assert asked(world) == [("BudgetWarning", 54), ("BudgetSpent", 99)]
    assert world.ask(number=99).outcome == "free"


class Stubborn(MemoryStore):
    """A store that can't be reached for what is told."""

    @override
    def once(self, key: str, *, until: float, now: float) -> bool:
        raise StoreDown("redis://x", "it is down")


def test_a_store_that_is_down_loses_the_alert_and_not_the_answer() -> None:
    world = World(case({"warn_at": "1%"}))
    object.__setattr__(world.wiring, "accounts", Accounts(Stubborn()))
    assert world.ask().outcome == "a"
    assert told(world.performer.events) == []


@contextmanager
def routers(number: int, folder: Path, amount: str = "0.1 USD") -> Iterator[tuple[list[Router], list[Event]]]:
    """So many routers on one SQLite file, and what their observers hear."""
    heard: list[Event] = []
    with serve(Emulator({"a": ANSWER})) as url:
        spec = spec_of(case({"warn_at": "50%", "amount": amount, "when_spent": "warn"}), url)
        spec["state"] = f"sqlite:{folder / 'state.db'}"
        made = [Router.from_spec(spec, environment=Environment(), observers=[heard.append]) for _ in range(number)]
        try:
            yield made, heard
        finally:
            for router in made:
                router.close()


def test_of_two_routers_on_one_store_one_tells(tmp_path: Path) -> None:
    with routers(2, tmp_path) as (made, heard):
        for number in range(14):
            made[number % 2].chat("hello")
    assert told(heard) == [("BudgetWarning", 54), ("BudgetSpent", 108)]


async def test_of_many_requests_at_once_one_tells(tmp_path: Path) -> None:
    with routers(2, tmp_path) as (made, heard):
        await asyncio.gather(*(made[number % 2].achat("hello") for number in range(30)))
        for router in made:
            await router.aclose()
    assert sorted(name for name, _ in told(heard)) == ["BudgetSpent", "BudgetWarning"]


def test_a_larger_amount_is_told_of_anew(tmp_path: Path) -> None:
    for amount, expected in [
        ("0.1 USD", ["BudgetWarning", "BudgetSpent"]),
        ("0.1 USD", []),
        ("0.3 USD", ["BudgetWarning"]),
    ]:
        with routers(1, tmp_path, amount) as ((router,), heard):
            for _ in range(12 if expected else 1):
                router.chat("hello")
        assert [name for name, _ in told(heard)] == expected


@pytest.mark.parametrize("way", WAYS)
def test_all_ways_to_ask_tell(way: str, tmp_path: Path) -> None:
    with routers(1, tmp_path) as ((router,), heard):
        for _ in range(12):
            assert WAYS[way](router, ChatRequest.of("hello"), {}).outcome == "a"
    assert told(heard) == [("BudgetWarning", 54), ("BudgetSpent", 108)]
