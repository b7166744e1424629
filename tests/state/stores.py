"""Stores to test: one of each kind, with keys or tables of its own, cleaned up after."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import redis

from llm_router.state.entry import Entry
from llm_router.state.opening import open_store
from llm_router.state.store import Claim, Frame, Store

KINDS = ("memory", "sqlite", "redis", "postgres")
SHARED = ("sqlite", "redis", "postgres")
"""Stores that several processes share."""

REDIS = "redis://127.0.0.1:6379/0"
POSTGRES = "postgresql://postgres@127.0.0.1:5432/postgres"
NOW = 1_795_089_600.0
"""A Thursday, 2026-11-19 12:00:00 UTC."""
DAY = Frame(20_776, 20_776, NOW + 43_200, 86_400.0)
"""The day of `NOW`, in UTC."""


def opening(number: int = 0, **changes: object) -> Entry:
    """The entry of a reservation: 7 USD are held."""
    values: dict[str, object] = {"at": NOW, "decision_id": f"d{number}", "cost": 7 * 10**12, "basis": "reserved"}
    return Entry(**(values | changes))  # type: ignore[arg-type]  # each test gives fields of their own types


def claim(amount: int, capacity: int = 100, account: str = "a", frame: Frame = DAY, *, held: bool = False) -> Claim:
    """A claim of the day's account."""
    return Claim(account, amount, capacity, frame, held)


@contextmanager
def url_of(kind: str, folder: Path) -> Iterator[str]:
    """An address of a store of this kind that nobody else uses; skips where its server is absent."""
    name = f"test_{uuid.uuid4().hex}"
    urls: Mapping[str, str] = {
        "memory": "memory",
        "sqlite": f"sqlite:{folder / name}.db",
        "redis": f"{REDIS}?prefix={name}",
        "postgres": f"{POSTGRES}?schema={name}",
    }
    require(kind)
    try:
        yield urls[kind]
    finally:
        if kind in _CLEANERS:
            _CLEANERS[kind](name)


@contextmanager
def store_of(kind: str, folder: Path) -> Iterator[Store]:
    """An empty store of this kind."""
    with url_of(kind, folder) as url:
        store = open_store(url, folder)
        try:
            yield store
        finally:
            store.close()


def require(kind: str) -> None:
    """Skip the test where the server it needs doesn't answer; in CI, fail."""
    try:
        if kind in _PROBES:
            _PROBES[kind]()
    except (redis.ConnectionError, psycopg.OperationalError) as error:
        message = f"no {kind} server answers on 127.0.0.1 with its default settings"
        if os.environ.get("CI"):
            raise AssertionError(message) from error
        pytest.skip(message)


def _probe_redis() -> None:
    with redis.Redis.from_url(REDIS, socket_connect_timeout=30) as client:
        client.ping()


def _probe_postgres() -> None:
    psycopg.connect(POSTGRES, connect_timeout=30).close()


def _clean_redis(name: str) -> None:
    with redis.Redis.from_url(REDIS) as client:
        for key in client.scan_iter(match=f"{{{name}}}:*"):
            client.delete(key)


def _clean_postgres(name: str) -> None:
    with psycopg.connect(POSTGRES, autocommit=True) as connection:
        connection.execute(f'DROP SCHEMA IF EXISTS "{name}" CASCADE'.encode())


_PROBES: Mapping[str, Callable[[], None]] = {"redis": _probe_redis, "postgres": _probe_postgres}
_CLEANERS: Mapping[str, Callable[[str], None]] = {"redis": _clean_redis, "postgres": _clean_postgres}
