"""The store in PostgreSQL (13 or newer): ledger and budgets at scale.

A reservation locks the rows of its accounts in sorted order, reads what counts in one statement (so in one snapshot),
and writes its claims: reservations of one account wait for one another, never in a circle. Settling locks no account;
it moves an amount from claims to settled charges in one transaction, which a reader sees whole or not at all.

A server that answers nothing any more keeps nobody waiting: it ends a statement after its timeout by itself, and where
it doesn't, the connection is given up here a second later.
"""

from __future__ import annotations

import math
import re
import select
import threading
import time
from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, LiteralString, TypeAlias, TypeVar

import psycopg
from psycopg import sql
from typing_extensions import override

from llm_router.errors import StoreDown, StoreError
from llm_router.spec.addresses import public_part
from llm_router.state.entry import COLUMNS, STRUCTURED, Entry, from_json, from_row, structures, to_json, to_row
from llm_router.state.postgres_schema import MIGRATIONS
from llm_router.state.sql import DAILY_COLUMNS, ENTRY_COLUMNS, Dialect, of_rolled_row, read_totals, rolled_row
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
    roll,
)

TIMEOUT_S = 2
"""For connecting and for each statement of a request."""
READING_TIMEOUT_S = 120
"""For a statement that reads or prunes the ledger."""
FROZEN_S = 1.0
"""How much longer than its timeout a statement is waited for: by then the server has ended it, or is frozen."""
MOST_IDLE = 8
"""How many connections stay open while nobody uses them."""
CHUNK = 1000
"""How many entries are read at a time."""

_MARKS = ", ".join(["%s"] * len(COLUMNS) + ["%s::jsonb"] * len(STRUCTURED))
_DAILY_MARKS = ", ".join(["%s"] * (1 + len(KEPT) + len(SUMS) + len(BINS)))

_DIALECT = Dialect(
    mark="%s",
    quarter=f"floor(at / {QUARTER_S})::bigint",
    local={
        "day": "to_char(to_timestamp(at) AT TIME ZONE %s, 'YYYY-MM-DD')",
        "hour": "to_char(to_timestamp(at) AT TIME ZONE %s, 'YYYY-MM-DD\"T\"HH24')",
    },
    metadata="metadata ->> %s::text",
    tags="LEFT JOIN LATERAL jsonb_array_elements_text(tags) AS tag(value) ON true",
    tagged="(EXISTS (SELECT 1 FROM jsonb_array_elements_text(tags) AS each(value) WHERE each.value IN ({marks})))",
    untagged="tags = '[]'",
)

_COUNTING = """
    SELECT 'settled', account, bucket, amount FROM settled WHERE account = ANY(%(accounts)s)
    UNION ALL SELECT CASE WHEN held THEN 'held' ELSE 'pending' END, account, bucket, amount
    FROM claims WHERE account = ANY(%(accounts)s)"""
_CLAIM = """INSERT INTO claims (ticket, account, bucket, amount, held, ends)
    SELECT %s, * FROM unnest(%s::text[], %s::bigint[], %s::bigint[], %s::boolean[], %s::double precision[])"""
_SETTLE = """INSERT INTO settled (account, bucket, amount, ends)
    SELECT * FROM unnest(%s::text[], %s::bigint[], %s::bigint[], %s::double precision[])
    ON CONFLICT (account, bucket) DO UPDATE
    SET amount = settled.amount + excluded.amount, ends = greatest(settled.ends, excluded.ends)"""
_EXPIRED = """DELETE FROM reservations WHERE ticket IN
    (SELECT ticket FROM reservations WHERE expires <= %s FOR UPDATE SKIP LOCKED) RETURNING ticket, opening"""
_TIDY: Sequence[LiteralString] = (
    "DELETE FROM settled WHERE ends < %s",
    "DELETE FROM marks WHERE until < %s",
    "DELETE FROM kept WHERE expires < %s",
    """DELETE FROM accounts WHERE %s > 0 AND account IN (SELECT account FROM accounts AS a
    WHERE NOT EXISTS (SELECT 1 FROM settled WHERE settled.account = a.account)
    AND NOT EXISTS (SELECT 1 FROM claims WHERE claims.account = a.account) FOR UPDATE SKIP LOCKED)""",
)


T = TypeVar("T")


