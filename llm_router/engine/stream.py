"""A streamed answer, as the caller holds it. Both kinds step the same script, from one event to the next."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Coroutine
from decimal import Decimal
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from typing_extensions import override

from llm_router.engine.answer import Answer
from llm_router.engine.driving.drive import Ended, Pause, advance, advance_async, begin, finish, finish_async
from llm_router.engine.effects import Decided, Effect, Emit, Script
from llm_router.engine.leaving import Leaving
from llm_router.errors import RouterClosed

if TYPE_CHECKING:
    from llm_router.engine.accounting.meter import Meter
    from llm_router.engine.driving.runtime import Runtime
    from llm_router.messages import StreamEvent
    from llm_router.policy.decision import Decision


class _Streaming:
    """What both kinds of stream are: a script that was driven to its decision, and where it stands."""

    def __init__(self, script: Script[Answer], runtime: Runtime, meter: Meter) -> None:
        self._over = True  # until the script has begun, there is nothing to tidy up
        self._script = script
        self._runtime = runtime
        self._meter = meter
        self._answer: Answer | None = None
        self._decision: Decision | None = None
        self._begin()
        self._over = False

    def _begin(self) -> None:
        """Drive the script to its decision."""
        first = advance(self._script, self._runtime.perform)
        assert isinstance(first, Decided)  # INVARIANT: a script that raises nothing decides first
        self._decision = first.decision

    @property
    def decision(self) -> Decision:
        """Who is asked, and why. Raises RuntimeError while an asynchronous stream has yet to ask a shared store."""
        if self._decision is None:
            raise RuntimeError("who is asked isn't known yet: enter the stream's block, or read from it")
        return self._decision

    @property
    def answer(self) -> Answer:
        """The whole answer, once the last event has come. Raises RuntimeError before that."""
        if self._answer is None:
            raise RuntimeError("the answer isn't whole yet: read the stream to its end")
        return self._answer

    @property
    def cost_so_far(self) -> Decimal | None:
        """US dollars up to now: exact for attempts that are over, for the one under way by what it has said so far.

        Once the answer is whole it is the answer's cost. `None` where the price of an attempt isn't known.
        """
        return self._meter.usd_so_far(time.time())

    def _event(self, pause: Pause[Answer]) -> StreamEvent | None:
        """The event that a pause gives the consumer; `None` at the end."""
        match pause:
            case Emit(event):
                self._meter.hear(event)
                return event
            case Ended(answer):
                self._over = True
                self._answer = answer
                return None
            case _:
                raise AssertionError("a script decides once")

    def _leave(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Leave the script to the next request: a finaliser does no I/O and takes no lock."""
        if not self._over:
            self._over = True
            self._runtime.leave(self._script, loop)


class _Left(BaseException):
    """The consumer closed the stream from another thread."""


def _closed() -> RouterClosed:
    return RouterClosed("the stream was closed while it was read")


class Stream(_Streaming):
    """The events of one answer, as they come; `decision` is known at once.

    Leave it early with `close`, or by leaving its `with` block. Another thread may close it: whoever is reading then
    gets RouterClosed.
    """

    def __init__(self, script: Script[Answer], runtime: Runtime, meter: Meter) -> None:
        self._stepping = threading.Lock()
        self._leaving = Leaving()
        self._told = False
        super().__init__(script, runtime, meter)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> StreamEvent:
        with self._stepping:
            event = None if self._over else self._event(self._advance())
        if event is None:
            raise StopIteration
        if self._leaving.left:
            self.close()  # whoever called it couldn't
            raise _closed()
        return event

    def close(self) -> None:
        """Stop, and close the connection unless the answer is whole."""
        self._leaving.leave()
        if not self._stepping.acquire(blocking=False):
            return
        try:
            if not self._over:
                self._over = True
                finish(self._script, self._runtime.perform)
        finally:
            self._stepping.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self._leave(None)

    def _advance(self) -> Pause[Answer]:
        try:
            return advance(self._script, self._perform)
        except _Left:
            self._over = True
            raise _closed() from None
        except BaseException:
            self._over = True
            raise

    def _perform(self, effect: Effect[Any]) -> Any:
        """Perform it. Once the stream is closed the script hears of that, and what it does to tidy up is performed."""
        if self._is_news(effect):
            effect.drop()
            raise _Left
        try:
            return self._runtime.perform(effect, None if self._told or effect.concludes else self._leaving)
        except Exception:
            if self._is_news(effect):
                raise _Left from None
            raise

    def _is_news(self, effect: Effect[Any]) -> bool:
        """Whether the script is to hear now that the stream is closed: once, and not while it concludes something."""
        if self._told or effect.concludes or not self._leaving.left:
            return False
        self._told = True
        return True


class AsyncStream(_Streaming):
    """The events of one answer, as they come.

    `decision` is known at once, but for a request whose limits and budgets lie in a store that others share: that is
    asked when the block is entered or the first event is read, since a loop must not wait for it.
    Leave it early with `aclose`, or by leaving its `async with` block.
    """

    def __init__(self, script: Script[Answer], runtime: Runtime, meter: Meter) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._reading = False
        self._rest: asyncio.Task[None] | None = None
        self._begun: Effect[Any] | None = None
        super().__init__(script, runtime, meter)

    def __aiter__(self) -> Self:
        return self

    @override
    def _begin(self) -> None:
        first = begin(self._script, self._runtime.perform, self._runtime.blocks)
        if isinstance(first, Decided):
            self._decision = first.decision
        else:
            self._begun = first

    async def _decide(self) -> None:
        if self._decision is None and not self._over:
            first = await self._advance()
            assert isinstance(first, Decided)  # INVARIANT: a script that raises nothing decides first
            self._decision = first.decision

    async def __anext__(self) -> StreamEvent:
        await self._decide()
        if self._over:
            raise StopAsyncIteration
        event = self._event(await self._advance())
        if event is None:
            raise StopAsyncIteration
        return event

    async def aclose(self) -> None:
        """Stop, and close the connection unless the answer is whole; waits until that is done."""
        if self._reading:
            raise RuntimeError("another task reads the stream: cancel that task instead")
        if not self._over:
            self._over = True
            self._detach(finish_async(self._script, self._runtime.perform_async))
        if self._rest is not None:
            await asyncio.shield(self._rest)

    async def __aenter__(self) -> Self:
        await self._decide()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __del__(self) -> None:
        self._leave(self._loop)

    async def _advance(self) -> Pause[Answer]:
        if self._reading:
            raise RuntimeError("another task reads the stream already")
        self._reading, self._loop = True, asyncio.get_running_loop()
        try:
            begun, self._begun = self._begun, None
            return await advance_async(self._script, self._runtime.perform_async, self._detach, begun)
        except BaseException:
            self._over = True
            raise
        finally:
            self._reading = False

    def _detach(self, rest: Coroutine[Any, Any, None]) -> None:
        self._rest = self._runtime.detach(rest)
