"""Processes that share a store, and processes that are killed: no money is lost and no capacity passed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from llm_router.state.opening import open_store
from llm_router.state.store import Level, Reserved, Store
from llm_router.state.totals import Query
from tests.state.stores import DAY, NOW, claim, opening

ROOT = Path(__file__).resolve().parents[2]


def start(act: str, url: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.state.worker", act, url]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_what_a_killed_process_held_is_charged_in_full(url: str) -> None:
    process = start("die", url)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    store = open_store(url, ROOT)
    assert store.levels({"a": DAY}, now=NOW) == {"a": Level(0, 60)}
    assert not isinstance(store.reserve([claim(41)], opening(), now=NOW + 59, expires=NOW + 99), Reserved)
    assert store.sweep(now=NOW + 60) == 1
    assert store.levels({"a": DAY}, now=NOW + 60) == {"a": Level(60, 0)}
    assert list(store.entries(NOW, NOW + 1)) == [opening(1, outcome="lost")]
    store.close()


def test_killed_again_and_again_the_ledger_misses_nothing(url: str) -> None:
    acknowledged = 0
    for lines in (1, 7, 20):
        process = start("work", url)
        assert process.stdout is not None
        for _ in range(lines):
            process.stdout.readline()
        process.kill()
        acknowledged += lines + len(process.communicate()[0].splitlines())
    store = open_store(url, ROOT)
    store.sweep(now=NOW + 60)
    (total,) = store.totals(Query(NOW, NOW + 1))
    settled = total.attempts - total.lost
    assert acknowledged <= settled <= acknowledged + 3
    assert total.lost <= 3
    assert total.cost == 5 * settled + 7 * total.lost
    assert store.levels({"a": DAY}, now=NOW + 60)["a"] == Level(total.cost, 0)
    store.close()


def test_processes_never_pass_a_capacity(url: str) -> None:
    processes = [start("spend", url) for _ in range(4)]
    granted = sum(int(process.communicate()[0]) for process in processes)
    assert granted == 33
    store = open_store(url, ROOT)
    level = store.levels({"a": DAY}, now=NOW)["a"]
    assert level.settled + level.open == 99
    store.close()


def test_a_child_process_makes_connections_of_its_own(url: str) -> None:
    store = open_store(url, ROOT)
    store.reserve([claim(1)], opening(), now=NOW, expires=NOW + 60)
    child = os.fork()
    if child == 0:
        _in_child(store)
    assert os.waitpid(child, 0)[1] == 0
    store.reserve([claim(1)], opening(), now=NOW, expires=NOW + 60)
    assert store.levels({"a": DAY}, now=NOW) == {"a": Level(0, 7)}
    store.close()


def _in_child(store: Store) -> None:
    try:
        store.after_fork()
        for _ in range(5):
            store.reserve([claim(1)], opening(), now=NOW, expires=NOW + 60)
        store.close()
    except BaseException:
        os._exit(1)
    os._exit(0)
