"""What calls came to that were made while the store was down: kept here, and charged once it is back.

A process that ends before takes what it kept with it; who can't have that says `fail: closed`.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence

from llm_router.errors import StoreDown
from llm_router.state.entry import Entry
from llm_router.state.store import Claim, Reserved, Store

MOST = 10_000
"""How many entries are kept at most; then the oldest are forgotten."""
PAID_AT_ONCE = 50
"""How many are charged before a request goes on."""
CHARGED_WITHIN_S = 60.0
"""A charge whose process ends before it is written down is counted all the same, as lost, after so long."""

logger = logging.getLogger("llm_router")


def charge_in_full(store: Store, claims: Sequence[Claim], entry: Entry, now: float) -> None:
    """Append an entry and charge its claims in full, which have to fit. Raises StoreDown."""
    if not claims:
        return store.record(entry)
    reserved = store.reserve(claims, entry, now=now, expires=now + CHARGED_WITHIN_S)
    assert isinstance(reserved, Reserved)  # INVARIANT: these accounts only count here
    return store.settle(reserved.ticket, {each.account: each.amount for each in claims}, entry, now=now)


class Owed:
    """Entries that are still to be written, each with what it charges, the earliest first."""

    def __init__(self) -> None:
        self._due: deque[tuple[Sequence[Claim], Entry]] = deque(maxlen=MOST)

    def add(self, claims: Sequence[Claim], entry: Entry) -> None:
        """Keep an entry until it is paid."""
        if len(self._due) == MOST:
            logger.warning("the store is down, and the earliest of %s calls made meanwhile is forgotten", MOST)
        self._due.append((claims, entry))

    def pay(self, store: Store, now: float, *, most: int = PAID_AT_ONCE) -> None:
        """Charge what is due, `most` of it at most. Raises StoreDown; what wasn't charged stays due."""
        for _ in range(min(most, len(self._due))):
            try:
                due = self._due.popleft()
            except IndexError:  # another thread pays
                return
            try:
                charge_in_full(store, *due, now)
            except StoreDown:
                self._due.appendleft(due)
                raise

    def after_fork(self) -> None:
        """In a child process: leave to the parent what is the parent's to pay."""
        self._due.clear()