class Connection(psycopg.Connection[tuple[Any, ...]]):
    """A connection on which nobody waits longer than `longest_s` for one statement; it is closed then."""

    longest_s = TIMEOUT_S + FROZEN_S

    @override
    def wait(self, gen: Generator[Any, Any, T], *args: Any, **options: Any) -> T:
        return super().wait(self._until(gen, time.monotonic() + self.longest_s), *args, **options)

    def _until(self, gen: Generator[Any, Any, T], deadline: float) -> Generator[Any, Any, T]:
        """The same steps, which psycopg takes several times a second also while nothing comes."""
        try:
            step = next(gen)
            while True:
                ready = yield step
                if not ready and time.monotonic() > deadline:
                    self.pgconn.finish()
                    raise psycopg.OperationalError("the server doesn't answer")
                step = gen.send(ready)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]  # what `gen` returns
        finally:
            gen.close()


class PostgresStore(Store):
    """The store at `url` (postgresql://); its tables are in a schema of its own, which is made when it isn't there.

    Raises `StoreError` where the tables were made by a newer version.
    """

    def __init__(self, url: str, *, schema: str = "llm_router") -> None:
        self._url, self._name, self._schema = url, public_part(url), schema
        self._lock = threading.Lock()
        self._idle: list[Connection] = []
        self._abandoned: list[Connection] = []
        self._migrated = False
        self._tidied = 0.0

    @override
    def reserve(self, claims: Sequence[Claim], opening: Entry, *, now: float, expires: float) -> Reserved | Blocked:
        check(claims)
        self.sweep(now=now)
        accounts = sorted(claim.account for claim in claims)
        while True:
            with self._connected() as connection, connection.transaction():
                if _locked(connection, accounts):
                    return _reserve(connection, claims, to_json(opening), expires)
            self._add(accounts)

    @override
    def settle(self, ticket: str, amounts: Mapping[str, int], entry: Entry | None, *, now: float) -> None:
        with self._connected() as connection, connection.transaction():
            deleted = connection.execute("DELETE FROM reservations WHERE ticket = %s", (ticket,)).rowcount
            if deleted:
                _take(connection, [ticket], amounts)
            if deleted and entry is not None:
                _append(connection, entry)

    @override
    def levels(self, frames: Mapping[str, Frame], *, now: float) -> Mapping[str, Level]:
        self.sweep(now=now)
        with self._connected() as connection:
            counting = _counting(connection, list(frames))
        return {account: _level(counting[account], frame) for account, frame in frames.items()}

    @override
    def sweep(self, *, now: float) -> int:
        with self._connected() as connection:
            if not connection.execute("SELECT 1 FROM reservations WHERE expires <= %s LIMIT 1", (now,)).fetchone():
                self._tidy(connection, now)
                return 0
            with connection.transaction():
                expired = connection.execute(_EXPIRED, (now,)).fetchall()
                _take(connection, [ticket for ticket, _ in expired], {})
                for _, opening in expired:
                    _append(connection, replace(from_json(opening), outcome="lost", basis="reserved"))
            return len(expired)

    @override
    def record(self, entry: Entry) -> None:
        with self._connected() as connection:
            _append(connection, entry)

    @override
    def entries(self, since: float, until: float) -> Iterator[Entry]:
        with self._reading() as connection, connection.cursor("entries") as cursor:
            cursor.itersize = CHUNK
            statement = f"SELECT {ENTRY_COLUMNS} FROM entries WHERE at >= %s AND at < %s ORDER BY at, id"
            cursor.execute(statement.encode(), (since, until))
            for row in cursor:
                yield from_row(row, row[len(COLUMNS) :])

    @override
    def totals(self, query: Query) -> Sequence[Total]:
        with self._reading() as connection:
            return combine(query, _totals(connection, query), _rolled(connection, query))

    @override
    def prune(self, before: float) -> int:
        end = before // DAY_S * DAY_S
        with self._reading(alone=True) as connection:
            ((first,),) = connection.execute("SELECT min(at) FROM entries WHERE at < %s", (end,))
            for day in range(int((end if first is None else first) // DAY_S), int(end // DAY_S)):
                rows = [rolled_row(date_of(day).isoformat(), total) for total in _totals(connection, roll(day))]
                statement = f"INSERT INTO daily ({DAILY_COLUMNS}) VALUES ({_DAILY_MARKS})"
                connection.cursor().executemany(statement.encode(), rows)
            return connection.execute("DELETE FROM entries WHERE at < %s", (end,)).rowcount

    @override
    def load(self, kind: str) -> Mapping[str, tuple[int, str]]:
        with self._connected() as connection:
            rows = connection.execute("SELECT key, version, value FROM records WHERE kind = %s", (kind,)).fetchall()
        return {key: (version, value) for key, version, value in rows}

    @override
    def swap(self, kind: str, key: str, version: int, value: str) -> bool:
        added = "INSERT INTO records (value, kind, key, version) VALUES (%s, %s, %s, %s + 1) ON CONFLICT DO NOTHING"
        changed = "UPDATE records SET value = %s, version = version + 1 WHERE kind = %s AND key = %s AND version = %s"
        with self._connected() as connection:
            return connection.execute(changed if version else added, (value, kind, key, version)).rowcount > 0

    @override
    def once(self, key: str, *, until: float, now: float) -> bool:
        statement = """INSERT INTO marks VALUES (%s, %s) ON CONFLICT (key) DO UPDATE SET until = excluded.until
            WHERE marks.until <= %s"""
        with self._connected() as connection:
            return connection.execute(statement, (key, until, now)).rowcount > 0

    @override
    def get(self, key: str, *, now: float) -> bytes | None:
        statement = "SELECT value FROM kept WHERE key = %s AND expires > %s"
        with self._connected() as connection:
            found = connection.execute(statement, (key, now)).fetchone()
        return None if found is None else bytes(found[0])

    @override
    def put(self, key: str, value: bytes, *, expires: float, now: float) -> None:
        statement = """INSERT INTO kept VALUES (%s, %s, %s)
            ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires = excluded.expires"""
        with self._connected() as connection:
            connection.execute(statement, (key, value, expires))
            self._tidy(connection, now)

    @override
    def purge(self, prefix: str = "") -> int:
        with self._connected() as connection:
            return connection.execute("DELETE FROM kept WHERE starts_with(key, %s)", (prefix,)).rowcount

    @override
    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    @override
    def after_fork(self) -> None:
        self._lock = threading.Lock()
        self._abandoned += self._idle
        self._idle = []

    def _add(self, accounts: Iterable[str]) -> None:
        """Make rows to lock for accounts that have none, in a transaction of their own: it waits holding nothing."""
        with self._connected() as connection:
            for account in accounts:
                connection.execute("INSERT INTO accounts VALUES (%s) ON CONFLICT DO NOTHING", (account,))

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        """A connection for this thread alone; one that failed isn't used again."""
        try:
            connection = self._take() or self._connect()
            try:
                yield connection
            finally:
                self._give_back(connection)
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            self.close()
            raise StoreDown(self._name, _reason(error)) from None

    @contextmanager
    def _reading(self, *, alone: bool = False) -> Iterator[Connection]:
        """A transaction that sees the ledger as it is now; `alone`: which nobody else has at the same time."""
        with self._connected() as connection:
            _patience(connection, READING_TIMEOUT_S)
            if alone:
                connection.execute("SELECT pg_advisory_lock(hashtextextended(%s, 1))", (self._schema,))
            try:
                with connection.transaction():
                    connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                    yield connection
            finally:
                if not connection.broken:
                    connection.execute("SELECT pg_advisory_unlock_all()")
                    _patience(connection, TIMEOUT_S)

    def _take(self) -> Connection | None:
        """An idle connection that the server hasn't closed meanwhile."""
        while True:
            with self._lock:
                connection = self._idle.pop() if self._idle else None
            if connection is None or not select.select([connection.fileno()], [], [], 0)[0]:
                return connection
            connection.close()

    def _give_back(self, connection: Connection) -> None:
        with self._lock:
            if not connection.closed and len(self._idle) < MOST_IDLE:
                self._idle.append(connection)
                return
        connection.close()

    def _connect(self) -> Connection:
        connection = Connection.connect(
            self._url, autocommit=True, connect_timeout=TIMEOUT_S, tcp_user_timeout=TIMEOUT_S * 1000
        )
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: Connection) -> None:
        _patience(connection, TIMEOUT_S)
        connection.execute("SELECT set_config('search_path', %s, false)", (sql.Identifier(self._schema).as_string(),))
        if not self._migrated:
            _migrate(connection, self._schema)
            self._migrated = True

    def _tidy(self, connection: Connection, now: float) -> None:
        if now - self._tidied < TIDY_EVERY_S:
            return
        self._tidied = now
        for statement in _TIDY:
            connection.execute(statement, (now - TIDY_EVERY_S,))


def _reason(error: psycopg.Error) -> str:
    """What the server says of why it lets nobody in (names, never a password), else the kind of error."""
    said = re.search(r"FATAL:\s+([^\n]+)", str(error))
    return said.group(1) if said else type(error).__name__


def _patience(connection: Connection, timeout_s: int) -> None:
    connection.execute("SELECT set_config('statement_timeout', %s, false)", (f"{timeout_s}s",))
    connection.longest_s = timeout_s + FROZEN_S


def _migrate(connection: Connection, schema: str) -> None:
    """Bring the tables to this version, once, whoever else connects at the same time."""
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (schema,))
        connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)))
        connection.execute("CREATE TABLE IF NOT EXISTS version (number integer NOT NULL)")
        found = connection.execute("SELECT max(number) FROM version").fetchone()
        version = (found and found[0]) or 0
        if version > len(MIGRATIONS):
            raise StoreError(
                f"the store's schema `{schema}` is of version {version}, and this version knows {len(MIGRATIONS)}",
                help="update llm-router-core, or name another schema: `postgresql://…?schema=…`",
            )
        for number, migration in enumerate(MIGRATIONS[version:], version + 1):
            connection.execute(migration.encode())
            connection.execute("INSERT INTO version VALUES (%s)", (number,))


