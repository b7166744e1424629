"""Word from another thread that nobody wants any more what a thread waits for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class Leaving:
    """Ends the waits of one stream, whichever is under way when the word comes, or begins after it.

    The lock may be taken again by its holder: a signal handler may leave where its own thread waits.
    """

    left: bool = False
    _end: Callable[[], object] | None = field(default=None, repr=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def leave(self) -> None:
        """End the wait under way, from any thread, and every later one."""
        with self._lock:
            self.left = True
            if self._end is not None:
                self._end()

    @contextmanager
    def ending(self, end: Callable[[], object]) -> Iterator[None]:
        """Have `end` called when the word comes while the block runs; at once where it came before."""
        with self._lock:
            self._end = end
            if self.left:
                end()
        try:
            yield
        finally:
            with self._lock:
                self._end = None
