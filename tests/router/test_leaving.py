"""Leaving a request early, in every way there is: the provider sees the connection close, and nothing is left."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from llm_router import AsyncStream, Router, RouterClosed, Stream
from llm_router.engine.events import AttemptFinished, AttemptStarted, Event, RequestDone, Retrying, Waiting
from llm_router.messages import TextDelta
from llm_router.testing import Emulator
from tests.router.ways import LONG_S, emulated, until

STALL = {"fault": "stall", "after": 1}
STALLED = {"names": ["a"], "given": {"a": STALL}}


def abandoned(emulator: Emulator) -> None:
    until(lambda: [entry.ending for entry in emulator.log] == ["abandoned"])


def by_break(router: Router) -> None:
    for event in router.stream("hello"):
        if isinstance(event, TextDelta):
            break
    gc.collect()
    router._runtime.drain()


def by_close(router: Router) -> None:
    stream = router.stream("hello")
    next(stream)
    stream.close()
    assert list(stream) == []
    stream.close()


def by_with(router: Router) -> None:
    with router.stream("hello") as stream:
        next(stream)


def by_error(router: Router) -> None:
    with contextlib.suppress(KeyError), router.stream("hello") as stream:
        next(stream)
        raise KeyError


@pytest.mark.parametrize("leave", [by_break, by_close, by_with, by_error])
def test_leaving_a_stream_closes_its_connection(leave: Callable[[Router], None]) -> None:
    with emulated(STALLED) as (router, emulator):
        leave(router)
        abandoned(emulator)


def test_the_next_request_tidies_up_what_was_dropped() -> None:
    heard: list[Event] = []

    def outcomes() -> list[str]:
        return [event.report.outcome for event in heard if isinstance(event, AttemptFinished)]

    with emulated({}, observers=[heard.append]) as (router, _):
        next(router.stream("hello"))
        gc.collect()
        assert outcomes() == []
        router.chat("hello")
        assert outcomes() == ["cancelled", "ok"]


async def by_async_break(router: Router) -> None:
    async for event in router.astream("hello"):
        if isinstance(event, TextDelta):
            break
    gc.collect()
    router._runtime.drain()
    await asyncio.sleep(0)


async def by_aclose(router: Router) -> None:
    stream = router.astream("hello")
    await anext(stream)
    await stream.aclose()
    assert [event async for event in stream] == []


async def by_async_with(router: Router) -> None:
    async with router.astream("hello") as stream:
        await anext(stream)


async def by_cancel(router: Router) -> None:
    stream, begun = router.astream("hello"), asyncio.Event()

    async def read() -> None:
        async for _ in stream:
            begun.set()

    task = asyncio.create_task(read())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await stream.aclose()


async def by_timeout(router: Router) -> None:
    async def read(patience: asyncio.Timeout) -> None:
        async with patience, router.astream("hello") as stream:
            async for _ in stream:
                patience.reschedule(0)

    with pytest.raises(TimeoutError):
        await read(asyncio.timeout(None))


@pytest.mark.parametrize("leave", [by_async_break, by_aclose, by_async_with, by_cancel, by_timeout])
@pytest.mark.parametrize("tidy", [True, False], ids=["aclose", "only the loop ends"])
def test_leaving_an_async_stream_closes_its_connection(leave: Callable[[Router], Awaitable[None]], tidy: bool) -> None:
    async def main() -> None:
        await leave(router)
        if tidy:
            await router.aclose()

    with emulated(STALLED) as (router, emulator):
        asyncio.run(main())
        abandoned(emulator)


def test_a_cancelled_attempt_is_told_and_counts_against_nobody() -> None:
    heard: list[Event] = []

    async def main() -> None:
        task = asyncio.create_task(router.achat("hello"))
        await asyncio.to_thread(until, lambda: len(emulator.log) == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await router.aclose()

    case = {**STALLED, "spec": {"health": {"failures": 1}}}
    with emulated(case, observers=[heard.append]) as (router, emulator):
        asyncio.run(main())
        assert router._runtime.book.observe(0.0, 0.0).cooling == {}
    finished = [event.report.outcome for event in heard if isinstance(event, AttemptFinished)]
    assert finished == ["cancelled"]


def test_closing_the_router_ends_what_is_under_way() -> None:
    caught: list[BaseException] = []

    def read() -> None:
        try:
            router.chat("hello")
        except BaseException as error:
            caught.append(error)

    with emulated(STALLED) as (router, emulator):
        thread = threading.Thread(target=read)
        thread.start()
        until(lambda: len(emulator.log) == 1)
        router.close()
        thread.join(LONG_S)
    assert [type(error) for error in caught] == [RouterClosed]
    with pytest.raises(RouterClosed):
        router.chat("hello")


def test_closing_the_router_wakes_who_waits_for_a_provider() -> None:
    async def main() -> None:
        task = asyncio.create_task(router.achat("hello"))
        await asyncio.to_thread(until, lambda: len(emulator.log) == 1)
        await router.aclose()
        with pytest.raises(RouterClosed):
            await asyncio.wait_for(task, LONG_S)

    def wait() -> None:
        with pytest.raises(RouterClosed):
            other.chat("hello")
        done.append(True)

    done: list[bool] = []
    limited = {"names": ["a"], "given": {"a": {"fault": "rate_limit", "retry_after_s": 15}}}
    with emulated(limited) as (router, emulator):
        asyncio.run(main())
    with emulated(limited) as (other, emulator):
        thread = threading.Thread(target=wait)
        thread.start()
        until(lambda: len(emulator.log) == 1)
        other.close()
        thread.join(LONG_S)
    assert done == [True]


ONE_AT_A_TIME = {"limits": [{"name": "few", "concurrent": 1, "wait": "0s"}]}


def test_another_thread_may_close_a_stream_which_then_leaves_nothing() -> None:
    caught: list[BaseException] = []
    heard: list[Event] = []

    def read() -> None:
        try:
            for _ in stream:
                pass
        except BaseException as error:
            caught.append(error)

    case = {"names": ["a"], "given": {"a": [STALL, "ok"]}, "spec": ONE_AT_A_TIME}
    with emulated(case, observers=[heard.append]) as (router, emulator):
        stream = router.stream("hello")
        thread = threading.Thread(target=read)
        thread.start()
        until(lambda: len(emulator.log) == 1)
        stream.close()
        thread.join(LONG_S)
        assert not thread.is_alive()
        abandoned(emulator)
        assert [type(error) for error in caught] == [RouterClosed]
        assert [event.report.outcome for event in heard if isinstance(event, AttemptFinished)] == ["cancelled"]
        assert [event.outcome for event in heard if isinstance(event, RequestDone)] == ["cancelled"]
        assert router.spend().total.attempts == 1
        assert router.chat("hello").text


PLACES: list[tuple[type[Event], Any]] = [
    (AttemptStarted, {}),
    (Retrying, {"a": ["unavailable", "ok"]}),
    (Waiting, {"a": [{"fault": "rate_limit", "retry_after_s": 10}, "ok"]}),
]


@pytest.mark.parametrize("way", ["stream", "router"])
@pytest.mark.parametrize(("place", "given"), PLACES, ids=[place.__name__ for place, _ in PLACES])
def test_closing_at_any_place_ends_the_stream_there(place: type[Event], given: Any, way: str) -> None:
    """An observer is told in between, where nothing is waited for that could be woken."""
    held: list[Stream] = []
    heard: list[Event] = []

    def hear(event: Event) -> None:
        heard.append(event)
        if isinstance(event, place) and held:
            held[0].close() if way == "stream" else router.close()

    spec = {**ONE_AT_A_TIME, "fallback": {"deadline": "1000h", "after": {"unavailable": {"wait": {"first": "900h"}}}}}
    with emulated({"names": ["a"], "given": given, "spec": spec}, observers=[hear]) as (router, emulator):
        held.append(router.stream("hello"))
        with pytest.raises(RouterClosed):
            next(held[0])
        held.clear()
        assert len(emulator.log) == len(given)
        assert router._runtime.book.observe(time.monotonic(), time.time()).in_flight == {}
    assert isinstance(heard[-1], RequestDone)


def test_a_stream_outlives_the_name_of_its_router() -> None:
    def make(router: Router) -> Any:
        return Router(router._loaded.origin).stream("hello")

    with emulated({}) as (router, _):
        stream = make(router)
        gc.collect()
        assert "".join(event.text for event in stream if isinstance(event, TextDelta)) == stream.answer.text


def test_repeated_event_loops_end_clean() -> None:
    async def main() -> None:
        assert (await router.achat("hello")).text
        async with router.astream("hello") as stream:
            assert [event async for event in stream]

    with emulated({}) as (router, _):
        for _ in range(5):
            asyncio.run(main())
        loop = asyncio.new_event_loop()
        loop.run_until_complete(main())
        loop.close()
        asyncio.run(main())
        gc.collect()


def test_two_tasks_cant_read_one_stream() -> None:
    async def main() -> None:
        stream: AsyncStream = router.astream("hello")
        first = asyncio.create_task(_drain(stream))
        await asyncio.sleep(0)  # it begins
        with pytest.raises(RuntimeError, match="another task reads"):
            await anext(stream)
        with pytest.raises(RuntimeError, match="another task reads"):
            await stream.aclose()
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first

    async def _drain(stream: AsyncStream) -> None:
        async for _ in stream:
            pass

    with emulated(STALLED) as (router, _):
        asyncio.run(main())