def _locked(connection: Connection, accounts: Sequence[str]) -> bool:
    """Lock the rows of these accounts, in their order; whether all are there."""
    if not accounts:
        return True
    statement = "SELECT account FROM accounts WHERE account = ANY(%s) ORDER BY account FOR UPDATE"
    return connection.execute(statement, (list(accounts),)).rowcount == len(accounts)


def _reserve(connection: Connection, claims: Sequence[Claim], opening: str, expires: float) -> Reserved | Blocked:
    """Make the claims, with their accounts locked."""
    counting = _counting(connection, [claim.account for claim in claims])
    blocked = worst(_obstacle(claim, counting[claim.account]) for claim in claims)
    if blocked is not None:
        return blocked
    ticket = new_ticket()
    rows = [(each.account, each.frame.newest, each.amount, each.held, float(each.frame.ends)) for each in claims]
    connection.execute("INSERT INTO reservations VALUES (%s, %s, %s)", (ticket, expires, opening))
    if rows:
        connection.execute(_CLAIM, (ticket, *map(list, zip(*rows, strict=True))))
    return Reserved(ticket)


Counting: TypeAlias = Mapping[str, Mapping[int, int]]
"""What counts of an account, by `settled`, `pending` and `held`, and by bucket."""


def _counting(connection: Connection, accounts: Sequence[str]) -> Mapping[str, Counting]:
    found: dict[str, dict[str, dict[int, int]]] = defaultdict(lambda: {"settled": {}, "pending": {}, "held": {}})
    if accounts:
        for kind, account, bucket, amount in connection.execute(_COUNTING, {"accounts": list(accounts)}):
            found[account][kind][bucket] = found[account][kind].get(bucket, 0) + amount
    return found


