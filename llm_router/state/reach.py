"""Whether a store can be reached, as far as this process knows.

After a failure nobody asks it again for a moment, so that requests don't all wait for what one has found out. Who may
tell of it is told once when it fails, and once when it is back.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from llm_router.errors import StoreDown

QUIET_S = 1.0
"""So long after a failure a store isn't asked, but to settle what it has reserved."""

News = tuple[Literal["down", "up"], str]
"""That a store failed, with the reason, or that it is back."""


class Reach:
    """What is known of the way to one store. Instants are seconds since the epoch."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failure: StoreDown | None = None
        self._failed_at = 0.0
        self._news: deque[News] = deque()

    @property
    def down(self) -> bool:
        """Whether it failed when it was last asked."""
        return self._failure is not None

    @contextmanager
    def asking(self, now: float, *, urgent: bool = False) -> Iterator[None]:
        """Ask the store in this block. Raises StoreDown at once soon after a failure, unless it is `urgent`."""
        failure = self._failure
        if failure is not None and not urgent and abs(now - self._failed_at) < QUIET_S:
            raise StoreDown(failure.store, failure.reason)
        began = time.monotonic()
        try:
            yield
        except StoreDown as error:
            self._fails(error, now + time.monotonic() - began)  # a silent one takes its time to fail
            raise
        if self._failure is not None:
            self._works()

    def news(self) -> News | None:
        """What nobody has told yet; each piece is given once."""
        try:
            return self._news.popleft() if self._news else None
        except IndexError:  # another took it meanwhile
            return None

    def after_fork(self) -> None:
        """In a child process: a thread of the parent's may have held the lock."""
        self._lock = threading.Lock()

    def _fails(self, error: StoreDown, now: float) -> None:
        with self._lock:
            if self._failure is None:
                self._news.append(("down", str(error)))
            self._failure, self._failed_at = error, now

    def _works(self) -> None:
        with self._lock:
            if self._failure is not None:
                self._news.append(("up", self._failure.store))
            self._failure = None
