"""`with track()` totals what is asked in its block, on every way that hints reach, and nothing else."""

from __future__ import annotations

import asyncio
import pickle
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from llm_router import Router, Spend, bind_context, track
from llm_router.messages import ChatRequest, Usage
from llm_router.testing import Say
from tests.router.ways import WAYS, Way, emulated

SPEC = {
    "facts": {"a": {"price": {"input": 1, "output": 2}}, "b": {"price": {"input": 10, "output": 20}}},
    "spec": {"metadata": {"team": "text"}, "fallback": {"after": {"unavailable": {"retry": 0}}}},
    "given": {"a": Say("so", usage=Usage(input=100, output=10)), "b": Say("so", usage=Usage(input=100, output=10))},
}
ONE = Decimal("0.00012")
REQUEST = ChatRequest.of("hi")


@pytest.fixture
def router() -> Iterator[Router]:
    with emulated(SPEC) as (made, _):
        yield made


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_block_totals_its_requests(router: Router, way: Way) -> None:
    way(router, REQUEST, {})
    with track() as spend:
        way(router, REQUEST, {"user": "ada", "metadata": {"team": "x"}})
        way(router, REQUEST, {"model": "b"})
    way(router, REQUEST, {})
    assert (spend.total.requests, spend.total.tokens, spend.usd) == (2, 220, 11 * ONE)
    assert [(each.key, each.usd) for each in spend.by("deployment")] == [(("b",), 10 * ONE), (("a",), ONE)]
    assert [each.key for each in spend.by("user", "metadata.team")] == [("", ""), ("ada", "x")]


def test_failed_attempts_count() -> None:
    with emulated({**SPEC, "given": {"a": "unavailable"}}) as (router, _), track() as spend:
        router.chat("hi")
    assert (spend.total.requests, spend.total.attempts, spend.total.failures) == (1, 2, 1)


def test_blocks_nest(router: Router) -> None:
    with track() as outer:
        router.chat("hi")
        with track() as inner:
            router.chat("hi")
    assert (outer.total.requests, inner.total.requests) == (2, 1)


def test_calls_recorded_from_outside_count(router: Router) -> None:
    with track() as spend:
        router.record(deployment="b", usage=Usage(input=100, output=10))
    assert spend.usd == 10 * ONE


def test_what_has_no_price_is_unknown_and_not_zero() -> None:
    with emulated({}) as (router, _), track() as spend:
        router.chat("hi")
    assert (spend.total.unknown, spend.total.cost) == (1, 0)


def test_tasks_that_were_begun_inside_count(router: Router) -> None:
    async def go() -> Spend:
        with track() as spend:
            tasks = [asyncio.create_task(router.achat("hi")) for _ in range(3)]
            pending = router.achat("hi")
        await asyncio.gather(pending, *tasks)
        return spend

    assert asyncio.run(go()).total.requests == 4


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "astream"])
def test_a_stream_belongs_to_the_block_that_opened_it(router: Router, stream: bool) -> None:
    async def read() -> None:
        async with opened as events:  # type: ignore[union-attr]  # the other one of both
            async for _ in events:
                pass

    with track() as spend:
        opened = router.stream("hi") if stream else router.astream("hi")
    if stream:
        assert list(opened)  # type: ignore[arg-type]  # it is the blocking one
    else:
        asyncio.run(read())
    assert spend.total.requests == 1


def test_threads_count_through_bind_context_alone(router: Router) -> None:
    def ask(function: Callable[[], object]) -> None:
        thread = threading.Thread(target=function)
        thread.start()
        thread.join()

    def one(_: int) -> object:
        return router.chat("hi")

    with track() as spend:
        ask(lambda: router.chat("hi"))
        assert spend.total.requests == 0
        ask(bind_context(lambda: router.chat("hi")))
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(bind_context(one), range(8)))
    assert spend.total.requests == 9


def test_what_is_bound_in_a_block_can_still_be_pickled() -> None:
    with track():
        bound = bind_context(len)
    assert pickle.loads(pickle.dumps(bound))("four") == 4
