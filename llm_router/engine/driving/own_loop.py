"""The router's own event loop, in a thread that is started when it is first needed: for races of blocking calls."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from llm_router.errors import RouterClosed

T = TypeVar("T")

JOIN_S = 5.0
"""How long `close` waits for the thread; what is left after that ends with the process."""

_PARENTS: list[asyncio.AbstractEventLoop] = []
"""Loops of the parent process, which its child neither runs nor closes."""


class OwnLoop:
    """Runs coroutines for threads. The caller's context variables go along."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._over = False

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """What the coroutine will give; cancelling it cancels the coroutine, once that has begun.

        Raises RouterClosed after `close`.
        """
        with self._lock:  # so that it is on the loop before the loop is told to stop
            if self._over:
                raise RouterClosed("the router is closed")
            return asyncio.run_coroutine_threadsafe(work, self._running())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What the coroutine gives; it is cancelled when the wait for it is interrupted."""
        future = self.submit(work)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        """Cancel what runs, and end the thread."""
        with self._lock:
            self._over = True
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop is None or thread is None:
            return
        with contextlib.suppress(RuntimeError):  # it is closed
            loop.call_soon_threadsafe(loop.stop)
        if thread is not threading.current_thread():
            thread.join(JOIN_S)

    def release(self) -> None:
        """End the thread soon: without a lock, without waiting."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._loop.stop)

    def after_fork(self) -> None:
        """Leave the thread and its loop to the parent process."""
        if self._loop is not None:
            _PARENTS.append(self._loop)
        self._lock, self._loop, self._thread = threading.Lock(), None, None

    def _running(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=_serve, args=(self._loop,), name="llm-router", daemon=True)
            self._thread.start()
        return self._loop


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        loop.run_until_complete(asyncio.sleep(0))  # who was only just submitted begins, so that it can tidy up
        while tasks := asyncio.all_tasks(loop):
            for task in tasks:
                task.cancel()
            loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        asyncio.set_event_loop(None)
        loop.close()
