"""Equal requests under way: one asks, the others wait for it, and somebody else takes over where it fails."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from llm_router import Environment, Router
from llm_router.errors import ProviderError
from llm_router.messages import TextDelta
from llm_router.state.flights import Flights
from llm_router.testing import Emulator, reply, serve
from tests.engine.world import script_of, spec_of
from tests.state.stores import KINDS, url_of

MANY = 50
TEXT = "why is the sky blue?"


class Gate(Emulator):
    """Answers nobody before it is opened; `knocked` is set by the first to ask."""

    def __init__(self, case: Mapping[str, Any]) -> None:
        super().__init__(script_of(case))
        self.knocked = threading.Event()
        self.opened = threading.Event()

    @override
    def answer(self, asked: reply.Asked) -> reply.Reply:
        self.knocked.set()
        assert self.opened.wait(60)
        return super().answer(asked)


@contextmanager
def gated(
    given: Mapping[str, Any] | None = None, *, gate: type[Gate] = Gate, **changes: Any
) -> Iterator[tuple[Router, Gate]]:
    """A router with a cache before a gate; its one deployment answers as `given`."""
    case = {"use": "a", "spec": {"cache": {"exact": {"keep": "1h"}}, **changes}, "given": given or {}}
    made = gate(case)
    with serve(made) as url, Router.from_spec(spec_of(case, url), environment=Environment()) as router:
        try:
            yield router, made
        finally:
            made.opened.set()


def waiting(router: Router) -> int:
    """How many requests are in flights."""
    flights = router._loaded.wiring.accounts.answers.flights
    return sum(map(len, flights._queues.values()))


async def until_waiting(router: Router, count: int) -> None:
    """Return once so many requests wait for one another."""
    async with asyncio.timeout(60):
        while waiting(router) < count:  # noqa: ASYNC110 # nobody is told that a request begins to wait
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("kind", KINDS)
async def test_many_equal_tasks_make_one_call(kind: str, tmp_path: Path) -> None:
    with url_of(kind, tmp_path) as url, gated(state=url) as (router, gate):
        tasks = [asyncio.create_task(router.achat(TEXT)) for _ in range(MANY)]
        await until_waiting(router, MANY)
        gate.opened.set()
        answers = await asyncio.gather(*tasks)
        assert sum(answer.cached for answer in answers) == MANY - 1
        assert len({answer.text for answer in answers}) == 1
        assert len(gate.log) == 1
        assert waiting(router) == 0
        await router.aclose()


def test_many_equal_threads_make_one_call() -> None:
    with gated() as (router, gate), ThreadPoolExecutor(MANY) as pool:
        calls = [pool.submit(router.chat, TEXT) for _ in range(MANY)]
        asyncio.run(until_waiting(router, MANY))
        gate.opened.set()
        assert sum(call.result().cached for call in calls) == MANY - 1
        assert len(gate.log) == 1


async def test_threads_tasks_and_streams_share_one_call() -> None:
    async def read() -> str:
        async with router.astream(TEXT) as stream:
            return "".join([event.text async for event in stream if isinstance(event, TextDelta)])

    with gated() as (router, gate):
        tasks = [*(asyncio.create_task(read()) for _ in range(5))]
        threads = [asyncio.create_task(asyncio.to_thread(router.chat, TEXT)) for _ in range(5)]
        await until_waiting(router, 10)
        gate.opened.set()
        texts = [*(await asyncio.gather(*tasks)), *(each.text for each in await asyncio.gather(*threads))]
        assert len(texts) == 10
        assert len(set(texts)) == 1
        assert len(gate.log) == 1
        await router.aclose()


async def test_a_cancelled_leader_hands_over() -> None:
    with gated() as (router, gate):
        leader = asyncio.create_task(router.achat(TEXT))
        await until_waiting(router, 1)
        assert await asyncio.to_thread(gate.knocked.wait, 60)
        others = [asyncio.create_task(router.achat(TEXT)) for _ in range(3)]
        await until_waiting(router, 4)
        leader.cancel()
        gate.opened.set()
        answers = await asyncio.gather(*others)
        assert sorted(answer.cached for answer in answers) == [False, True, True]
        assert leader.cancelled() or (await asyncio.gather(leader, return_exceptions=True))
        await router.aclose()


async def test_a_failed_leader_hands_over_and_fails_alone() -> None:
    with gated({"a": ["bad_request", "ok"]}) as (router, gate):
        tasks = [asyncio.create_task(router.achat(TEXT)) for _ in range(4)]
        await until_waiting(router, 4)
        gate.opened.set()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(outcomes[0], ProviderError)
        assert len(gate.log) == 2
        assert [each.cached for each in outcomes[1:] if not isinstance(each, BaseException)] == [False, True, True]
        await router.aclose()


class Counting(Gate):
    """Counts who is in flights whenever it is asked."""

    counts: list[int]
    router: Router

    @override
    def answer(self, asked: reply.Asked) -> reply.Reply:
        self.counts.append(waiting(self.router))
        return super().answer(asked)


async def test_an_answer_that_is_not_kept_is_waited_for_by_nobody() -> None:
    given = {"a": {"say": "and so", "finish_reason": "length"}}
    with gated(given, gate=Counting) as (router, gate):
        assert isinstance(gate, Counting)
        gate.router, gate.counts = router, []
        tasks = [asyncio.create_task(router.achat(TEXT)) for _ in range(4)]
        await until_waiting(router, 4)
        gate.opened.set()
        assert [answer.cached for answer in await asyncio.gather(*tasks)] == [False] * 4
        assert gate.counts[1:] == [0, 0, 0]
        await router.aclose()


async def test_a_cancelled_follower_harms_nobody() -> None:
    with gated() as (router, gate):
        tasks = [asyncio.create_task(router.achat(TEXT)) for _ in range(3)]
        await until_waiting(router, 3)
        tasks[1].cancel()
        gate.opened.set()
        leader, _, last = await asyncio.gather(*tasks, return_exceptions=True)
        assert not isinstance(leader, BaseException)
        assert not isinstance(last, BaseException)
        assert (leader.cached, last.cached, len(gate.log)) == (False, True, 1)
        await router.aclose()


def test_who_waits_too_long_asks_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llm_router.engine.caching.lookup.PATIENCE_S", 0.1)
    with gated() as (router, gate), router.stream(TEXT):
        gate.opened.set()
        left_half_read = router.stream(TEXT)
        next(left_half_read)
        assert not router.chat(TEXT).cached
        assert len(gate.log) == 2
        left_half_read.close()


def test_whoever_leaves_lets_the_next_one_lead() -> None:
    flights = Flights()
    spots = [flights.join("key") for _ in range(3)]
    assert [flights.leads(spot) for spot in spots] == [True, False, False]
    flights.leave(spots[1])
    flights.leave(spots[0])
    flights.leave(spots[0])
    assert flights.leads(spots[2])
    late = flights.join("key")
    flights.disband(spots[2])
    assert flights.leads(late)
    assert flights.leads(flights.join("key"))
