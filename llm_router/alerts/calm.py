"""What is told of a thing that changes again and again: the first of each kind at once, then each kind once in a while.

What came too soon isn't lost: it is told late, if it still holds by then. So a deployment that goes up and down makes
two alerts in five minutes, and the last one says how it is.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from llm_router.alerts.notice import Notice
from llm_router.policy.program import AlertEvent

QUIET_S = 300.0
"""For so long nothing of the same kind is told of the same subject: a default cooldown's length."""

_OPPOSITE: Mapping[AlertEvent, AlertEvent] = {"deployment_down": "deployment_up", "deployment_up": "deployment_down"}


class Calm:
    """Says which notices are to be told now. `monotonic` is its clock; threads may share one."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._told: dict[tuple[str, AlertEvent], float] = {}
        self._now: dict[str, AlertEvent] = {}
        self._late: dict[str, Notice] = {}

    def admits(self, notice: Notice) -> bool:
        """Whether to tell it at once; one that is put off comes out of `due`."""
        if not notice.subject:
            return True
        with self._lock:
            return self._admits(notice)

    def due(self) -> list[Notice]:
        """What was put off, and is to be told now."""
        if not self._late:
            return []
        with self._lock:
            ready = [notice for notice in self._late.values() if self._is_quiet_over(notice)]
            for notice in ready:
                del self._late[notice.subject]
                self._note(notice)
        return ready

    def after_fork(self) -> None:
        """In a child process: a thread of the parent's may have held the lock, and tells what is late."""
        self._lock = threading.Lock()
        self._late = {}

    def _admits(self, notice: Notice) -> bool:
        self._late.pop(notice.subject, None)
        opposite = _OPPOSITE.get(notice.event)
        if opposite is not None and self._now.get(notice.subject) == notice.event:
            return False  # what was told last holds again
        if not self._is_quiet_over(notice):
            if opposite is not None:
                self._late[notice.subject] = notice
            return False
        self._note(notice)
        return True

    def _is_quiet_over(self, notice: Notice) -> bool:
        last = self._told.get((notice.subject, notice.event))
        return last is None or self._monotonic() >= last + QUIET_S

    def _note(self, notice: Notice) -> None:
        self._told[notice.subject, notice.event] = self._monotonic()
        self._now[notice.subject] = notice.event
