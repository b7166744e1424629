"""The store in a file: several threads and processes of one machine.

Write-ahead logging with `synchronous=NORMAL`: what a transaction wrote is in the operating system's hands when it
returns, so a `kill -9` loses nothing. A crash of the machine itself may lose the transactions since the last
checkpoint (the file stays sound); whoever has to rule that out keeps money in PostgreSQL.

A writer holds one connection under a lock, since SQLite has one writer at a time anyhow; long reads open one of their
own and stop nobody. Connections never cross a fork: the child makes new ones and leaves the parent's untouched, not
even closed.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from typing_extensions import override

from llm_router.errors import StoreDown, StoreError
from llm_router.state.entry import COLUMNS, STRUCTURED, Entry, from_json, from_row, structures, to_json, to_row
from llm_router.state.sql import DAILY_COLUMNS, ENTRY_COLUMNS, Dialect, of_rolled_row, read_totals, rolled_row
from llm_router.state.sqlite_schema import MIGRATIONS
from llm_router.state.store import (
    TIDY_EVERY_S,
    Blocked,
    Claim,
    Frame,
    Level,
    Reserved,
    Store,
    charge,
    check,
    new_ticket,
    obstacle,
    worst,
)
from llm_router.state.totals import (
    BINS,
    DAY_S,
    KEPT,
    QUARTER_S,
    SUMS,
    Query,
    Rolled,
    Total,
    combine,
    date_at,
    date_of,
    day_of,
    local,
    roll,
)

BUSY_S = 10.0
"""How long a writer waits for another process's."""

_FOR_READING = ("PRAGMA temp_store=MEMORY", "PRAGMA cache_size=-65536", "PRAGMA mmap_size=1073741824")
"""Sums sort: in memory, 64 MB at a time, rather than in temporary files."""
_MARKS = ", ".join("?" * (len(COLUMNS) + len(STRUCTURED)))
_DAILY_MARKS = ", ".join("?" * (1 + len(KEPT) + len(SUMS) + len(BINS)))

_DIALECT = Dialect(
    mark="?",
    quarter=f"CAST(at / {QUARTER_S} AS INTEGER)",
    local={"day": "local(?, 'day', at)", "hour": "local(?, 'hour', at)"},
    metadata=(
        "(SELECT CASE type WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' ELSE CAST(value AS TEXT) END "
        "FROM json_each(metadata) WHERE key = ?)"
    ),
    tags="LEFT JOIN json_each(entries.tags) AS tag",
    tagged="(EXISTS (SELECT 1 FROM json_each(tags) WHERE value IN ({marks})))",
    untagged="tags = '[]'",
    sliced=True,
)

_SETTLE = """INSERT INTO settled (account, bucket, amount, ends) VALUES (?, ?, ?, ?) ON CONFLICT (account, bucket)
    DO UPDATE SET amount = amount + excluded.amount, ends = max(ends, excluded.ends)"""


