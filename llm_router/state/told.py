"""What this process knows to have been told, so that it needn't ask a store again and again whether it may tell it."""

from __future__ import annotations

MOST = 10_000
"""Marks that are kept; with more, those that no longer matter are dropped, or all: the store remembers them."""


class Told:
    """Marks with the instant (epoch seconds) until which they count. Threads may share one: each act is one step."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def has(self, mark: str, now: float) -> bool:
        """Whether it is known to have been told."""
        return self._until.get(mark, now) > now

    def note(self, mark: str, *, until: float, now: float) -> None:
        """From now on it is known."""
        if len(self._until) >= MOST:
            fresh = {each: instant for each, instant in tuple(self._until.items()) if instant > now}
            self._until = fresh if len(fresh) < MOST else {}
        self._until[mark] = until
