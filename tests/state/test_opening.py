"""How a store is named, what is refused, and what happens when it can't be reached."""

from __future__ import annotations

import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from llm_router.errors import StoreDown, StoreError
from llm_router.state.memory import MemoryStore
from llm_router.state.opening import open_store
from llm_router.state.sqlite import SqliteStore
from llm_router.state.store import Reserved
from llm_router.state.totals import Query
from tests.state.doorway import Doorway
from tests.state.stores import NOW, POSTGRES, claim, opening, require, url_of


def test_a_relative_path_starts_from_the_folder(tmp_path: Path) -> None:
    open_store("sqlite:a.db", tmp_path).close()
    open_store(f"sqlite:{tmp_path}/b.db", Path("/nowhere")).close()
    assert {path.name for path in tmp_path.iterdir()} == {"a.db", "b.db"}
    assert isinstance(open_store("memory", tmp_path), MemoryStore)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mysql://root:hidden@host", "`mysql` is no kind of store"),
        ("memory:", "`memory` is no kind of store"),
        ("sqlite:///a.db", "`sqlite:///a.db` names no file"),
        ("sqlite::memory:", "names no file"),
    ],
)
def test_other_words_are_refused(url: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=message) as raised:
        open_store(url, tmp_path)
    assert "hidden" not in str(raised.value)
    assert raised.value.help


@pytest.mark.parametrize(("scheme", "extra"), [("redis", "redis"), ("postgresql", "postgres")])
def test_a_missing_driver_says_which_extra_to_install(
    scheme: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, f"llm_router.state.{extra}", raising=False)
    monkeypatch.setitem(sys.modules, "redis", None)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreError, match=rf"llm-router-core\[{extra}\]"):
        open_store(f"{scheme}://host", tmp_path)


def test_a_file_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    SqliteStore(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="has schema 99, and this version knows 1"):
        SqliteStore(path)


def test_what_is_no_database_is_refused_and_what_cannot_be_opened_is_down(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(b"something else altogether" * 100)
    with pytest.raises(StoreError, match="can't be read"):
        SqliteStore(path)
    with pytest.raises(StoreDown, match=r"sqlite:b\.db"):
        SqliteStore(tmp_path / "no" / "b.db")


def test_tables_of_a_newer_version_are_refused(tmp_path: Path) -> None:
    with url_of("postgres", tmp_path) as url:
        with closing(open_store(url, tmp_path)) as store:
            store.sweep(now=NOW)
        schema = url.rpartition("=")[2]
        with psycopg.connect(POSTGRES, autocommit=True) as connection:
            connection.execute(f"INSERT INTO {schema}.version VALUES (99)".encode())
        with pytest.raises(StoreError, match="of version 99, and this version knows 1"):
            open_store(url, tmp_path).sweep(now=NOW)


def test_the_file_is_readable_with_plain_sql(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "a.db")
    store.record(opening(user="u", cost=1_500_000_000_000))
    store.reserve([claim(1)], opening(), now=NOW, expires=NOW + 60)
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        assert connection.execute('SELECT time, cost_usd, "user" FROM ledger').fetchall() == [
            ("2026-11-19T12:00:00.000Z", 1.5, "u")
        ]
        assert connection.execute("SELECT account, amount FROM open_reservations").fetchall() == [("a", 1)]
        assert connection.execute("SELECT cost_usd FROM daily_totals").fetchall() == []
    store.close()


def test_postgres_is_readable_with_plain_sql(tmp_path: Path) -> None:
    with url_of("postgres", tmp_path) as url:
        store = open_store(url, tmp_path)
        store.record(opening(cost=1_500_000_000_000))
        store.close()
        schema = url.rpartition("=")[2]
        with psycopg.connect(POSTGRES) as connection:
            rows = connection.execute(f"SELECT cost_usd, extract(epoch FROM time) FROM {schema}.ledger".encode())
            assert [(float(cost), float(time)) for cost, time in rows] == [(1.5, NOW)]


@pytest.fixture(params=["redis", "postgres"])
def doorway(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Doorway, str]]:
    port = {"redis": 6379, "postgres": 5432}[request.param]
    door = Doorway(port)
    door.open()
    with url_of(request.param, tmp_path) as url:
        yield door, url.replace(f":{port}", f":{door.port}")
    door.shut()


