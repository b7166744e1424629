"""What a day of a million entries weighs and how fast it is summed: `python tests/benchmarks/ledger.py [entries]`.

SQLite, in a temporary folder: entries as a busy router writes them, appended in large transactions (so writing isn't
what is measured here), then sums by several dimensions, each with and without histograms, and the report of that day.
Then what bookkeeping costs a request with each store that answers: one reservation of two claims and its settlement,
in milliseconds.
"""

from __future__ import annotations

import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from llm_router.catalog.price import Cost
from llm_router.messages import Usage
from llm_router.report.make import make
from llm_router.state.entry import COLUMNS, STRUCTURED, Entry, structures, to_row
from llm_router.state.sql import ENTRY_COLUMNS
from llm_router.state.sqlite import SqliteStore
from llm_router.state.store import Claim, Reserved
from llm_router.state.totals import DAY_S, Query
from tests.report.ledgers import program_of
from tests.state.stores import DAY, KINDS, NOW, opening, store_of

MIDNIGHT = NOW // DAY_S * DAY_S
ROUNDS = 300
GROUPS: tuple[tuple[str, ...], ...] = (
    (),
    ("provider", "deployment"),
    ("hour",),
    ("rule", "outcome"),
    ("user",),
    ("tag",),
    ("metadata.team",),
)


def entries(count: int) -> Iterator[Entry]:
    """A day's entries: six of seven are a request's only attempt."""
    chance = random.Random(1)
    for number in range(count):
        failed = number % 7 == 0
        place = chance.randrange(12)
        yield Entry(
            at=MIDNIGHT + number * DAY_S / count,
            decision_id=f"{(number - (number % 7 == 1)) * 2654435761 % 2**64:016x}",
            program_hash="c0ffee1234567890",
            rule=("code", "cheap questions", "long documents", "otherwise")[place % 4],
            provider=("openai", "anthropic", "groq")[place % 3],
            deployment=f"deployment-{place}",
            model="gpt-4o-mini",
            served="gpt-4o-mini-2024-07-18",
            attempt=2 if number % 7 == 1 else 1,
            outcome="failed" if failed else "ok",
            failure="overloaded" if failed else None,
            usage=Usage(input=chance.randrange(4000), output=chance.randrange(800)),
            cost=chance.randrange(10**10),
            cost_by_kind=Cost(input=chance.randrange(10**10), output=chance.randrange(10**10)),
            basis="reported",
            first_token_s=chance.random(),
            duration_s=chance.random() * 10,
            user=f"user-{chance.randrange(2000)}",
            session=f"session-{number // 10}",
            tags=("production",),
            metadata={"team": ("search", "support")[place % 2]},
        )


def timed(act: Callable[[], object]) -> float:
    """Seconds that one call takes."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def weigh(folder: Path, count: int) -> None:
    """Print the size of an entry, and how long sums take."""
    path = folder / "day.db"
    store = SqliteStore(path)
    marks = ", ".join("?" * (len(COLUMNS) + len(STRUCTURED)))
    with sqlite3.connect(path) as connection:
        rows = ((*to_row(entry), *structures(entry)) for entry in entries(count))
        connection.executemany(f"INSERT INTO entries ({ENTRY_COLUMNS}) VALUES ({marks})", rows)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    print(f"{count} entries, {path.stat().st_size / count:.0f} bytes each")
    for group in GROUPS:
        query = Query(MIDNIGHT, MIDNIGHT + DAY_S, group)
        plain, bins = (
            timed(partial(store.totals, replace(query, numbers=(*query.numbers, *more)))) for more in ((), ("bins",))
        )
        print(f"by {', '.join(group) or 'nothing':24} {plain:5.2f} s   with histograms {bins:5.2f} s")
    made = timed(lambda: make(store, program_of(), MIDNIGHT + DAY_S / 2, name="report", since="1m"))
    print(f"reported in {made:.2f} s")
    print(f"pruned in {timed(lambda: store.prune(MIDNIGHT + DAY_S)):.2f} s")
    store.close()


def keep_books(kind: str, folder: Path) -> None:
    """Print what one request's bookkeeping costs."""
    claims = [Claim(account, 10, 10**9, DAY) for account in ("budget", "limit")]
    entry = next(entries(1))
    times = []
    with store_of(kind, folder) as store:
        for _ in range(ROUNDS):
            began = time.perf_counter()
            made = store.reserve(claims, opening(), now=NOW, expires=NOW + 600)
            assert isinstance(made, Reserved)
            store.settle(made.ticket, {"budget": 3, "limit": 3}, entry, now=NOW)
            times.append((time.perf_counter() - began) * 1000)
    print(f"{kind:9} reserve and settle {statistics.median(times):6.3f} ms")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        for each in KINDS:
            keep_books(each, Path(temporary))
        weigh(Path(temporary), int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
