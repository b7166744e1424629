"""How bytes travel. What a runtime must know of it is here; the HTTP library is imported only by who makes one."""

from __future__ import annotations

from typing import Protocol

from llm_router.engine.effects import Close, Open, Read, Reply
from llm_router.engine.leaving import Leaving


class Transport(Protocol):
    """Performs exchanges for threads; one that is left ends as if its connection were lost."""

    def open(self, effect: Open, leaving: Leaving, /) -> Reply:
        """Send the request; the head of its response."""

    def read(self, effect: Read, leaving: Leaving, /) -> bytes:
        """The next bytes of the body."""

    def close(self, effect: Close) -> None:
        """Free the connection."""

    def shut(self) -> None:
        """End every exchange, and close what is idle."""

    def release(self) -> None:
        """Close every socket, without a lock and without waiting."""

    def after_fork(self) -> None:
        """Leave the parent's connections to the parent."""


class AsyncTransport(Protocol):
    """Performs exchanges for event loops."""

    async def open(self, effect: Open) -> Reply:
        """Send the request; the head of its response."""

    async def read(self, effect: Read) -> bytes:
        """The next bytes of the body."""

    async def close(self, effect: Close) -> None:
        """Free the connection."""

    def shut(self) -> None:
        """End every exchange in every loop, and close what has no loop to do it."""

    async def aclose(self) -> None:
        """Close what is idle in this loop."""

    def release(self) -> None:
        """Close every socket, without a lock and without waiting."""

    def after_fork(self) -> None:
        """Leave the parent's connections to the parent."""
