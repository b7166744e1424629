"""Many requests at once, with faults, limits and a budget, left in every way there is: nothing stays open."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from math import inf
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.llms import ChatMessage
from llama_index.llms.llm_router import LLMRouter

from langchain_llm_router import ChatLLMRouter
from llm_router import Router
from llm_router.errors import ProviderError
from llm_router.messages import TextDelta
from llm_router.state.store import Store
from llm_router.testing import Emulator
from tests.router.test_storm import settled, settled_tasks
from tests.router.ways import LONG_S, emulated, until

GIVEN = {
    "a": ["ok", "rate_limit", "cut", "ok", "unavailable", "stall", "ok", "error_in_stream", "ok", "silence", "ok"],
    "b": ["ok", "reset", "ok", "malformed", "ok", "reset_after_headers", "ok", "slow_first_token"],
}
DEADLINE_S = 60
SPEC: dict[str, Any] = {
    "health": {"failures": 1000},
    "settings": {"max_output_tokens": 100},
    "fallback": {
        "deadline": f"{DEADLINE_S}s",
        "max_attempts": 8,
        "after": {"unavailable": {"wait": {"first": "1ms"}}},
    },
    "limits": [
        {"name": "at-once", "concurrent": 90, "wait": "1m"},
        {"name": "each-minute", "requests": 100_000, "every": "1m"},
    ],
    "budgets": [{"name": "monthly", "amount": "1000 USD", "every": "month"}],
}
FACTS = {name: {"supports": ["prefill"], "price": {"input": 1, "output": 2}} for name in "abc"}
BRIEF = {"timeouts": {"first_token": "150ms", "stall": "150ms", "total": "150ms"}}
"""For those who are silent now and then; `c` has the time it needs, so that there are answers on any machine."""
STORES = pytest.mark.parametrize("state", ["memory", "sqlite"])
ENDS = {"answered", "left", "failed", "CancelledError"}


def storm_case(state: str, folder: Path) -> Mapping[str, Any]:
    url = "memory" if state == "memory" else f"sqlite:{folder / 'storm.db'}"
    facts = {name: each | (BRIEF if name in GIVEN else {}) for name, each in FACTS.items()}
    return {"given": GIVEN, "facts": facts, "spec": {**SPEC, "state": url}}


def told(text: str, number: int) -> str:
    """What a whole answer is: the question that was asked, said once."""
    return "answered" if text.count(f"question {number}.") == 1 else f"wrong: {text}"


async def read(router: Router, number: int, held: list[Any]) -> str:
    async with router.astream(f"question {number}.") as stream:
        text = "".join([event.text async for event in stream if isinstance(event, TextDelta)])
        assert stream.answer.text == text
        return told(text, number)


async def ask(router: Router, number: int, held: list[Any]) -> str:
    return told((await router.achat(f"question {number}.")).text, number)


async def drop(router: Router, number: int, held: list[Any]) -> str:
    async for event in router.astream(f"question {number}."):
        if isinstance(event, TextDelta):
            break
    return "left"


async def close(router: Router, number: int, held: list[Any]) -> str:
    stream = router.astream(f"question {number}.")
    await anext(stream)
    await stream.aclose()
    return "left"


async def hold(router: Router, number: int, held: list[Any]) -> str:
    stream = router.astream(f"question {number}.")
    held.append(stream)
    await anext(stream)
    return "left"


async def hold_of_langchain(router: Router, number: int, held: list[Any]) -> str:
    chunks = ChatLLMRouter(router=router).astream(f"question {number}.")
    held.append(chunks)
    async for _ in chunks:
        break
    return "left"


async def hold_of_llama_index(router: Router, number: int, held: list[Any]) -> str:
    deltas = await LLMRouter(router=router).astream_chat([ChatMessage(f"question {number}.")])
    held.append(deltas)
    async for _ in deltas:
        break
    return "left"


ASYNC_WAYS = [read, read, read, ask, drop, close, hold, hold_of_langchain, hold_of_llama_index]


async def one(router: Router, number: int, chance: random.Random, held: list[Any]) -> str:
    """One request, in a way that is drawn; what it ended in, inside its deadline."""
    began = time.monotonic()
    try:
        return await chance.choice(ASYNC_WAYS)(router, number, held)
    except ProviderError:
        return "failed"
    finally:
        assert time.monotonic() - began < DEADLINE_S + 5


async def storm(router: Router, emulator: Emulator) -> Counter[str]:
    """Two hundred requests, forty of them cancelled at instants that are drawn."""
    chance, held = random.Random(7), list[Any]()
    tasks = [asyncio.create_task(one(router, number, chance, held)) for number in range(200)]
    for task in chance.sample(tasks, 40):
        await asyncio.sleep(chance.random() * 0.02)
        task.cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    del tasks, task
    held.clear()
    gc.collect()
    await router.achat("question 0.")  # tidies up what was left
    await tidied(lambda: not router._runtime.book.observe(time.monotonic(), time.time()).in_flight)
    assert open_reservations(router) == 0
    check_ledger(router, emulator)
    await router.aclose()
    await settled_tasks()
    return Counter(end if isinstance(end, str) else type(end).__name__ for end in ended)


async def tidied(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + LONG_S
    while not condition():
        assert time.monotonic() < end, "something is still under way"
        await asyncio.sleep(0.01)


def store_of(router: Router) -> Store:
    return router._loaded.wiring.accounts.store


def open_reservations(router: Router) -> int:
    """How many reservations nobody has settled; they are lost now."""
    return store_of(router).sweep(now=time.time() + 1e9)


def check_ledger(router: Router, emulator: Emulator) -> None:
    """Each attempt that reached a provider stands in the ledger, once."""
    entries = list(store_of(router).entries(0, inf))
    assert {entry.outcome for entry in entries} <= {"ok", "failed", "cancelled"}
    assert len(entries) >= len(emulator.log)


def sockets() -> int:
    """How many descriptors of sockets the process has: both ends of each connection are its own."""
    folder = Path("/proc/self/fd")
    if not folder.exists():
        pytest.skip("this system doesn't tell of open descriptors")
    return sum(_is_socket(each) for each in folder.iterdir())


def _is_socket(descriptor: Path) -> bool:
    with suppress(OSError):
        return os.readlink(descriptor).startswith("socket:")
    return False


@STORES
def test_two_hundred_streams_leave_nothing_behind(state: str, tmp_path: Path) -> None:
    threads = threading.active_count()
    before = sockets()
    with emulated(storm_case(state, tmp_path)) as (router, emulator):
        listening = sockets()
        ended = asyncio.run(storm(router, emulator))
        assert set(ended) <= ENDS, ended
        assert min(ended[end] for end in ("answered", "left", "CancelledError")) > 5, ended
        assert not router._runtime._detached
        until(lambda: settled(emulator))
        until(lambda: sockets() <= listening)
    gc.collect()
    until(lambda: sockets() <= before)
    until(lambda: threading.active_count() <= threads)  # those of tests before may end meanwhile


def read_in_thread(router: Router, number: int, held: list[Any]) -> str:
    with router.stream(f"question {number}.") as stream:
        text = "".join(event.text for event in stream if isinstance(event, TextDelta))
        return told(text, number)


def ask_in_thread(router: Router, number: int, held: list[Any]) -> str:
    return told(router.chat(f"question {number}.").text, number)


def drop_in_thread(router: Router, number: int, held: list[Any]) -> str:
    for event in router.stream(f"question {number}."):
        if isinstance(event, TextDelta):
            break
    return "left"


def hold_in_thread(router: Router, number: int, held: list[Any]) -> str:
    stream = router.stream(f"question {number}.")
    held.append(stream)
    next(stream)
    return "left"


def hold_of_langchain_in_thread(router: Router, number: int, held: list[Any]) -> str:
    chunks = ChatLLMRouter(router=router).stream(f"question {number}.")
    held.append(chunks)
    next(chunks)
    return "left"


THREAD_WAYS = [
    read_in_thread,
    read_in_thread,
    ask_in_thread,
    drop_in_thread,
    hold_in_thread,
    hold_of_langchain_in_thread,
]


def four(router: Router, thread: int, held: list[Any]) -> list[str]:
    """Four requests of one thread, one after the other."""
    chance, ended = random.Random(thread), []
    for number in range(thread * 4, thread * 4 + 4):
        try:
            ended.append(chance.choice(THREAD_WAYS)(router, number, held))
        except ProviderError:
            ended.append("failed")
    return ended


@STORES
def test_fifty_threads_leave_nothing_behind(state: str, tmp_path: Path) -> None:
    threads = threading.active_count()
    before, held = sockets(), list[Any]()
    with emulated(storm_case(state, tmp_path)) as (router, emulator):
        with ThreadPoolExecutor(50) as pool:
            rounds = list(pool.map(lambda thread: four(router, thread, held), range(50)))
        ended = Counter(end for ends in rounds for end in ends)
        assert set(ended) <= ENDS, ended
        assert min(ended["answered"], ended["left"]) > 5, ended
        held.clear()
        gc.collect()
        router.chat("question 0.")
        assert router._runtime.book.observe(time.monotonic(), time.time()).in_flight == {}
        assert open_reservations(router) == 0
        check_ledger(router, emulator)
        router.close()
        until(lambda: settled(emulator))
    gc.collect()
    until(lambda: sockets() <= before)
    until(lambda: threading.active_count() <= threads)  # those of tests before may end meanwhile