def test_a_server_that_goes_is_down_and_found_when_it_is_back(doorway: tuple[Doorway, str], tmp_path: Path) -> None:
    door, url = doorway
    store = open_store(url.replace("postgres@", "postgres:hidden@"), tmp_path)
    assert isinstance(store.reserve([claim(1)], opening(), now=NOW, expires=NOW + 60), Reserved)
    door.shut()
    for act in (
        lambda: store.reserve([claim(1)], opening(), now=NOW, expires=NOW + 60),
        lambda: store.record(opening()),
        lambda: list(store.entries(0, NOW)),
        lambda: store.totals(Query(0, NOW)),
        lambda: store.load("health"),
        lambda: store.get("k", now=NOW),
        lambda: store.purge(),
        lambda: store.prune(NOW),
    ):
        with pytest.raises(StoreDown) as raised:
            act()
        assert f"127.0.0.1:{door.port}" in raised.value.store
        assert "hidden" not in str(raised.value)
        assert raised.value.__cause__ is None
    door.open()
    assert isinstance(store.reserve([claim(1)], opening(), now=NOW, expires=NOW + 60), Reserved)
    door.shut()
    door.open()
    assert isinstance(store.reserve([claim(1)], opening(), now=NOW, expires=NOW + 60), Reserved)
    store.close()


def test_nobody_waits_for_a_server_that_is_frozen(
    doorway: tuple[Doorway, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    door, url = doorway
    store = open_store(url, tmp_path)
    store.record(opening())
    monkeypatch.setattr("llm_router.state.postgres.READING_TIMEOUT_S", 2)
    store.totals(Query(0, NOW))
    for act in (lambda: store.totals(Query(0, NOW)), lambda: store.record(opening())):
        door.freeze()
        failures = [outcome_of(act) for _ in "ab"]  # over a connection that is open, and over a new one
        assert failures == [StoreDown, StoreDown]
        door.shut()
        door.open()
        store.record(opening())
    store.close()


def outcome_of(act: Callable[[], object]) -> type[BaseException] | None:
    """What is raised, in a thread of its own, so that a test hangs for no longer than a minute."""
    raised: list[type[BaseException]] = []

    def run() -> None:
        try:
            act()
        except BaseException as error:
            raised.append(type(error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(timeout=60)
    return raised[0] if raised else None


def test_a_database_that_isnt_there_is_named(tmp_path: Path) -> None:
    require("postgres")
    store = open_store(f"{POSTGRES.rpartition('/')[0]}/nowhere", tmp_path)
    with pytest.raises(StoreDown, match=r"can't be reached: database .nowhere. does not exist"):
        store.record(opening())


def test_an_address_without_a_host_is_a_socket_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def refuse(url: str, **_: object) -> None:
        asked.append(url)
        raise psycopg.OperationalError

    monkeypatch.setattr("llm_router.state.postgres.Connection.connect", refuse)
    for url in ("postgresql:///router?schema=one&sslmode=disable", "postgresql:///router"):
        with pytest.raises(StoreDown, match=r"^the store `postgresql://` can't be reached"):
            open_store(url, tmp_path).record(opening())
    assert asked == ["postgresql:///router?sslmode=disable", "postgresql:///router"]


@pytest.mark.parametrize("scheme", ["redis", "postgresql"])
def test_a_server_that_was_never_there_is_down(scheme: str, tmp_path: Path) -> None:
    door = Doorway(1)
    store = open_store(f"{scheme}://someone:hidden@127.0.0.1:{door.port}/0", tmp_path)
    with pytest.raises(StoreDown, match=f"^the store `{scheme}://127.0.0.1:{door.port}` can't be reached") as raised:
        store.record(opening())
    assert "hidden" not in str(raised.value)
