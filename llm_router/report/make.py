"""A report from a store: read, gathered, written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from llm_router.engine.accounting.spans import Instant
from llm_router.policy.program import Program
from llm_router.report.days import days_of
from llm_router.report.gather import gather
from llm_router.report.page import page
from llm_router.state.store import Store

if TYPE_CHECKING:
    from llm_router.engine.loading import Loaded


def make(
    store: Store,
    program: Program,
    now: float,
    *,
    name: str,
    since: Instant | None = None,
    until: Instant | None = None,
) -> str:
    """The page about the days from `since` up to `until`; `name` is for a spec without one.

    Reads the ledger a few times, so it takes seconds where there are millions of entries. Raises RequestError for what
    is no moment, StoreDown.
    """
    days = days_of(since, until, program.timezone, now)
    return page(gather(store, program, days, now, name=name))


def make_for(
    loaded: Loaded,
    now: float,
    path: str | Path | None = None,
    *,
    since: Instant | None = None,
    until: Instant | None = None,
) -> str:
    """The page of a router that is loaded, also written to `path`. Raises what `make` raises, and OSError."""
    store, origin = loaded.wiring.accounts.store, loaded.origin
    name = "llm-router" if origin.path is None else origin.path.name
    text = make(store, loaded.program, now, name=name, since=since, until=until)
    if path is not None:
        Path(path).write_text(text, encoding="utf-8")
    return text
