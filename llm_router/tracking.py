"""What the requests in a block of code cost: `with track() as spend: …`.

It reaches as far as `with routing()` does: tasks, the frameworks, whatever copies the context, and through
`bind_context` threads of one's own. A request belongs to the blocks in which it was made, also if it ends later.
"""

from __future__ import annotations

import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeAlias, TypeVar

from typing_extensions import override

from llm_router.engine.accounting.figures import Figures, figures
from llm_router.state.entry import Entry
from llm_router.state.totals import Query, sum_entries

T = TypeVar("T")

_TRACKS: ContextVar[Tracks] = ContextVar("llm_router_tracks")
_RUN: ContextVar[str | None] = ContextVar("llm_router_run", default=None)


class Spend:
    """The requests of a block so far; threads may add to it and read it at once.

    It keeps an entry for each attempt, so a block around a whole program grows with it: `Router.spend` is for that.
    """

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._lock = threading.Lock()

    def add(self, entry: Entry) -> None:
        """Count an attempt."""
        with self._lock:
            self._entries.append(replace(entry, prompt=None))

    @property
    def total(self) -> Figures:
        """All of it."""
        return next(iter(self._sums(())), Figures())

    @property
    def usd(self) -> Decimal:
        """US dollars, as far as is known; `total.unknown` says of how many attempts nobody knows."""
        return self.total.usd

    def by(self, *dimensions: str) -> tuple[Figures, ...]:
        """Figures for each `provider, deployment, model, rule, user, session, run, tag` or `metadata.<key>`.

        The dearest first. Raises ValueError for another dimension.
        """
        return tuple(sorted(self._sums(dimensions), key=lambda each: (-each.cost, each.key)))

    @override
    def __repr__(self) -> str:
        total = self.total
        return f"<Spend: {total.requests} requests, {total.usd:f} USD>"

    def _sums(self, group: tuple[str, ...]) -> Iterator[Figures]:
        with self._lock:
            entries = tuple(self._entries)
        return (figures(each) for each in sum_entries(Query(0, float("inf"), group), entries))


Tracks: TypeAlias = tuple[Spend, ...]


@contextmanager
def track() -> Iterator[Spend]:
    """Total the requests that are made in the block, and in blocks inside of it."""
    spend = Spend()
    with only_tracks((*current_tracks(), spend)):
        yield spend


def current_tracks() -> Tracks:
    """The totals that count what is asked here, the outermost first."""
    return _TRACKS.get(())


@contextmanager
def only_tracks(tracks: Tracks) -> Iterator[None]:
    """Let these count what is asked in the block, and no others: for code that was called earlier."""
    token = _TRACKS.set(tracks)
    try:
        yield
    finally:
        _TRACKS.reset(token)


def counted(later: Coroutine[Any, Any, T]) -> Coroutine[Any, Any, T]:
    """The coroutine, to be counted where it was made, wherever it is awaited."""
    return _counted(later, current_tracks())


async def _counted(later: Coroutine[Any, Any, T], tracks: Tracks) -> T:
    with only_tracks(tracks):
        return await later


@contextmanager
def framework_run(run_id: str | None) -> Iterator[None]:
    """Let the ledger's entries of the block name this run of a framework."""
    token = _RUN.set(run_id)
    try:
        yield
    finally:
        _RUN.reset(token)


def current_run() -> str | None:
    """The framework's name for what is asked here."""
    return _RUN.get()
