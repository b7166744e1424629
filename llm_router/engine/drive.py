"""The two drivers: they step a script, perform what it asks for, and send the result in.

A script pauses where its consumer has to take something (`Decided`, `Emit`); `run` goes over these, a stream stops at
them. When the driver itself is interrupted (a cancelled task, Ctrl-C), the script sees `Cancelled` and is driven to its
end, so that it leaves nothing open; only then does the interruption go on. In asyncio that rest runs as a task of its
own, because a cancelled task must not wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

from llm_router.engine.effects import Cancelled, Decided, Effect, Emit, Script

T = TypeVar("T")

Perform: TypeAlias = Callable[[Effect[Any]], Any]
"""Performs one effect: returns its result, or raises what the effect says that it raises."""

PerformAsync: TypeAlias = Callable[[Effect[Any]], Awaitable[Any]]
Detach: TypeAlias = Callable[[Coroutine[Any, Any, None]], object]
"""Runs a coroutine as a task that nobody cancels and somebody holds."""

Step: TypeAlias = Callable[[Any], Effect[Any]]
"""A script's own `send` or `throw`."""


@dataclass(frozen=True, slots=True)
class Ended(Generic[T]):
    """A script is over; `value` is what it returned."""

    value: T


Pause: TypeAlias = Decided | Emit | Ended[T]


def run(script: Script[T], perform: Perform) -> T:
    """What the script returns; whoever listens to its pauses is not asked."""
    while True:
        match advance(script, perform):
            case Ended(value):
                return value
            case _:
                pass


async def run_async(script: Script[T], perform: PerformAsync, detach: Detach) -> T:
    """What the script returns; whoever listens to its pauses is not asked."""
    while True:
        match await advance_async(script, perform, detach):
            case Ended(value):
                return value
            case _:
                pass


def advance(script: Script[T], perform: Perform) -> Pause[T]:
    """Where the script pauses next. Raises what it raises."""
    step: Step = script.send
    value: Any = None
    while True:
        try:
            effect = step(value)
        except StopIteration as end:
            return Ended(end.value)
        if isinstance(effect, Decided | Emit):
            return effect
        try:
            step, value = script.send, perform(effect)
        except Exception as error:
            step, value = script.throw, error
        except BaseException:
            finish(script, perform)
            raise


async def advance_async(script: Script[T], perform: PerformAsync, detach: Detach) -> Pause[T]:
    """Where the script pauses next. Raises what it raises."""
    step: Step = script.send
    value: Any = None
    while True:
        try:
            effect = step(value)
        except StopIteration as end:
            return Ended(end.value)
        if isinstance(effect, Decided | Emit):
            return effect
        try:
            step, value = script.send, await perform(effect)
        except Exception as error:
            step, value = script.throw, error
        except asyncio.CancelledError:
            detach(finish_async(script, perform))
            raise


def finish(script: Script[Any], perform: Perform) -> None:
    """Drive a script that nobody wants any more to its end."""
    step: Step = script.throw
    value: Any = Cancelled()
    while True:
        try:
            effect = step(value)
        except (Exception, Cancelled):  # StopIteration too: however it ends, it is over
            return
        step, value = _performed(script, effect, perform)


def _performed(script: Script[Any], effect: Effect[Any], perform: Perform) -> tuple[Step, Any]:
    if isinstance(effect, Decided | Emit):
        return script.send, None
    try:
        return script.send, perform(effect)
    except Exception as error:
        return script.throw, error


async def finish_async(script: Script[Any], perform: PerformAsync) -> None:
    """Drive a script that nobody wants any more to its end."""
    step: Step = script.throw
    value: Any = Cancelled()
    while True:
        try:
            effect = step(value)
        except (Exception, Cancelled):
            return
        if isinstance(effect, Decided | Emit):
            step, value = script.send, None
            continue
        try:
            step, value = script.send, await perform(effect)
        except Exception as error:
            step, value = script.throw, error
