"""Several scripts at once: the first that shows content, or whose end decides, wins, and the others are cancelled.

A script of a race, a leg, runs until it has something for the consumer (`Emit`) or ends. Who wins by showing content is
gone on with by the script that asked for the race: `Rest` is awaited there like any other script.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from typing_extensions import override

from llm_router.engine.driving.drive import Ended, Pause, PerformAsync, advance_async, finish_async
from llm_router.engine.effects import Effect, Emit, Script

T = TypeVar("T")


class Detach(Protocol):
    """Runs a coroutine as a task that nobody but who asks for it cancels, and somebody holds."""

    def __call__(self, rest: Coroutine[Any, Any, T], /) -> asyncio.Task[T]:
        """The task."""


class Rest(Generic[T]):
    """A script that was driven to its first content: awaited, it gives that, goes on, and returns what it returns."""

    def __init__(self, leg: Script[T], content: Emit) -> None:
        self.leg = leg
        self._content = content

    def __await__(self) -> Generator[Effect[Any], Any, T]:
        effect: Effect[Any] = self._content
        while True:
            try:
                value = yield effect
            except GeneratorExit:
                self.leg.close()
                raise
            except BaseException as error:
                step, given = self.leg.throw, error
            else:
                step, given = self.leg.send, value  # type: ignore[assignment]  # both take what is given to them
            try:
                effect = step(given)
            except StopIteration as end:
                result: T = end.value
                return result


@dataclass(frozen=True, slots=True)
class Raced(Generic[T]):
    """How a race ended: what those legs returned that ended, in that order, and who won by showing content, if any."""

    ended: tuple[T, ...]
    winner: Rest[T] | None = None


@dataclass(frozen=True, slots=True)
class Race(Effect[Raced[T]]):
    """How the race of these legs ended; a leg that isn't driven on any more has tidied up.

    `decides` says whether what a leg returned ends the race; without that it lasts until all have ended.
    """

    legs: tuple[Script[T], ...]
    decides: Callable[[T], bool]

    @override
    def drop(self) -> None:
        for leg in self.legs:
            leg.close()


async def run_race(race: Race[T], perform: PerformAsync, detach: Detach) -> Raced[T]:
    """Perform a race with a task for each leg."""
    course = _Course(race, perform, detach)
    try:
        raced = await course.run()
    except BaseException:
        course.leave()
        raise
    try:
        await course.tidied()
    except BaseException:
        if raced.winner is not None:
            detach(finish_async(raced.winner.leg, perform))
        raise
    return raced


class _Course(Generic[T]):
    """A race under way."""

    def __init__(self, race: Race[T], perform: PerformAsync, detach: Detach) -> None:
        self._race = race
        self._perform = perform
        self._detach = detach
        self._rests: list[asyncio.Task[None]] = []
        self._running = {detach(advance_async(leg, perform, self._hold)): leg for leg in race.legs}
        for task in self._running:
            task.add_done_callback(_heard)

    async def run(self) -> Raced[T]:
        """Let them run until one has won or all have ended; then end the others."""
        ended: list[T] = []
        while self._running:
            done, _ = await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
            for task in [task for task in self._running if task in done]:
                leg = self._running.pop(task)
                match task.result():
                    case Ended(value):
                        ended.append(value)
                        if self._race.decides(value):
                            return self._over(Raced(tuple(ended)))
                    case Emit() as content:
                        return self._over(Raced(tuple(ended), Rest(leg, content)))
                    case _:
                        raise AssertionError("a leg doesn't decide")
        return Raced(tuple(ended))

    def _over(self, raced: Raced[T]) -> Raced[T]:
        self.leave()
        return raced

    def leave(self) -> None:
        """End all that still run, without waiting."""
        for task, leg in self._running.items():
            if task.done():
                self._end(task, leg)
            elif inspect.getcoroutinestate(leg) == inspect.CORO_CREATED:
                task.cancel()
                leg.close()
            else:
                task.cancel()

    async def tidied(self) -> None:
        """Nothing, once those who were ended are."""
        if self._running:
            await asyncio.wait(self._running)
        for rest in self._rests:
            await asyncio.shield(rest)

    def _end(self, task: asyncio.Task[Pause[T]], leg: Script[T]) -> None:
        """End a leg that came second in the same moment."""
        if not task.cancelled() and task.exception() is None and isinstance(task.result(), Emit):
            self._hold(finish_async(leg, self._perform))

    def _hold(self, rest: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._detach(rest)
        self._rests.append(task)
        return task


def _heard(task: asyncio.Task[Any]) -> None:
    """Take note of what a leg raised, though another one may have ended the race."""
    if not task.cancelled():
        task.exception()
