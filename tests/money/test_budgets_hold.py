"""The promise of a budget: whoever asks at the same time, providers never bill more than its amount.

And that it is usable all the same: as many calls are answered as are paid for, because each that ends leaves what it
didn't use to the others, who wait for it.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from llm_router.state.opening import open_store
from llm_router.state.totals import Query
from llm_router.testing import Emulator, serve
from tests.money.small_budget import AMOUNT, COST, DEPLOYMENTS, TEXT, WAYS, billed, emulator, paid_for, router
from tests.state.stores import KINDS, SHARED, url_of

ROOT = Path(__file__).parents[2]
CALLS = 50
PROCESSES = 4
LATEST = 10.0**11
RELIEVED = {
    "deployments": {**DEPLOYMENTS, "house": {"provider": "vllm", "model": "llama", "price": "free"}},
    "budgets": [{"name": "small", "amount": "0.05 USD", "every": "month", "when_spent": {"use": "house"}}],
}


@pytest.fixture(params=KINDS)
def state(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty store, of each kind."""
    with url_of(request.param, tmp_path) as url:
        yield url


@pytest.fixture(params=SHARED)
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty store that processes share."""
    with url_of(request.param, tmp_path) as url:
        yield url


@pytest.fixture
def expected() -> int:
    """How many calls the budget pays for, one after the other."""
    with router("memory", "http://127.0.0.1:9") as one:
        bound = one.explain(TEXT).decision.candidates[0].estimate.cost_bound
    assert bound is not None
    return paid_for(AMOUNT, bound)


def check(outcomes: list[str], provider: Emulator, expected: int) -> None:
    """The amount holds, and is used."""
    assert billed(provider) <= AMOUNT
    assert sorted(outcomes) == ["mini"] * expected + ["spent"] * (len(outcomes) - expected)
    assert billed(provider) == expected * COST


@pytest.mark.parametrize("way", WAYS)
def test_fifty_calls_at_once_never_pass_a_budget_and_all_that_are_paid_for_fit(
    way: str, state: str, expected: int
) -> None:
    provider = emulator()
    with serve(provider) as address, router(state, address) as asked:
        check(WAYS[way](asked, CALLS), provider, expected)


def test_who_finds_the_budget_spent_meanwhile_is_served_by_whom_it_names(state: str, expected: int) -> None:
    provider = emulator()
    with serve(provider) as address, router(state, address, **RELIEVED) as asked:
        outcomes = WAYS["both"](asked, CALLS)
    assert sorted(outcomes) == ["house"] * (CALLS - expected) + ["mini"] * expected
    assert billed(provider) == expected * COST


def test_processes_share_a_budget_and_none_passes_it(shared: str, expected: int) -> None:
    provider = emulator()
    with serve(provider) as address:
        command = [sys.executable, "-m", "tests.money.small_budget", shared, address, str(CALLS // PROCESSES + 1)]
        workers = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(PROCESSES)]
        outcomes = [word for worker in workers for word in worker.communicate(timeout=120)[0].split()]
    assert [worker.returncode for worker in workers] == [0] * PROCESSES
    check(outcomes, provider, expected)
    store = open_store(shared, Path())
    assert sum(total.cost for total in store.totals(Query(0.0, LATEST))) == billed(provider)
    store.close()
