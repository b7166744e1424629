"""Equal requests under way: one makes the answer, the others wait for it.

A flight is the queue of one key, and its first is the leader. Whoever leaves hands over to the next, which looks
whether an answer is there by now and else makes it. A leader whose answer isn't kept leaves nothing to wait for: then
all of them go on by themselves.
"""

from __future__ import annotations

import threading
from collections import deque

from llm_router.state.parking import Spot


class Flights:
    """The flights of one router. Threads and tasks may join the same one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queues: dict[str, deque[Spot]] = {}

    def join(self, key: str) -> Spot:
        """A spot at the end of the key's queue."""
        spot = Spot(key)
        with self._lock:
            self._queues.setdefault(key, deque()).append(spot)
        return spot

    def leads(self, spot: Spot) -> bool:
        """Whether nobody stands before the spot; so too where its flight was broken up."""
        with self._lock:
            queue = self._queues.get(spot.account)
            return queue is None or spot not in queue or queue[0] is spot

    def leave(self, spot: Spot) -> None:
        """Give the spot up; who leads then is woken. Twice does no harm."""
        with self._lock:
            queue = self._queues.get(spot.account)
            if queue is None or spot not in queue:
                return
            queue.remove(spot)
            first = queue[0] if queue else None
            if first is None:
                del self._queues[spot.account]
        if first is not None:
            first.wake()

    def disband(self, spot: Spot) -> None:
        """Break the spot's flight up: everybody in it is woken, and leads."""
        with self._lock:
            queue = self._queues.get(spot.account, deque())
            if spot not in queue:
                return
            del self._queues[spot.account]
        for each in queue:
            each.wake()

    def after_fork(self) -> None:
        """Start empty in a child process: who waited there waits in the parent."""
        self._lock = threading.Lock()
        self._queues = {}
