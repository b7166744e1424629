"""What hedges cost, beside all attempts: counted at the start of each, by its estimate, so that no request overshoots.

Where the price of a hedge isn't known, attempts are counted instead of money.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from fractions import Fraction


@dataclass(slots=True)
class _Sum:
    """What all attempts amount to, and the hedges among them."""

    everybody: int = 0
    hedges: int = 0

    def has_room(self, amount: int, share: Fraction) -> bool:
        return self.hedges + amount <= share * (self.everybody + amount)

    def add(self, amount: int, *, hedge: bool) -> None:
        self.everybody += amount
        self.hedges += amount if hedge else 0


class HedgeCount:
    """The attempts of one router so far. Costs are in picodollars."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._money = _Sum()
        self._attempts = _Sum()

    def count(self, cost: int | None, share: Fraction | None) -> bool:
        """Count an attempt that begins; `share` is what hedges may amount to, `None` for one that is no hedge.

        Whether it may begin: a hedge for which there is no room isn't counted.
        """
        with self._lock:
            counted = (self._attempts, 1) if cost is None else (self._money, cost)
            if share is not None and not counted[0].has_room(counted[1], share):
                return False
            self._money.add(cost or 0, hedge=share is not None)
            self._attempts.add(1, hedge=share is not None)
            return True

    def after_fork(self) -> None:
        """Start with a free lock in a child process."""
        self._lock = threading.Lock()
