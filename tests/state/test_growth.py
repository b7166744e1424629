"""Nothing grows for ever: what a store forgets, and what it keeps of what it forgets."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
import redis

from llm_router.state.memory import MemoryStore
from llm_router.state.opening import open_store
from llm_router.state.store import Frame, Reserved, Store
from llm_router.state.totals import DAY_S, Query
from tests.state.stores import DAY, NOW, POSTGRES, REDIS, claim, opening, url_of

LATER = NOW + 3 * DAY_S
TODAY = Frame(DAY.newest + 3, DAY.newest + 3, DAY.ends + 3 * DAY_S, 86_400.0)
TABLES = {"settled": 0, "claims": 0, "reservations": 0, "marks": 0, "kept": 1, "entries": 1}


def use(store: Store) -> None:
    """Let everything be written that a store writes."""
    made = store.reserve([claim(1), claim(1, account="h", held=True)], opening(), now=NOW, expires=NOW + 60)
    assert isinstance(made, Reserved)
    store.settle(made.ticket, {}, opening(), now=NOW)
    store.once("k", until=NOW + 1, now=NOW)
    store.put("k", b"value", expires=NOW + 1, now=NOW)


def test_a_ledger_in_memory_is_bounded_and_its_totals_are_whole() -> None:
    store = MemoryStore(most_entries=50)
    for number in range(200):
        store.record(opening(number, cost=1, at=NOW + number))
    assert len(list(store.entries(0, LATER))) <= 50
    (total,) = store.totals(Query(0, LATER))
    assert (total.requests, total.cost) == (200, 200)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_tables_lose_what_counts_no_more(kind: str, tmp_path: Path) -> None:
    with url_of(kind, tmp_path) as url, closing(open_store(url, tmp_path)) as store:
        use(store)
        store.put("new", b"value", expires=LATER + 1, now=LATER)
        assert _rows(url) == TABLES
        assert store.levels({"a": TODAY}, now=LATER)["a"].settled == 0


def test_every_key_of_redis_has_a_time_to_live(tmp_path: Path) -> None:
    with url_of("redis", tmp_path) as url, closing(open_store(url, tmp_path)) as store:
        use(store)
        store.reserve([claim(1)], opening(), now=NOW, expires=NOW + 60)
        store.prune(NOW)
        prefix = f"{{{url.rpartition('=')[2]}}}:"
        with redis.Redis.from_url(REDIS, decode_responses=True) as client:
            keys = {str(key).removeprefix(prefix): client.ttl(str(key)) for key in client.scan_iter(f"{prefix}*")}
        grows = {key for key, ttl in keys.items() if ttl == -1}
        assert {key.partition(":")[0] for key in keys} >= {"account", "ticket", "expires", "ledger", "days", "once"}
        assert grows <= {"expires", "days"}, "indexes, which lose their members with what they name"
        assert keys["account:a"] <= 3 * DAY_S


def _rows(url: str) -> dict[str, int]:
    statements = {table: f"SELECT COUNT(*) FROM {table}" for table in TABLES}
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:"))) as connection:
            return {table: connection.execute(each).fetchone()[0] for table, each in statements.items()}
    schema = url.rpartition("=")[2]
    with psycopg.connect(POSTGRES) as connection:
        connection.execute(f"SET search_path TO {schema}".encode())
        found = {table: connection.execute(each.encode()).fetchone() for table, each in statements.items()}
    return {table: row[0] if row else 0 for table, row in found.items()}