def _obstacle(claim: Claim, counting: Counting) -> Blocked | None:
    return obstacle(claim, counting["settled"], counting["pending"], sum(counting["held"].values()))


def _level(counting: Counting, frame: Frame) -> Level:
    settled, pending = (
        sum(amount for bucket, amount in counting[kind].items() if bucket >= frame.oldest)
        for kind in ("settled", "pending")
    )
    return Level(settled, pending + sum(counting["held"].values()))


def _take(connection: Connection, tickets: Sequence[str], amounts: Mapping[str, int]) -> None:
    """Turn the claims of these reservations into charges, in sorted order."""
    statement = "DELETE FROM claims WHERE ticket = ANY(%s) RETURNING account, bucket, amount, held, ends"
    sums: dict[tuple[str, int], tuple[int, float]] = {}
    for account, bucket, amount, held, ends in connection.execute(statement, (list(tickets),)):
        before, ended = sums.get((account, bucket), (0, -math.inf))
        sums[account, bucket] = before + charge(amounts, account, amount, held=held), max(ends, ended)
    rows = [(*place, *charged) for place, charged in sorted(sums.items()) if charged[0]]
    if rows:
        connection.execute(_SETTLE, tuple(map(list, zip(*rows, strict=True))))


def _append(connection: Connection, entry: Entry) -> None:
    statement = f"INSERT INTO entries ({ENTRY_COLUMNS}) VALUES ({_MARKS})"
    connection.execute(statement.encode(), (*to_row(entry), *structures(entry)))


def _totals(connection: Connection, query: Query) -> Sequence[Total]:
    return read_totals(query, _DIALECT, lambda statement, values: connection.execute(statement.encode(), values))


def _rolled(connection: Connection, query: Query) -> Iterator[Rolled]:
    columns = DAILY_COLUMNS.partition(", ")[2]
    statement = f"SELECT day, {columns} FROM daily WHERE day BETWEEN %s AND %s"
    days = (date_at(query.since), date_at(query.until))
    for day, *row in connection.execute(statement.encode(), days):
        yield of_rolled_row(day_of(day), row)
