"""What waits in a runtime is woken by whatever comes just before it: a closing, a leaving, room that was given back."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from llm_router.engine.driving.own_loop import OwnLoop
from llm_router.engine.driving.runtime import Runtime
from llm_router.engine.effects import Effect, Sleep
from llm_router.engine.leaving import Leaving
from llm_router.engine.storing import Park
from llm_router.errors import RouterClosed
from llm_router.state.parking import Spot

DAY_S = 86_400.0


class Nobody:
    """A transport that nobody uses."""

    def shut(self) -> None:
        """Nothing."""


def runtime() -> Runtime:
    return Runtime(Nobody(), Nobody(), ())  # type: ignore[arg-type]  # no exchange is made


def in_thread(made: Runtime, effect: Effect[Any]) -> Any:
    return made.perform(effect)


def in_asyncio(made: Runtime, effect: Effect[Any]) -> Any:
    async def main() -> Any:
        return await made.perform_async(effect)

    return asyncio.run(main())


Drive = Callable[[Runtime, Effect[Any]], Any]
DRIVERS = pytest.mark.parametrize("drive", [in_thread, in_asyncio])


def later() -> float:
    return time.monotonic() + DAY_S


@DRIVERS
@pytest.mark.parametrize("effect", [lambda: Sleep(later()), lambda: Park(Spot("a"), later())], ids=["sleep", "park"])
def test_who_begins_to_wait_in_a_closed_runtime_waits_for_nothing(drive: Drive, effect: Callable[[], Any]) -> None:
    made = runtime()
    made.close()
    with pytest.raises(RouterClosed):
        drive(made, effect())


@pytest.mark.parametrize("effect", [lambda: Sleep(later()), lambda: Park(Spot("a"), later())], ids=["sleep", "park"])
def test_who_left_waits_for_nothing(effect: Callable[[], Any]) -> None:
    leaving = Leaving()
    leaving.leave()
    assert runtime().perform(effect(), leaving) is None


@DRIVERS
def test_room_that_is_given_back_after_a_vain_wait_wakes_the_next_wait(drive: Drive) -> None:
    made, spot = runtime(), Spot("a")
    drive(made, Park(spot, time.monotonic()))
    spot.wake()
    assert drive(made, Park(spot, later())) is None


def test_the_word_to_leave_ends_the_wait_under_way_and_no_other() -> None:
    ended: list[str] = []
    leaving = Leaving()
    with leaving.ending(lambda: ended.append("over")):
        pass
    with leaving.ending(lambda: ended.append("under way")):
        leaving.leave()
    with leaving.ending(lambda: ended.append("to come")):
        assert leaving.left
    assert ended == ["under way", "to come"]


def test_tasks_of_other_loops_may_come_and_go_while_one_tidies_up() -> None:
    made = runtime()

    class Elsewhere:
        """A task of another loop, which begins one more meanwhile."""

        def get_loop(self) -> object:
            made._detached.add(Elsewhere())  # type: ignore[arg-type]  # no task is asked for more
            return self

    async def main() -> None:
        made._detached.add(Elsewhere())  # type: ignore[arg-type]
        assert made._detached_here() == []

    asyncio.run(main())


def test_work_that_is_submitted_while_the_loop_is_told_to_stop_begins_and_tidies_up() -> None:
    own, busy, go_on = OwnLoop(), threading.Event(), threading.Event()
    told: list[str] = []

    async def block() -> None:
        busy.set()
        assert go_on.wait(60)

    async def work() -> None:
        try:
            told.append("begun")
            await asyncio.sleep(DAY_S)
        finally:
            told.append("tidied")

    own.submit(block())
    assert busy.wait(60)
    future, loop, thread = own.submit(work()), own._loop, own._thread
    assert loop is not None
    assert thread is not None
    loop.call_soon_threadsafe(loop.stop)  # as `close` does, while the loop is busy
    go_on.set()
    thread.join(60)
    assert future.cancelled()
    assert told == ["begun", "tidied"]


def test_no_loop_is_begun_or_stopped_between_the_choice_of_it_and_the_submission(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = OwnLoop()
    submit = asyncio.run_coroutine_threadsafe

    def watched(work: Coroutine[Any, Any, Any], loop: asyncio.AbstractEventLoop) -> Any:
        assert own._lock.locked()  # `close` waits
        return submit(work, loop)

    monkeypatch.setattr(asyncio, "run_coroutine_threadsafe", watched)
    assert own.run(asyncio.sleep(0, "done")) == "done"
    own.close()


def test_a_closed_loop_takes_no_work_and_begins_no_thread() -> None:
    own = OwnLoop()
    own.close()
    work = asyncio.sleep(0)
    with pytest.raises(RouterClosed):
        own.submit(work)
    work.close()
    assert own._thread is None


def test_work_is_cancelled_once_it_has_begun_however_early_it_is_told() -> None:
    own, told = OwnLoop(), list[str]()

    async def work() -> None:
        try:
            told.append("begun")
            await asyncio.sleep(DAY_S)
        finally:
            told.append("tidied")

    async def submit() -> None:
        own.submit(work()).cancel()  # the loop is busy here, so that nothing has begun yet

    own.run(submit())
    own.close()
    assert told == ["begun", "tidied"]
