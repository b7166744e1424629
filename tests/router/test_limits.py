"""Limits between real threads and tasks: what is counted never passes them, and nothing that is left keeps room."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from llm_router import Environment, Router
from llm_router.engine.events import Waiting
from llm_router.errors import RateLimited, RouterClosed
from llm_router.messages import Usage
from llm_router.state.sqlite import SqliteStore
from llm_router.testing import Emulator, Say, serve
from llm_router.testing.question import Question
from tests.router.ways import LONG_S
from tests.state.stores import url_of

CALLS = 30
KINDS = ("memory", "sqlite")


class Watched:
    """A provider that knows how many it answers at a time."""

    def __init__(self, say: Say) -> None:
        self._lock = threading.Lock()
        self._say = say
        self.emulator = Emulator({"*": self._answer})
        self.starts: list[float] = []

    def _answer(self, _: Question) -> Say:
        with self._lock:
            self.starts.append(time.monotonic())
        return self._say

    @property
    def most_at_once(self) -> int:
        """The most answers under way at a time, each of which takes as long as it was told to."""
        delay_s = self._say.delay_s
        return max(sum(start <= other < start + delay_s for other in self.starts) for start in self.starts)


@contextmanager
def asked(limit: Mapping[str, Any], state: str, say: Say, **options: Any) -> Iterator[tuple[Router, Watched]]:
    """A router with one limit at the top, before a provider that is watched."""
    spec = {
        "version": 1,
        "deployments": {"only": {"provider": "openai", "model": "m", "price": "free"}},
        "settings": {"max_output_tokens": 100},
        "rules": [{"use": "only"}],
        "limits": [{"name": "few", **limit}],
        "state": state,
    }
    watched = Watched(say)
    with (
        serve(watched.emulator) as address,
        Router.from_spec(spec, environment=Environment({}, Path(), emulator=address), **options) as router,
    ):
        yield router, watched


def open_of(router: Router) -> int:
    """Reservations of the memory store that nobody has settled."""
    return len(router._loaded.wiring.accounts.store._reservations)  # type: ignore[attr-defined]  # a look inside


def one(router: Router, number: int) -> str:
    try:
        if number % 2:
            with router.stream("hi") as stream:
                deque(stream, maxlen=0)
        else:
            router.chat("hi")
    except RateLimited as error:
        return "limited" if "the limit `few` has no room" in str(error) else repr(error)
    return "ok"


async def one_async(router: Router, number: int) -> str:
    try:
        if number % 2:
            async with router.astream("hi") as stream:
                async for _ in stream:
                    pass
        else:
            await router.achat("hi")
    except RateLimited:
        return "limited"
    return "ok"


def all_at_once(router: Router) -> list[str]:
    """How calls end of which half come from threads and half from tasks, at once."""

    async def tasks() -> list[str]:
        return await asyncio.gather(*(one_async(router, number) for number in range(CALLS)))

    with ThreadPoolExecutor(CALLS) as pool:
        threads = [pool.submit(one, router, number) for number in range(CALLS)]
        return [*asyncio.run(tasks()), *(thread.result() for thread in threads)]


SPENT = Usage(input=10, output=10)
HELD: Mapping[str, tuple[Mapping[str, Any], Say, int]] = {
    "requests": ({"requests": 7, "every": "month"}, Say("hello", delay_s=0.01), 7),
    "concurrent": ({"concurrent": 3, "wait": "1m"}, Say("hello", delay_s=0.01), 2 * CALLS),
    "tokens": ({"tokens": 1000, "every": "month", "wait": "1m"}, Say("hello", usage=SPENT), 45),
}
"""The limit, what is answered, and how many calls it lets through: 45 times 20 tokens leave less than the worst."""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("unit", HELD)
def test_threads_and_tasks_together_never_pass_a_limit(unit: str, kind: str, tmp_path: Path) -> None:
    limit, say, passed = HELD[unit]
    with url_of(kind, tmp_path) as state, asked(limit, state, say) as (router, watched):
        outcomes = all_at_once(router)
        if unit == "tokens":
            assert 40 <= outcomes.count("ok") <= passed
        else:
            assert outcomes.count("ok") == passed
        assert len(watched.starts) == outcomes.count("ok")
        if unit == "concurrent":
            assert watched.most_at_once <= 3
        if kind == "memory":
            assert open_of(router) == 0


ONE = {"concurrent": 1, "wait": "1m"}
SLOW = Say("one two three four five six", delay_s=0.05)


def test_who_came_first_is_served_first() -> None:
    served: list[int] = []
    waiting = threading.Semaphore(0)

    def hear(event: object) -> None:
        if isinstance(event, Waiting):
            waiting.release()

    def ask(number: int) -> None:
        router.chat("hi")
        served.append(number)

    with asked(ONE, "memory", SLOW, observers=[hear]) as (router, _):
        stream = router.stream("hold the room")
        next(stream)
        threads = []
        for number in range(5):
            threads.append(threading.Thread(target=ask, args=(number,)))
            threads[-1].start()
            assert waiting.acquire(timeout=LONG_S)
        stream.close()
        for thread in threads:
            thread.join(LONG_S)
    assert served == [0, 1, 2, 3, 4]


def left_early(router: Router) -> None:
    with router.stream("hi") as stream:
        next(stream)


def left_to_the_collector(router: Router) -> None:
    stream = router.stream("hi")
    next(stream)
    del stream
    gc.collect()


def left_in_a_loop(router: Router) -> None:
    async def leave() -> None:
        async with router.astream("hi") as stream:
            await anext(stream)

    asyncio.run(leave())


def cancelled(router: Router) -> None:
    async def cancel() -> None:
        task = asyncio.create_task(router.achat("hi"))
        await asyncio.sleep(0.02)
        task.cancel()
        await asyncio.gather(task, *router._runtime._detached, return_exceptions=True)
        await asyncio.gather(*router._runtime._detached)

    asyncio.run(cancel())


LEFT: Mapping[str, Callable[[Router], None]] = {
    each.__name__: each for each in (left_early, left_to_the_collector, left_in_a_loop, cancelled)
}


@pytest.mark.parametrize("way", LEFT)
def test_an_answer_that_is_left_gives_its_room_back(way: str, tmp_path: Path) -> None:
    for kind in KINDS:
        with url_of(kind, tmp_path) as state, asked(ONE, state, SLOW) as (router, _):
            LEFT[way](router)
            assert router.chat("hi", timeout=LONG_S).text


def test_who_waits_hears_of_streams_that_nobody_holds() -> None:
    with asked(ONE, "memory", SLOW) as (router, _), ThreadPoolExecutor(1) as pool:
        stream = router.stream("hi")
        next(stream)
        waits = pool.submit(router.chat, "hi", timeout=LONG_S)
        del stream
        gc.collect()
        assert waits.result(LONG_S).text


@pytest.mark.parametrize("way", ["thread", "task"])
def test_closing_the_router_ends_the_waiting(way: str) -> None:
    parked = threading.Event()

    def hear(event: object) -> None:
        if isinstance(event, Waiting):
            parked.set()

    with asked(ONE, "memory", SLOW, observers=[hear]) as (router, _):
        stream = router.stream("hold the room")
        next(stream)
        with ThreadPoolExecutor(1) as pool:
            ask = router.chat if way == "thread" else lambda text: asyncio.run(_await(router, text))
            waits = pool.submit(ask, "hi")
            assert parked.wait(LONG_S)
            router.close()
            with pytest.raises(RouterClosed):
                waits.result(LONG_S)
        stream.close()
        assert open_of(router) == 0


async def _await(router: Router, text: str) -> object:
    return await router.achat(text)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_process_is_not_kept_back_by_what_its_parent_holds() -> None:
    with asked(ONE, "memory", SLOW) as (router, _):
        stream = router.stream("hold the room")
        next(stream)
        child = os.fork()
        if child == 0:
            try:
                os._exit(0 if router.chat("hi", timeout=LONG_S).text else 1)
            finally:
                os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        stream.close()


def test_a_reservation_that_is_made_while_its_task_is_cancelled_is_given_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    reserve = SqliteStore.reserve

    def slow(*said: Any, **named: Any) -> Any:
        begun.set()
        assert go_on.wait(LONG_S)
        return reserve(*said, **named)

    async def cancel(router: Router) -> None:
        task = asyncio.create_task(router.achat("hi"))
        await asyncio.to_thread(begun.wait, LONG_S)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        go_on.set()
        await asyncio.gather(*router._runtime._detached)

    monkeypatch.setattr(SqliteStore, "reserve", slow)
    with url_of("sqlite", tmp_path) as state, asked(ONE, state, SLOW) as (router, watched):
        asyncio.run(cancel(router))
        assert not watched.starts
        assert router.status().deployments[0].record.in_flight == 0
        assert router._loaded.wiring.accounts.store.sweep(now=10.0**11) == 0
