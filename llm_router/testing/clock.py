"""A clock that stands still until it is moved."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class VirtualClock:
    """Time for tests: call it for the instant in seconds since the epoch; `monotonic` starts at 0 with it.

    `start` is a Thursday, 2026-11-19 12:00:00 UTC: a fixed day, so that prices and hours are the same at every run.
    """

    start: float = 1_795_089_600.0
    elapsed: float = 0.0

    def __call__(self) -> float:
        """Seconds since the epoch."""
        return self.start + self.elapsed

    def monotonic(self) -> float:
        """Seconds since the clock was made."""
        return self.elapsed

    def advance(self, seconds: float) -> None:
        """Move on. Raises ValueError for a step back."""
        if seconds < 0:
            raise ValueError("a clock only goes forward")
        self.elapsed += seconds

    def advance_to(self, instant: float) -> None:
        """Move on to an instant of `monotonic`, unless that has passed."""
        self.elapsed = max(self.elapsed, instant)