class SqliteStore(Store):
    """The store in the file at `path`, which is made when it isn't there.

    Raises `StoreDown` where it can't be opened or stays busy, `StoreError` where it is no such file or was written by
    a newer version.
    """

    def __init__(self, path: Path | str) -> None:
        self._path = Path(path)
        self._lock = threading.RLock()
        self._abandoned: list[sqlite3.Connection] = []
        self._connection: sqlite3.Connection | None = None
        self._tidied = 0.0
        with self._reached():
            self._writer()

    @override
    def reserve(self, claims: Sequence[Claim], opening: Entry, *, now: float, expires: float) -> Reserved | Blocked:
        check(claims)
        with self._writing() as connection:
            self._sweep(connection, now)
            blocked = worst(_obstacle(connection, claim) for claim in claims)
            if blocked is not None:
                return blocked
            ticket = new_ticket()
            rows = [
                (ticket, each.account, each.frame.newest, each.amount, each.held, each.frame.ends) for each in claims
            ]
            connection.execute("INSERT INTO reservations VALUES (?, ?, ?)", (ticket, expires, to_json(opening)))
            connection.executemany("INSERT INTO claims VALUES (?, ?, ?, ?, ?, ?)", rows)
            return Reserved(ticket)

    @override
    def settle(self, ticket: str, amounts: Mapping[str, int], entry: Entry | None, *, now: float) -> None:
        with self._writing() as connection:
            if _take(connection, ticket, amounts) and entry is not None:
                _append(connection, entry)

    @override
    def levels(self, frames: Mapping[str, Frame], *, now: float) -> Mapping[str, Level]:
        with self._reached(), self._lock:
            connection = self._writer()
            if connection.execute("SELECT 1 FROM reservations WHERE expires <= ?", (now,)).fetchone():
                self.sweep(now=now)
            return {account: _level(connection, account, frame) for account, frame in frames.items()}

    @override
    def sweep(self, *, now: float) -> int:
        with self._writing() as connection:
            return self._sweep(connection, now)

    @override
    def record(self, entry: Entry) -> None:
        with self._writing() as connection:
            _append(connection, entry)

    @override
    def entries(self, since: float, until: float) -> Iterator[Entry]:
        statement = f"SELECT {ENTRY_COLUMNS} FROM entries WHERE at >= ? AND at < ? ORDER BY at, id"
        with self._reading() as connection:
            for row in connection.execute(statement, (since, until)):
                yield from_row(row, row[len(COLUMNS) :])

    @override
    def totals(self, query: Query) -> Sequence[Total]:
        with self._reading() as connection:
            connection.execute("BEGIN")
            return combine(query, read_totals(query, _DIALECT, connection.execute), _rolled(connection, query))

    @override
    def prune(self, before: float) -> int:
        end = before // DAY_S * DAY_S
        with self._reading() as connection:
            (first,) = connection.execute("SELECT min(at) FROM entries WHERE at < ?", (end,)).fetchone()
        days = () if first is None else range(int(first // DAY_S), int(end // DAY_S))
        return sum(self._prune_day(day) for day in days)

    def _prune_day(self, day: int) -> int:
        """Replace a day's entries by their totals: summed while others write, unless one of that day came meanwhile."""
        span = (day * DAY_S, (day + 1) * DAY_S)
        with self._reading() as connection:
            connection.execute("BEGIN")
            seen = _extent(connection, span)
            totals = read_totals(roll(day), _DIALECT, connection.execute)
        rows = [rolled_row(date_of(day).isoformat(), total) for total in totals]
        with self._writing() as connection:
            unchanged = _extent(connection, span) == seen
            if unchanged:
                connection.executemany(f"INSERT INTO daily ({DAILY_COLUMNS}) VALUES ({_DAILY_MARKS})", rows)
                return connection.execute("DELETE FROM entries WHERE at >= ? AND at < ?", span).rowcount
        return self._prune_day(day)

    @override
    def load(self, kind: str) -> Mapping[str, tuple[int, str]]:
        with self._reading() as connection:
            rows = connection.execute("SELECT key, version, value FROM records WHERE kind = ?", (kind,))
            return {key: (version, value) for key, version, value in rows}

    @override
    def swap(self, kind: str, key: str, version: int, value: str) -> bool:
        added = "INSERT INTO records (value, kind, key, version) VALUES (?, ?, ?, ? + 1) ON CONFLICT DO NOTHING"
        changed = "UPDATE records SET value = ?, version = version + 1 WHERE kind = ? AND key = ? AND version = ?"
        with self._writing() as connection:
            return connection.execute(changed if version else added, (value, kind, key, version)).rowcount > 0

    @override
    def once(self, key: str, *, until: float, now: float) -> bool:
        statement = """INSERT INTO marks VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET until = excluded.until
            WHERE marks.until <= ?"""
        with self._writing() as connection:
            return connection.execute(statement, (key, until, now)).rowcount > 0

    @override
    def get(self, key: str, *, now: float) -> bytes | None:
        with self._reached(), self._lock:
            found = (
                self._writer().execute("SELECT value FROM kept WHERE key = ? AND expires > ?", (key, now)).fetchone()
            )
        return None if found is None else bytes(found[0])

    @override
    def put(self, key: str, value: bytes, *, expires: float, now: float) -> None:
        with self._writing() as connection:
            connection.execute("INSERT OR REPLACE INTO kept VALUES (?, ?, ?)", (key, value, expires))
            self._tidy(connection, now)

    @override
    def purge(self, prefix: str = "") -> int:
        with self._writing() as connection:
            return connection.execute("DELETE FROM kept WHERE substr(key, 1, ?) = ?", (len(prefix), prefix)).rowcount

    @override
    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    @override
    def after_fork(self) -> None:
        self._lock = threading.RLock()
        if self._connection is not None:
            self._abandoned.append(self._connection)
        self._connection = None

    def _writer(self) -> sqlite3.Connection:
        """The writers' connection; call with the lock held."""
        if self._connection is None:
            connection = self._connect()
            try:
                _migrate(connection, self._path)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, BUSY_S, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.create_function("local", 3, local, deterministic=True)
        return connection

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise StoreDown(f"sqlite:{self._path.name}", str(error)) from error
        except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
            raise
        except sqlite3.DatabaseError as error:
            raise StoreError(f"the store `sqlite:{self._path.name}` can't be read: {error}") from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._reached(), self._lock:
            connection = self._writer()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._reached(), closing(self._connect()) as connection:
            for pragma in _FOR_READING:
                connection.execute(pragma)
            yield connection

    def _sweep(self, connection: sqlite3.Connection, now: float) -> int:
        expired = connection.execute("SELECT ticket, opening FROM reservations WHERE expires <= ?", (now,)).fetchall()
        for ticket, opening in expired:
            _take(connection, ticket, {})
            _append(connection, replace(from_json(opening), outcome="lost", basis="reserved"))
        self._tidy(connection, now)
        return len(expired)

    def _tidy(self, connection: sqlite3.Connection, now: float) -> None:
        if now - self._tidied < TIDY_EVERY_S:
            return
        self._tidied = now
        for table, column in (("settled", "ends"), ("marks", "until"), ("kept", "expires")):
            connection.execute(f"DELETE FROM {table} WHERE {column} < ?", (now - TIDY_EVERY_S,))


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the tables to this version, once, whoever else opens the file at the same time."""
    if _version(connection, path) == len(MIGRATIONS):
        return
    connection.execute("BEGIN IMMEDIATE")
    for migration in MIGRATIONS[_version(connection, path) :]:
        for statement in migration.split(";\n"):
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    connection.execute("COMMIT")


def _version(connection: sqlite3.Connection, path: Path) -> int:
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > len(MIGRATIONS):
        raise StoreError(
            f"the store `sqlite:{path.name}` has schema {version}, and this version knows {len(MIGRATIONS)}",
            help="update llm-router-core, or name another file under `state:`",
        )
    return version


def _extent(connection: sqlite3.Connection, span: tuple[float, float]) -> Any:
    """What changes whenever an entry of this span is appended or dropped."""
    return connection.execute("SELECT COUNT(*), max(id) FROM entries WHERE at >= ? AND at < ?", span).fetchone()


def _obstacle(connection: sqlite3.Connection, claim: Claim) -> Blocked | None:
    settled = connection.execute("SELECT bucket, amount FROM settled WHERE account = ?", (claim.account,))
    pending: dict[int, int] = {}
    held = 0
    for bucket, amount, is_held in connection.execute(
        "SELECT bucket, amount, held FROM claims WHERE account = ?", (claim.account,)
    ):
        held += amount * is_held
        pending[bucket] = pending.get(bucket, 0) + amount * (not is_held)
    return obstacle(claim, dict(settled.fetchall()), pending, held)


def _level(connection: sqlite3.Connection, account: str, frame: Frame) -> Level:
    settled = "SELECT COALESCE(SUM(amount), 0) FROM settled WHERE account = ? AND bucket >= ?"
    pending = "SELECT COALESCE(SUM(amount), 0) FROM claims WHERE account = ? AND (held OR bucket >= ?)"
    sums: Iterable[Any] = (
        connection.execute(statement, (account, frame.oldest)).fetchone()[0] for statement in (settled, pending)
    )
    return Level(*sums)


def _take(connection: sqlite3.Connection, ticket: str, amounts: Mapping[str, int]) -> bool:
    """Settle a reservation; whether there was one."""
    if not connection.execute("DELETE FROM reservations WHERE ticket = ?", (ticket,)).rowcount:
        return False
    statement = "SELECT account, bucket, amount, held, ends FROM claims WHERE ticket = ?"
    claims = connection.execute(statement, (ticket,)).fetchall()
    rows = [
        (account, bucket, charge(amounts, account, amount, held=held), ends)
        for account, bucket, amount, held, ends in claims
    ]
    connection.executemany(_SETTLE, [row for row in rows if row[2]])
    connection.execute("DELETE FROM claims WHERE ticket = ?", (ticket,))
    return True


def _append(connection: sqlite3.Connection, entry: Entry) -> None:
    statement = f"INSERT INTO entries ({ENTRY_COLUMNS}) VALUES ({_MARKS})"
    connection.execute(statement, (*to_row(entry), *structures(entry)))


def _rolled(connection: sqlite3.Connection, query: Query) -> Iterator[Rolled]:
    columns = DAILY_COLUMNS.partition(", ")[2]
    first, last = (date_at(instant).isoformat() for instant in (query.since, query.until))
    rows = connection.execute(f"SELECT day, {columns} FROM daily WHERE day >= ? AND day <= ?", (first, last))
    for day, *row in rows:
        yield of_rolled_row(day_of(date.fromisoformat(day)), row)
