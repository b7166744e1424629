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
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from llm_router.engine.effects import Cancelled, Decided, Effect, Emit, Script

if TYPE_CHECKING:
    from llm_router.engine.storing import AccountEffect

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


async def run_new(make: Callable[[], Script[T]], perform: PerformAsync, detach: Detach) -> T:
    """As `run_async`, of a script that is made when it is first driven: one that never is leaves nothing unawaited."""
    return await run_async(make(), perform, detach)


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


def begin(script: Script[Any], perform: Perform, blocks: Callable[[Effect[Any]], bool]) -> Effect[Any]:
    """The `Decided` of a script that nobody drove yet, or the first effect before it that may block. Raises as it."""
    step: Step = script.send
    value: Any = None
    while True:
        effect = step(value)
        if isinstance(effect, Decided) or blocks(effect):
            return effect
        try:
            step, value = script.send, perform(effect)
        except Exception as error:
            step, value = script.throw, error


async def advance_async(
    script: Script[T], perform: PerformAsync, detach: Detach, begun: Effect[Any] | None = None
) -> Pause[T]:
    """Where the script pauses next; `begun` is an effect that it already waits for. Raises what it raises."""
    step: Step = script.send
    value: Any = None
    while True:
        try:
            effect, begun = begun or step(value), None
        except StopIteration as end:
            return Ended(end.value)
        if isinstance(effect, Decided | Emit):
            return effect
        try:
            step, value = script.send, await perform(effect)
        except Exception as error:
            step, value = script.throw, error
        except asyncio.CancelledError as error:
            detach(finish_async(script, perform, error.act if isinstance(error, CancelledAct) else None))
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


class CancelledAct(asyncio.CancelledError):
    """Whoever waited for an act was cancelled; the act goes on, and its result is the script's."""

    def __init__(self, act: asyncio.Future[Any]) -> None:
        super().__init__()
        self.act = act


async def in_thread(effect: AccountEffect[T]) -> T:
    """What the act gives, performed where it may block. Raises CancelledAct when nobody waits for it any more."""
    act = asyncio.get_running_loop().run_in_executor(None, effect.act)
    try:
        return await asyncio.shield(act)
    except asyncio.CancelledError:
        raise CancelledAct(act) from None


async def finish_async(script: Script[Any], perform: PerformAsync, act: asyncio.Future[Any] | None = None) -> None:
    """Drive a script that nobody wants any more to its end; `act` is what it was still waiting for.

    A cancellation that came during an act comes in after what concludes it, so that an attempt that is over is taken
    note of as a whole.
    """
    step, value = (script.throw, Cancelled()) if act is None else await _came(script, act)
    told = act is None
    while True:
        try:
            effect = step(value)
        except (Exception, Cancelled):
            return
        if not told and not effect.concludes:
            effect.drop()
            told, step, value = True, script.throw, Cancelled()
        else:
            step, value = await _performed_async(script, effect, perform)


async def _came(script: Script[Any], act: asyncio.Future[Any]) -> tuple[Step, Any]:
    """The step to take with what came of the act."""
    try:
        return script.send, await act
    except Exception as error:
        return script.throw, error


async def _performed_async(script: Script[Any], effect: Effect[Any], perform: PerformAsync) -> tuple[Step, Any]:
    if isinstance(effect, Decided | Emit):
        return script.send, None
    try:
        return script.send, await perform(effect)
    except Exception as error:
        return script.throw, error
