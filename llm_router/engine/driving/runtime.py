"""What the requests of one router share while they run: clock, connections, health, observers.

It performs effects, for threads (`perform`) and in asyncio (`perform_async`). Effects on the store are performed at
once in both, so no cancellation comes between an act and its result.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
import weakref
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from llm_router.engine.driving.drive import finish, finish_async, in_thread
from llm_router.engine.driving.home import Home
from llm_router.engine.driving.race import Race, run_race
from llm_router.engine.effects import (
    Close,
    Effect,
    Lost,
    Now,
    Open,
    Read,
    Reply,
    Script,
    Sleep,
    StoreEffect,
    Tell,
    WallTime,
)
from llm_router.engine.events import Event, Observer
from llm_router.engine.leaving import Leaving
from llm_router.engine.log import log_event, logger
from llm_router.engine.stores import Stores
from llm_router.engine.storing import AccountEffect, Park
from llm_router.engine.transport import AsyncTransport, Transport
from llm_router.errors import RouterClosed
from llm_router.state.health import HealthBook
from llm_router.state.parking import Spot

T = TypeVar("T")

LEFT_EVERY_S = 0.5
"""How often who waits for room looks for streams that nobody holds any more: no other request may come that does."""


@dataclass(frozen=True, slots=True)
class Orphan:
    """A script whose stream nobody holds any more, and the loop that drove it; `None` where threads did."""

    script: Script[Any]
    loop: asyncio.AbstractEventLoop | None


class Runtime:
    """Performs effects until it is closed.

    `home` is the transport of the router's own loop, on which races of blocking calls run; `None` where they can't.
    """

    def __init__(
        self,
        transport: Transport,
        async_transport: AsyncTransport,
        observers: Sequence[Observer],
        *,
        home: AsyncTransport | None = None,
    ) -> None:
        self.book = HealthBook()
        self.orphans: SimpleQueue[Orphan] = SimpleQueue()
        self._transport = transport
        self._async_transport = async_transport
        self._home_transport = home
        self.home = Home(home)
        self._observers = tuple(observers)
        self._closed = threading.Event()
        self._detached: set[asyncio.Task[Any]] = set()
        self._sleepers: set[asyncio.Future[None]] = set()
        self._parked: set[threading.Event] = set()
        self.stores = Stores()
        _RUNTIMES.add(self)

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._closed.is_set()

    @property
    def closing(self) -> threading.Event:
        """Is set by `close`."""
        return self._closed

    def perform(self, effect: Effect[Any], leaving: Leaving | None = None) -> Any:
        """The effect's result; blocks for as long as it takes, unless who waits for it is `leaving`."""
        match effect:
            case Open() | Read() | Close() | Race():
                return self._exchanged(effect, leaving or Leaving())
            case Sleep(until):
                self._wait(until, leaving or Leaving())
                return self.check_open()
            case Park(spot, until):
                self._wait(until, leaving or Leaving(), spot)
                return self.check_open()
            case _:
                return self._at_once(effect)

    def _exchanged(self, effect: Open | Read | Close | Race[Any], leaving: Leaving) -> Any:
        match effect:
            case Open():
                self.check_open()
                return self._unless_closed(self._transport.open, effect, leaving)
            case Race() | Read(Reply(home=True)) | Close(Reply(home=True)):
                return self.home.perform(effect, self, leaving)
            case Read():
                return self._unless_closed(self._transport.read, effect, leaving)
            case Close():
                return self._transport.close(effect)

    async def perform_async(self, effect: Effect[Any]) -> Any:
        """The effect's result."""
        match effect:
            case Open() | Read():
                return await self.exchange(effect, self._async_transport)
            case Race():
                return await run_race(effect, self.perform_async, self.detach)
            case Close():
                return await self._async_transport.close(effect)
            case Sleep(until):
                await self._sleep(max(0.0, until - time.monotonic()))
                return self.check_open()
            case Park(spot, until):
                await self._sleep(max(0.0, until - time.monotonic()), spot)
                return self.check_open()
            case AccountEffect() if self.blocks(effect):
                return await in_thread(effect)
            case _:
                return self._at_once(effect)

    def blocks(self, effect: Effect[Any]) -> bool:
        """Whether performing it takes input and output of a store, for which no loop may wait."""
        return isinstance(effect, AccountEffect) and effect.accounts.shared

    def check_open(self) -> None:
        """Nothing. Raises RouterClosed after `close`."""
        if self.closed:
            raise RouterClosed("the router is closed")

    def detach(self, rest: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run the rest of a script as a task that nobody else cancels, and that is held until it is done."""
        task = asyncio.get_running_loop().create_task(rest)
        self._detached.add(task)
        task.add_done_callback(self._detached.discard)
        return task

    async def exchange(self, effect: Open | Read, transport: AsyncTransport) -> Any:
        """What the transport gives; what it lost because the router was closed is no provider's fault."""
        try:
            if isinstance(effect, Read):
                return await transport.read(effect)
            self.check_open()
            return await transport.open(effect)
        except Lost:
            self.check_open()
            raise

    def leave(self, script: Script[Any], loop: asyncio.AbstractEventLoop | None) -> None:
        """Leave the rest of a script to the next request: for finalisers, without I/O and without a lock."""
        self.orphans.put(Orphan(script, loop))

    def drain(self) -> None:
        """Drive scripts to their end whose streams were left without being closed."""
        while True:
            try:
                orphan = self.orphans.get_nowait()
            except Empty:
                return
            self._bury(orphan)

    def close(self) -> None:
        """End what is under way, and close all connections."""
        self._closed.set()
        for sleeper in list(self._sleepers):
            _wake_from_elsewhere(sleeper.get_loop(), sleeper)
        for parked in list(self._parked):
            parked.set()
        self.drain()
        self._transport.shut()
        for transport in self._looped():
            transport.shut()
        self.home.close()

    async def aclose(self) -> None:
        """As `close`, and wait for what cancelled requests in this loop still tidy up."""
        self.close()
        while tasks := self._detached_here():
            await asyncio.gather(*tasks, return_exceptions=True)
        await self._async_transport.aclose()

    def after_fork(self) -> None:
        """Leave to the parent process what is the parent's."""
        self.book.after_fork()
        self.orphans = SimpleQueue()
        self._detached = set()
        self._sleepers = set()
        self._parked = set()
        self.stores.after_fork()
        closed, self._closed = self._closed.is_set(), threading.Event()
        if closed:
            self._closed.set()
        self._transport.after_fork()
        for transport in self._looped():
            transport.after_fork()
        self.home.after_fork()

    def release(self) -> None:
        """Close the sockets of a router that is garbage: no lock, nothing that waits."""
        self._transport.release()
        for transport in self._looped():
            transport.release()
        self.home.release()

    def _looped(self) -> list[AsyncTransport]:
        """The transports of event loops, each once."""
        home = self._home_transport
        return [self._async_transport, *([] if home is None or home is self._async_transport else [home])]

    def _detached_here(self) -> list[asyncio.Task[Any]]:
        here = asyncio.get_running_loop()
        tasks = list(self._detached)  # other loops add theirs meanwhile
        return [task for task in tasks if task.get_loop() is here and not task.done()]

    def _wait(self, until: float, leaving: Leaving, spot: Spot | None = None) -> None:
        """Wait until the instant has come, the spot is woken, who waits leaves, or the router is closed."""
        woken = threading.Event()
        self._parked.add(woken)
        try:
            with leaving.ending(woken.set):
                if spot is not None:
                    spot.listen(woken.set)
                while not self.closed and not woken.is_set() and (left := until - time.monotonic()) > 0:
                    if spot is not None:
                        self.drain()
                    woken.wait(left if spot is None else min(left, LEFT_EVERY_S))
        finally:
            self._parked.discard(woken)
            if spot is not None:
                spot.hush()

    async def _sleep(self, seconds: float, spot: Spot | None = None) -> None:
        """Wait, until `close` at most, or until the spot is woken."""
        loop = asyncio.get_running_loop()
        sleeper = loop.create_future()
        alarm = loop.call_later(seconds, _wake, sleeper)
        self._sleepers.add(sleeper)
        try:
            if self.closed:  # just now: `close` didn't know of this sleeper
                _wake(sleeper)
            if spot is not None:
                spot.listen(partial(_wake_from_elsewhere, loop, sleeper))
                self._look_after(loop, sleeper)
            await sleeper
        finally:
            alarm.cancel()
            self._sleepers.discard(sleeper)
            if spot is not None:
                spot.hush()

    def _look_after(self, loop: asyncio.AbstractEventLoop, sleeper: asyncio.Future[None]) -> None:
        """Tidy up after left streams for as long as somebody sleeps, who may wait for their room."""
        if not sleeper.done():
            self.drain()
            loop.call_later(LEFT_EVERY_S, self._look_after, loop, sleeper)

    def _unless_closed(self, act: Any, effect: Effect[Any], leaving: Leaving) -> Any:
        """What the transport gives; what it lost because the router was closed is no provider's fault."""
        try:
            return act(effect, leaving)
        except Lost:
            self.check_open()
            raise

    def _at_once(self, effect: Effect[Any]) -> Any:
        match effect:
            case Now():
                return time.monotonic()
            case WallTime():
                return time.time()
            case Tell(event):
                return self._tell(event)
            case StoreEffect():
                return effect.act(self.book)
            case AccountEffect():
                return effect.act()
            case _:
                raise TypeError(f"nobody performs {type(effect).__name__}")

    def _tell(self, event: Event) -> None:
        log_event(event)
        for observer in self._observers:
            try:
                observer(event)
            except Exception:
                logger.warning("an observer failed at %s", type(event).__name__, exc_info=True)

    def _bury(self, orphan: Orphan) -> None:
        """End a script where its connection lives; where its loop is gone, so is the connection."""
        if orphan.loop is None:
            finish(orphan.script, self.perform)
        elif orphan.loop is asyncio._get_running_loop():
            self._bury_here(orphan.script)  # at once, so that `aclose` waits for it
        elif not orphan.loop.is_closed():
            orphan.loop.call_soon_threadsafe(self._bury_here, orphan.script)

    def _bury_here(self, script: Script[Any]) -> None:
        self.detach(finish_async(script, self.perform_async))


def _wake_from_elsewhere(loop: asyncio.AbstractEventLoop, sleeper: asyncio.Future[None]) -> None:
    with contextlib.suppress(RuntimeError):  # its loop is closed
        loop.call_soon_threadsafe(_wake, sleeper)


def _wake(sleeper: asyncio.Future[None]) -> None:
    if not sleeper.done():
        sleeper.set_result(None)


_RUNTIMES: weakref.WeakSet[Runtime] = weakref.WeakSet()


def _after_fork() -> None:
    for runtime in list(_RUNTIMES):
        runtime.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
