"""Hedges over real connections, in all four ways to ask: the loser's connection is closed, and nothing is left."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import os
import threading
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest

from llm_router import RequestError, RouterClosed
from llm_router.engine.events import AttemptFinished, Event
from llm_router.messages import ChatRequest
from llm_router.testing import Emulator
from tests.router.ways import LONG_S, WAYS, Way, by_achat, by_astream, emulated, until

SPEC = {"fallback": {"hedge": {"after": "30ms", "extra_cost": "100%"}}}
SLOW = {"names": ["a", "b"], "given": {"a": "silence"}, "spec": SPEC}
BOTH = {"names": ["a", "b"], "given": {"*": "silence"}, "spec": SPEC}
ALL_WAYS = pytest.mark.parametrize("way", list(WAYS.values()), ids=list(WAYS))
QUESTION = ChatRequest.of("why?")


def endings(emulator: Emulator) -> list[str]:
    return [entry.ending for entry in emulator.log]


def abandoned(emulator: Emulator) -> bool:
    """Whether the provider that says nothing has seen everybody go; some may have gone before they arrived."""
    return {entry.ending for entry in emulator.log if entry.deployment == "a"} <= {"abandoned"}


@ALL_WAYS
def test_the_hedge_wins_and_the_loser_is_closed(way: Way) -> None:
    heard: list[Event] = []
    with emulated(SLOW, observers=[heard.append]) as (router, emulator):
        seen = way(router, QUESTION, {})
        assert seen.answer is not None, seen.error
        assert [(each.deployment, each.outcome, each.mark) for each in seen.answer.attempts] == [
            ("a", "cancelled", ""),
            ("b", "ok", "hedge"),
        ]
        until(lambda: abandoned(emulator))
        assert [entry.ending for entry in emulator.log if entry.deployment == "b"] == ["sent"]
    told = [event.report.deployment for event in heard if isinstance(event, AttemptFinished)]
    assert sorted(told) == ["a", "b"]


@ALL_WAYS
def test_who_is_quick_is_not_hedged(way: Way) -> None:
    patient = {"fallback": {"hedge": {"after": "1h", "extra_cost": "100%"}}}
    with emulated({"names": ["a", "b"], "spec": patient}) as (router, emulator):
        for _ in range(3):
            seen = way(router, QUESTION, {})
            assert (seen.outcome, len(seen.answer.attempts if seen.answer else ())) == ("a", 1)
        assert [entry.deployment for entry in emulator.log] == ["a"] * 3


@ALL_WAYS
def test_the_callers_timeout_ends_both(way: Way) -> None:
    with emulated(BOTH) as (router, emulator):
        seen = way(router, QUESTION, {"timeout": 0.3})
        assert seen.outcome == "timeout"
        until(lambda: set(endings(emulator)) <= {"abandoned"})


@pytest.mark.parametrize("ask", [lambda router: router.chat("why?"), lambda router: list(router.stream("why?"))])
def test_closing_the_router_ends_a_race_of_blocking_calls(ask: Callable[[Any], Any]) -> None:
    caught: list[BaseException] = []

    def call() -> None:
        try:
            ask(router)
        except BaseException as error:
            caught.append(error)

    with emulated(BOTH) as (router, emulator):
        thread = threading.Thread(target=call)
        thread.start()
        until(lambda: len(emulator.log) == 2)
        router.close()
        thread.join(LONG_S)
        assert not thread.is_alive()
        until(lambda: endings(emulator) == ["abandoned", "abandoned"])
    assert [type(error) for error in caught] == [RouterClosed]


def test_no_thread_is_left_by_a_closed_router() -> None:
    with emulated(SLOW) as (router, _):
        router.chat("why?")
        assert "llm-router" in [thread.name for thread in threading.enumerate()]
    assert "llm-router" not in [thread.name for thread in threading.enumerate()]


def test_no_thread_is_left_by_a_router_that_is_garbage() -> None:
    with emulated(SLOW) as (router, _):
        other = type(router)(router._loaded.origin, environment=router._life.environment)
        other.chat("why?")
        del other
        gc.collect()
        until(lambda: "llm-router" not in [thread.name for thread in threading.enumerate()])


def test_no_thread_is_started_where_nothing_hedges() -> None:
    with emulated({"names": ["a"]}) as (router, _):
        router.chat("why?")
        assert "llm-router" not in [thread.name for thread in threading.enumerate()]


def test_a_stream_that_another_thread_closes_ends_its_race() -> None:
    caught: list[BaseException] = []

    def read() -> None:
        try:
            for _ in stream:
                pass
        except BaseException as error:
            caught.append(error)

    with emulated(BOTH) as (router, emulator):
        stream = router.stream("why?")
        thread = threading.Thread(target=read)
        thread.start()
        until(lambda: len(emulator.log) == 2)
        stream.close()
        thread.join(LONG_S)
        assert not thread.is_alive()
        until(lambda: endings(emulator) == ["abandoned", "abandoned"])
    assert [type(error) for error in caught] == [RouterClosed]


@pytest.mark.parametrize("leave", ["close", "drop"])
def test_leaving_a_hedged_stream_closes_its_connection(leave: str) -> None:
    stalled = {**SLOW, "given": {"a": "silence", "b": {"fault": "stall", "after": 1}}}
    with emulated(stalled) as (router, emulator):
        stream = router.stream("why?")
        next(stream)
        if leave == "close":
            stream.close()
        else:
            del stream
            gc.collect()
            router._runtime.drain()
        until(lambda: set(endings(emulator)) == {"abandoned"})


def test_cancelling_ends_both() -> None:
    async def main() -> None:
        task = asyncio.create_task(router.achat("why?"))
        await asyncio.to_thread(until, lambda: len(emulator.log) == 2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await router.aclose()

    with emulated(BOTH) as (router, emulator):
        asyncio.run(main())
        until(lambda: endings(emulator) == ["abandoned", "abandoned"])


def test_observers_hear_in_the_callers_context() -> None:
    who: contextvars.ContextVar[str] = contextvars.ContextVar("who", default="nobody")
    heard: list[str] = []
    with emulated(SLOW, observers=[lambda _: heard.append(who.get())]) as (router, _):
        who.set("me")
        router.chat("why?")
    assert set(heard) == {"me"}


def test_an_injected_client_is_refused_before_anything_is_sent() -> None:
    with httpx.Client() as client, emulated(SLOW, http_client=client) as (router, emulator):
        with pytest.raises(RequestError, match="`hedge` can't be used for calls through an `http_client`"):
            router.chat("why?")
        assert emulator.log == ()
        assert by_achat(router, QUESTION, {}).outcome == "b"
        assert by_astream(router, QUESTION, {}).outcome == "b"


def test_an_injected_async_client_leaves_blocking_calls_alone() -> None:
    with emulated(SLOW, async_http_client=httpx.AsyncClient()) as (router, _):
        assert router.chat("why?").deployment == "b"


def test_many_threads_race_at_once() -> None:
    answers: list[str] = []
    with emulated(SLOW) as (router, emulator):
        threads = [threading.Thread(target=lambda: answers.append(router.chat("why?").deployment)) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LONG_S)
        assert answers == ["b"] * 20
        until(lambda: abandoned(emulator))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_child_process_starts_a_loop_of_its_own() -> None:
    with emulated(SLOW) as (router, _):
        router.chat("why?")
        child = os.fork()
        if child == 0:
            with contextlib.suppress(BaseException):
                os._exit(0 if router.chat("why?").deployment == "b" else 1)
            os._exit(2)
        assert os.waitpid(child, 0)[1] == 0
        assert router.chat("why?").deployment == "b"


def case_of(given: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**SLOW, "given": given}


@ALL_WAYS
def test_a_race_falls_back_as_ever(way: Way) -> None:
    with emulated(case_of({"a": "overloaded"})) as (router, _):
        seen = way(router, QUESTION, {})
        assert (seen.outcome, seen.answer.attempts[0].failure if seen.answer else None) == ("b", "overloaded")
