"""What processes tell each other of one deployment's health: a value, on whatever clock its speaker has."""

from __future__ import annotations

from dataclasses import dataclass, replace

from llm_router.errors import FailureClass

NEAR_S = 0.1
"""Instants that went from one clock to another and back are the same within this."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What other processes should know of a deployment: instants, on the clock of whoever says it; `None`: isn't so."""

    cooling_until: float | None = None
    declared: bool = False
    limited_until: float | None = None
    failure: FailureClass | None = None

    def at(self, now: float) -> Facts:
        """The same without a limit that is over."""
        over = self.limited_until is not None and self.limited_until <= now
        return replace(self, limited_until=None) if over else self

    def moved(self, shift: float) -> Facts:
        """The same on a clock that is `shift` ahead."""
        cooling, limited = (None if each is None else each + shift for each in (self.cooling_until, self.limited_until))
        return replace(self, cooling_until=cooling, limited_until=limited)

    def is_like(self, other: Facts) -> bool:
        """Whether it makes no difference which of them is true."""
        return _near(self.cooling_until, other.cooling_until) and _near(self.limited_until, other.limited_until)


def _near(one: float | None, other: float | None) -> bool:
    return one is other if one is None or other is None else abs(one - other) < NEAR_S
