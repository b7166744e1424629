"""Delivers notices in a thread, so that no request waits for a webhook or a mail server.

The thread lives as long as there is something to deliver. What can't be delivered is tried again, with growing pauses;
meanwhile the next ones wait, and when too many do, new ones are dropped. Nothing is raised: what is lost is a warning
in the log, which tells no address.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from llm_router.alerts.delivery import deliver, logger
from llm_router.alerts.notice import Notice, Undelivered
from llm_router.policy.alerting import Place

CAPACITY = 100
"""Notices that wait; new ones are dropped when there are as many."""

PAUSES_S = (1.0, 5.0)
"""Between one try and the next: there is one try more than pauses."""

TRY_S = 10.0
"""How long one try may take."""

FLUSH_S = 3.0
"""How long closing waits for what is under way."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A notice and where it goes, unless another process told it: `is_news` asks for that, and may block."""

    notice: Notice
    places: tuple[Place, ...]
    is_news: Callable[[], bool]


class Outbox:
    """Parcels that are delivered one after the other. `pauses_s` are those between tries."""

    def __init__(self, pauses_s: tuple[float, ...] = PAUSES_S) -> None:
        self._pauses_s = pauses_s
        self.after_fork()

    def after_fork(self) -> None:
        """Begin empty; in a child process too, since the parent delivers what it had."""
        self._lock = threading.Lock()
        self._waiting: deque[Parcel] = deque()
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._ends: float | None = None
        self._dropped = 0

    def put(self, parcel: Parcel) -> None:
        """Take it for delivery; never blocks."""
        with self._lock:
            full = len(self._waiting) >= CAPACITY
            self._dropped = self._dropped + 1 if full else self._dropped
            if not full:
                self._waiting.append(parcel)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="llm-router alerts", daemon=True)
                self._thread.start()
        if full and self._dropped == 1:
            logger.warning("%d alerts wait to be delivered: new ones are dropped", CAPACITY)

    @property
    def busy(self) -> bool:
        """Whether something is still to be delivered."""
        return self._thread is not None

    def close(self, within_s: float | None = None) -> None:
        """Deliver what waits, without pauses, for so long at most (`FLUSH_S`); the rest is dropped."""
        within_s = FLUSH_S if within_s is None else within_s
        thread = self._thread
        if thread is None or thread is threading.current_thread():
            return
        self._ends = time.monotonic() + within_s
        self._closing.set()
        thread.join(within_s)
        with self._lock:
            left = len(self._waiting)
            self._waiting.clear()
        if left or thread.is_alive():
            logger.warning("%d alerts weren't delivered in the time that closing leaves", left + thread.is_alive())

    def _work(self) -> None:
        while (parcel := self._next()) is not None:
            try:
                self._deliver(parcel)
            except Exception:
                logger.warning("an alert failed at %s", parcel.notice.event, exc_info=True)

    def _next(self) -> Parcel | None:
        """The next to deliver; if there is none, the thread ends."""
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()
            self._thread, self._dropped = None, 0
            return None

    def _deliver(self, parcel: Parcel) -> None:
        if not parcel.is_news():
            return
        for place in parcel.places:
            self._try(parcel.notice, place)

    def _try(self, notice: Notice, place: Place) -> None:
        """Deliver to one place, again and again."""
        for pause_s in (*self._pauses_s, None):
            try:
                return deliver(notice, place, self._left_s())
            except Undelivered as error:
                if pause_s is None or not error.again or self._left_s() <= 0:
                    logger.warning("the alert %s wasn't delivered: %s", notice.event, error)
                    return None
            self._closing.wait(pause_s)
        return None

    def _left_s(self) -> float:
        """How long a try may take now."""
        return TRY_S if self._ends is None else max(0.0, min(TRY_S, self._ends - time.monotonic()))
