"""The time that an exchange has left, asked for anew at each read."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Protocol


class Abortable(Protocol):
    """A connection that can be ended from any thread."""

    def abort(self) -> None:
        """End it: whoever waits for it is woken."""


@dataclass(slots=True)
class Limit:
    """Until when (on the monotonic clock) the next wait may last; `None` is for ever.

    The HTTP library hands it unchanged from a request's extensions to our network stream, which so learns of every
    change that was made since the request was sent. `waiting` is the connection that waits under this limit.
    """

    until: float | None = None
    waiting: Abortable | None = field(default=None, repr=False)
    aborted: bool = False

    def abort(self) -> None:
        """End the exchange from any thread: whoever waits is woken, and nobody waits any more."""
        self.aborted = True
        if self.waiting is not None:
            self.waiting.abort()

    def left_s(self) -> float | None:
        """Seconds left, not below zero."""
        return None if self.until is None else max(0.0, self.until - time.monotonic())


def seconds_left(timeout: object) -> float | None:
    """What a timeout that came through the HTTP library means in seconds."""
    if isinstance(timeout, Limit):
        return timeout.left_s()
    return timeout if isinstance(timeout, float | int) else None
