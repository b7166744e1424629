"""Where races of blocking calls run: the router's own event loop, with connections of its own.

What a race opened there is read and closed there, whichever thread asks for it.
"""

from __future__ import annotations

import inspect
from collections.abc import Coroutine
from concurrent.futures import CancelledError
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from llm_router.engine.driving.own_loop import OwnLoop
from llm_router.engine.driving.race import Race, run_race
from llm_router.engine.effects import Close, Effect, Open, Read
from llm_router.engine.leaving import Leaving
from llm_router.engine.transport import AsyncTransport
from llm_router.errors import RequestError, RouterClosed

if TYPE_CHECKING:
    from llm_router.engine.driving.runtime import Runtime

Abroad = Race[Any] | Read | Close


class Home:
    """Performs for threads what belongs to the router's own loop. Without a transport it refuses to."""

    def __init__(self, transport: AsyncTransport | None) -> None:
        self._transport = transport
        self._loop = OwnLoop()

    def perform(self, effect: Abroad, runtime: Runtime, leaving: Leaving) -> Any:
        """The effect's result. Raises RequestError for a race where the caller's own client is to be used."""
        if self._transport is None:
            effect.drop()
            raise RequestError(
                "`hedge` can't be used for calls through an `http_client`, which can't be aborted",
                help="leave `http_client` out, or use the async methods",
            )
        work = self._performed(effect, runtime)
        try:
            return self._run(work, leaving)
        except CancelledError:
            runtime.check_open()
            raise
        except RouterClosed:
            if inspect.getcoroutinestate(work) == inspect.CORO_CREATED:
                work.close()
                effect.drop()
            raise

    def close(self) -> None:
        """End what runs, and the thread."""
        self._loop.close()

    def release(self) -> None:
        """As `close`, without waiting."""
        self._loop.release()

    def after_fork(self) -> None:
        """Leave the thread to the parent process."""
        self._loop.after_fork()

    def _run(self, work: Coroutine[Any, Any, Any], leaving: Leaving) -> Any:
        future = self._loop.submit(work)
        try:
            with leaving.ending(future.cancel):
                return future.result()
        except BaseException:
            future.cancel()
            raise

    async def _performed(self, effect: Effect[Any], runtime: Runtime) -> Any:
        assert self._transport is not None
        match effect:
            case Race():
                return await run_race(effect, lambda step: self._performed(step, runtime), runtime.detach)
            case Open():
                return replace(await runtime.exchange(effect, self._transport), home=True)
            case Read():
                return await runtime.exchange(effect, self._transport)
            case Close():
                return await self._transport.close(effect)
            case _:
                return await runtime.perform_async(effect)
