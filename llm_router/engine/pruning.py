"""Old entries of the ledger dropped, as `ledger: {keep}` says: at most once a day, beside the requests.

One process a day does it, whoever asks its store first. Daily totals stay.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from llm_router.errors import StoreDown
from llm_router.state.totals import DAY_S

if TYPE_CHECKING:
    from llm_router.policy.program import Program
    from llm_router.state.accounts import Accounts

logger = logging.getLogger("llm_router")

CLOSING_S = 5.0
"""How long `close` waits for a pruning under way; a store takes it up again another day."""


class Pruner:
    """Prunes the ledgers of one router, in a thread that lives for as long as that takes."""

    def __init__(self) -> None:
        self._due: dict[int, float] = {}
        self._thread: threading.Thread | None = None

    def ensure(self, program: Program, accounts: Accounts) -> None:
        """Begin to prune if that is due; costs next to nothing where it isn't."""
        keep_s, now, place = program.ledger.keep_s, time.time(), id(accounts.store)
        if keep_s is None or now < self._due.get(place, 0.0):
            return
        self._due[place] = now + DAY_S
        self._thread = threading.Thread(target=self._prune, args=(accounts, keep_s, now), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Wait a little for what is under way."""
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(CLOSING_S)

    def _prune(self, accounts: Accounts, keep_s: float, now: float) -> None:
        try:
            if accounts.once(f"prune/{int(now // DAY_S)}", until=now + DAY_S, now=now):
                accounts.store.prune(now - keep_s)
        except StoreDown:
            logger.warning("the ledger couldn't be pruned: its store can't be reached")
