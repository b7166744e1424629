"""The connections of a transport that are open."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

from llm_router.engine.transport.limits import Abortable

C = TypeVar("C", bound=Abortable)


class Live(Generic[C]):
    """Open connections, for threads; once they are shut, none that is still being made stays open either."""

    def __init__(self) -> None:
        self._open: set[C] = set()
        self._shut = False

    def __iter__(self) -> Iterator[C]:
        return iter(list(self._open))

    def add(self, connection: C) -> None:
        """Take note of a new one."""
        self._open.add(connection)
        if self._shut:
            connection.abort()

    def discard(self, connection: C) -> None:
        """Forget one that is closed."""
        self._open.discard(connection)

    def shut(self) -> None:
        """End all exchanges, from any thread, now and from now on."""
        self._shut = True
        for connection in self:
            connection.abort()
