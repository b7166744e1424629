"""Scripts that race: who wins, and that the others are ended, in asyncio and in virtual time alike."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from typing_extensions import override

from llm_router.engine.driving.drive import advance, advance_async, finish_async, run, run_async
from llm_router.engine.driving.race import Race, Raced
from llm_router.engine.driving.runtime import Runtime
from llm_router.engine.effects import Cancelled, Emit, Now, Script, Sleep
from llm_router.errors import RouterClosed
from llm_router.messages import TextDelta
from llm_router.testing import Emulator, VirtualClock
from llm_router.testing.performer import Performer


@dataclass(slots=True)
class Log:
    """What the legs noted."""

    lines: list[str] = field(default_factory=list)

    async def leg(self, name: str, wait_s: float, *, shows: str = "", fails: Exception | None = None) -> str:
        try:
            await Sleep(await Now() + wait_s)
            if fails is not None:
                raise fails
            if shows:
                await Emit(TextDelta(shows))
                await Sleep(await Now() + wait_s)
            self.lines.append(f"{name} done")
            return name
        except Cancelled:
            await Sleep(await Now() + 0.001)
            self.lines.append(f"{name} cancelled")
            raise


async def race(*legs: Script[str], decides: Callable[[str], bool] = lambda _: True) -> tuple[tuple[str, ...], str]:
    raced: Raced[str] = await Race(legs, decides)
    return raced.ended, await raced.winner if raced.winner is not None else ""


def in_virtual_time(script: Script[Any]) -> Any:
    clock = VirtualClock()
    return run(script, Performer(Emulator(clock=clock), clock))


class Hasty(asyncio.SelectorEventLoop):
    """A loop whose clock goes on only while it waits, and then at once: nobody else is slow or quick."""

    def __init__(self) -> None:
        self._now = 0.0
        super().__init__(_NoWaiting(self))

    @override
    def time(self) -> float:
        return self._now

    def skip(self, seconds: float) -> None:
        """Let the time pass."""
        self._now += seconds


class _NoWaiting(selectors.DefaultSelector):
    def __init__(self, loop: Hasty) -> None:
        super().__init__()
        self._loop = loop

    @override
    def select(self, timeout: float | None = None) -> Any:
        self._loop.skip(timeout or 0.0)
        return super().select(0)


def in_asyncio(script: Script[Any]) -> Any:
    async def main() -> Any:
        runtime = Runtime(None, None, ())  # type: ignore[arg-type]  # no exchange is made
        return await run_async(script, runtime.perform_async, runtime.detach)

    with asyncio.Runner(loop_factory=Hasty) as runner, pytest.MonkeyPatch.context() as patch:
        patch.setattr("llm_router.engine.driving.runtime.time", SimpleNamespace(monotonic=runner.get_loop().time))
        return runner.run(main())


DRIVERS = pytest.mark.parametrize("drive", [in_virtual_time, in_asyncio])


@DRIVERS
def test_the_first_to_end_wins_and_the_other_is_ended(drive: Callable[[Script[Any]], Any]) -> None:
    log = Log()
    assert drive(race(log.leg("slow", 0.5), log.leg("fast", 0.01))) == (("fast",), "")
    assert log.lines == ["fast done", "slow cancelled"]


@DRIVERS
def test_the_first_to_show_content_wins_and_goes_on(drive: Callable[[Script[Any]], Any]) -> None:
    log = Log()
    assert drive(race(log.leg("slow", 0.5), log.leg("fast", 0.01, shows="x"))) == ((), "fast")
    assert log.lines == ["slow cancelled", "fast done"]


@DRIVERS
def test_an_end_that_decides_nothing_is_waited_past(drive: Callable[[Script[Any]], Any]) -> None:
    log = Log()
    legs = (log.leg("slow", 0.05), log.leg("fast", 0.01))
    assert drive(race(*legs, decides=lambda name: name == "slow")) == (("fast", "slow"), "")
    assert drive(race(log.leg("a", 0.02), log.leg("b", 0.01), decides=lambda _: False)) == (("b", "a"), "")


@DRIVERS
def test_what_a_leg_raises_ends_the_race(drive: Callable[[Script[Any]], Any]) -> None:
    log = Log()
    with pytest.raises(KeyError):
        drive(race(log.leg("slow", 0.5), log.leg("fast", 0.01, fails=KeyError("x"))))


def test_of_two_in_the_same_moment_the_first_wins() -> None:
    log = Log()
    assert in_virtual_time(race(log.leg("one", 1, shows="1"), log.leg("two", 1, shows="2"))) == ((), "one")
    assert log.lines == ["two cancelled", "one done"]


def test_the_same_race_ends_alike_at_every_run() -> None:
    def lines() -> list[str]:
        log = Log()
        in_virtual_time(race(log.leg("a", 3), log.leg("b", 2), log.leg("c", 2), decides=lambda name: name == "c"))
        return log.lines

    assert lines() == lines() == ["b done", "c done", "a cancelled"]


def test_a_cancelled_race_ends_all_of_its_legs() -> None:
    async def main() -> None:
        runtime, log = Runtime(None, None, ()), Log()  # type: ignore[arg-type]  # no exchange is made
        script = race(log.leg("a", 3600), log.leg("b", 3600))
        task = asyncio.create_task(run_async(script, runtime.perform_async, runtime.detach))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        while tasks := runtime._detached_here():
            await asyncio.gather(*tasks, return_exceptions=True)
        assert sorted(log.lines) == ["a cancelled", "b cancelled"]

    asyncio.run(main())


def test_a_consumer_that_leaves_the_winner_ends_it() -> None:
    async def main() -> None:
        runtime, log = Runtime(None, None, ()), Log()  # type: ignore[arg-type]  # no exchange is made
        script = race(log.leg("a", 3600), log.leg("b", 0.001, shows="x"))
        assert isinstance(await advance_async(script, runtime.perform_async, runtime.detach), Emit)
        await finish_async(script, runtime.perform_async)
        assert log.lines == ["a cancelled", "b cancelled"]

    asyncio.run(main())


def test_a_script_that_is_thrown_away_closes_the_winner() -> None:
    clock, log = VirtualClock(), Log()
    script = race(log.leg("a", 5), log.leg("b", 1, shows="x"))
    assert isinstance(advance(script, Performer(Emulator(clock=clock), clock)), Emit)
    script.close()
    assert log.lines == ["a cancelled"]


def test_a_closed_router_ends_a_race() -> None:
    async def main() -> None:
        runtime, log = Runtime(_Nothing(), _Nothing(), ()), Log()  # type: ignore[arg-type]  # no exchange is made
        script = race(log.leg("a", 3600), log.leg("b", 3600))
        task = asyncio.create_task(run_async(script, runtime.perform_async, runtime.detach))
        await asyncio.sleep(0.01)
        runtime.close()
        with pytest.raises(RouterClosed):
            await task

    asyncio.run(main())


class _Nothing:
    """A transport that nobody uses."""

    def shut(self) -> None:
        """Nothing."""
