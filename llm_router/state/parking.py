"""Who waits for room in an account, in fair order: the first to come is the first to be let in.

A spot is a place in the queue of one account. Its holder parks (a thread or a task, the queue doesn't care) and is
woken when something of the account was settled; it then tries again, and leaves when it got in or gave up. While
somebody waits at an account, nobody who comes later gets in before. Who waits at one account isn't held up at another:
two who need both would wait for each other. Queues are this process's own: between processes there is no order.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable


class Spot:
    """A place in the queue of `account`. `wake` may be called from any thread."""

    __slots__ = ("_listener", "_lock", "_woken", "account")

    def __init__(self, account: str) -> None:
        self.account = account
        self._lock = threading.Lock()
        self._listener: Callable[[], object] | None = None
        self._woken = False

    def listen(self, listener: Callable[[], object]) -> None:
        """Call `listener` once, at the next waking; at once where one came since the last."""
        with self._lock:
            woken, self._woken = self._woken, False
            self._listener = None if woken else listener
        if woken:
            listener()

    def hush(self) -> None:
        """Call nobody any more: the next waking is for who listens then."""
        with self._lock:
            self._listener = None

    def wake(self) -> None:
        """Wake who is parked here, or who parks next."""
        with self._lock:
            listener, self._listener = self._listener, None
            self._woken = listener is None
        if listener is not None:
            listener()


class Parking:
    """The queues of all accounts of one router."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queues: dict[str, deque[Spot]] = {}

    def enter(self, account: str) -> Spot:
        """A spot at the end of the account's queue."""
        spot = Spot(account)
        with self._lock:
            self._queues.setdefault(account, deque()).append(spot)
        return spot

    def leave(self, spot: Spot) -> None:
        """Give the spot up, whatever came of it; the next in line looks whether there is room. Twice does no harm."""
        with self._lock:
            queue = self._queues.get(spot.account)
            if queue is not None and spot in queue:
                queue.remove(spot)
                if not queue:
                    del self._queues[spot.account]
        self.wake((spot.account,))

    def before(self, accounts: Iterable[str], spot: Spot | None) -> str | None:
        """The first of `accounts` at which somebody stands in line before `spot`, or before a newcomer (`None`)."""
        if not self._queues:
            return None
        if spot is not None:
            accounts = (spot.account,)
        with self._lock:
            return next((each for each in accounts if (queue := self._queues.get(each)) and queue[0] is not spot), None)

    def wake(self, accounts: Iterable[str]) -> None:
        """Wake the first in line of each of these accounts."""
        if not self._queues:
            return
        with self._lock:
            first = [queue[0] for account in accounts if (queue := self._queues.get(account))]
        for spot in first:
            spot.wake()

    def after_fork(self) -> None:
        """Start empty in a child process: who waited there waits in the parent."""
        self._lock = threading.Lock()
        self._queues = {}
