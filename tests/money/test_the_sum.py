"""To the last digit: what providers bill is what the ledger says, whatever fails, is given up, or is killed."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from llm_router.state.entry import Entry
from llm_router.state.opening import open_store
from llm_router.testing import serve
from tests.money.invoice import Books, Provider
from tests.money.traffic import USERS, Ask, amounts, asks, draw, run, start_of
from tests.state.stores import SHARED, url_of

ROOT = Path(__file__).parents[2]
CALLS = 24
LATER_S = 10.0**6
"""Until then every reservation has expired."""
LATEST = 10.0**11
PATIENT = {"first_token": "2m", "stall": "2m", "total": "2m"}
"""Who is to be killed amid its requests gives none of them up before."""


class Doomed(AbstractContextManager["Doomed"]):
    """A process that makes these calls, and is killed with SIGKILL when so many of its requests have arrived."""

    def __init__(self, calls: Sequence[Ask], dies_at: int) -> None:
        self._calls = calls
        self._runs = {each.run for each in calls}
        self._left = dies_at
        self.begun = threading.Event()
        self._process: subprocess.Popen[str] | None = None

    @override
    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def start(self, spec: Mapping[str, Any], address: str) -> None:
        command = [sys.executable, "-m", "tests.money.traffic", address]
        spec = {**spec, "timeouts": PATIENT, "fallback": {**spec["fallback"], "deadline": "5m"}}
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        self._process = process
        assert process.stdin is not None
        with process.stdin:
            process.stdin.write(start_of(spec, self._calls))

    def arrived(self, run: str) -> None:
        """Take note of a request, of whomever."""
        if run not in self._runs:
            return
        self.begun.set()
        self._left -= 1
        if self._left == 0 and self._process is not None:
            self._process.kill()

    def died(self) -> bool:
        """Whether it was killed, once it has ended."""
        assert self._process is not None
        return self._process.wait(timeout=60) == -signal.SIGKILL


def provider_of(spec: Mapping[str, Any], *doomed: Doomed) -> Provider:
    def arrived(run: str) -> None:
        for each in doomed:
            each.arrived(run)

    return Provider({name: each["price"] for name, each in spec["deployments"].items()}, arrived)


def ledger(url: str) -> list[Entry]:
    """All of it, once nobody can settle any more."""
    with closing(open_store(url, Path())) as store:
        store.sweep(now=time.time() + LATER_S)
        return list(store.entries(0.0, LATEST))


def check(spec: Mapping[str, Any], provider: Provider, entries: Sequence[Entry]) -> None:
    """What holds whatever happens."""
    books = Books.of(provider.bill, entries)
    assert books.missing == ()
    assert books.below() == []
    billed, written = books.reported()
    assert billed == written
    shared, own = amounts(spec)
    assert sum(line.cost for line in provider.bill) <= shared
    assert all(sum(line.cost for line in provider.bill if line.user == user) <= own for user in USERS)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("kind", SHARED)
def test_the_ledger_says_what_was_billed_and_no_budget_is_passed(kind: str, seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    with url_of(kind, tmp_path) as url:
        spec = draw(chance, url)
        doomed = Doomed(asks(chance, CALLS // 2), chance.randrange(2, 5))
        provider = provider_of(spec, doomed)
        with serve(provider) as address, doomed:
            doomed.start(spec, address)
            assert doomed.begun.wait(60)
            run(spec, address, asks(chance, CALLS))
            assert doomed.died()
        entries = ledger(url)
    assert any(entry.outcome == "lost" for entry in entries)
    check(spec, provider, entries)


def test_killed_again_and_again_amid_traffic_the_ledger_opens_and_misses_nothing(tmp_path: Path) -> None:
    chance = random.Random(9)
    path = tmp_path / "ledger.db"
    spec = {**draw(chance, f"sqlite:{path}"), "budgets": [{"name": "all", "amount": "1000 USD", "every": "month"}]}
    doomed = [Doomed(asks(chance, CALLS), dies_at) for dies_at in (1, 4, 9, 14)]
    provider = provider_of(spec, *doomed)
    with serve(provider) as address:
        for each in doomed:
            with each:
                each.start(spec, address)
                assert each.died()
            with closing(sqlite3.connect(path)) as connection:
                assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        run(spec, address, asks(chance, CALLS))
    books = Books.of(provider.bill, ledger(f"sqlite:{path}"))
    assert len(books.pairs) >= sum((1, 4, 9, 14))
    assert (books.missing, books.below()) == ((), [])
    billed, written = books.reported()
    assert billed == written > 0
