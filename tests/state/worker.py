"""A process that uses a store, for tests: `python -m tests.state.worker <act> <url>`, from the repository's root."""

from __future__ import annotations

import itertools
import os
import signal
import sys
from pathlib import Path

from llm_router.state.opening import open_store
from llm_router.state.store import Reserved, Store
from tests.state.stores import NOW, claim, opening


def die(store: Store) -> None:
    """Reserve 60 and be killed before anything else."""
    store.reserve([claim(60)], opening(1), now=NOW, expires=NOW + 60)
    os.kill(os.getpid(), signal.SIGKILL)


def spend(store: Store) -> None:
    """Ask forty times for 3 of 100, settling every second; print how often it was granted."""
    granted = 0
    for number in range(40):
        made = store.reserve([claim(3), claim(1, 10**6, "b")], opening(), now=NOW, expires=NOW + 60)
        if isinstance(made, Reserved):
            granted += 1
            if number % 2:
                store.settle(made.ticket, {"a": 3}, opening(outcome="ok", cost=3), now=NOW)
    print(granted)


def work(store: Store) -> None:
    """Reserve 7 and settle to 5, for ever; print what was acknowledged."""
    for number in itertools.count():
        made = store.reserve([claim(7, 10**9)], opening(number, cost=7), now=NOW, expires=NOW + 60)
        assert isinstance(made, Reserved)
        store.settle(made.ticket, {"a": 5}, opening(number, outcome="ok", cost=5, basis="reported"), now=NOW)
        print(number, flush=True)


if __name__ == "__main__":
    {"die": die, "spend": spend, "work": work}[sys.argv[1]](open_store(sys.argv[2], Path()))
