"""Many streams at once, with faults and cancels drawn at random: each ends, and nothing is left behind."""

from __future__ import annotations

import asyncio
import gc
import random
import threading

from llm_router import Router
from llm_router.errors import RouterError
from llm_router.testing import Emulator
from tests.router.ways import LONG_S, emulated, until

GIVEN = {
    "a": ["ok", "rate_limit", "cut", "ok", "unavailable", "stall", "ok"],
    "b": ["ok", "reset", "ok", "malformed"],
}
SPEC = {
    "timeouts": {"stall": "200ms"},
    "health": {"failures": 1000},
    "fallback": {"deadline": "1m", "after": {"unavailable": {"wait": {"first": "1ms"}}}},
}


async def one(router: Router, number: int, chance: random.Random) -> str:
    """Read a stream, unless it is left."""
    try:
        async with router.astream(f"question {number}") as stream:
            async for _ in stream:
                if chance.random() < 0.03:
                    return "left"
            return "answered" if f"question {number}" in stream.answer.text else "wrong"
    except RouterError:
        return "failed"


async def settled_tasks() -> None:
    """Return once no other task is left; the loop itself may still be closing a generator that is garbage."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    pending = (await asyncio.wait(left, timeout=LONG_S))[1] if left else set()
    assert pending == set()


async def storm(router: Router) -> set[str]:
    """A hundred streams, a fifth of them cancelled."""
    chance = random.Random(7)
    tasks = [asyncio.create_task(one(router, number, chance)) for number in range(100)]
    await asyncio.sleep(0.05)
    for task in chance.sample(tasks, 20):
        task.cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    await router.aclose()
    await settled_tasks()
    return {end if isinstance(end, str) else type(end).__name__ for end in ended}


def settled(emulator: Emulator) -> bool:
    return all(entry.ending != "pending" for entry in emulator.log)


def test_a_storm_of_streams_leaves_nothing_behind() -> None:
    threads = threading.active_count()
    facts = {name: {"supports": ["prefill"]} for name in "abc"}  # so that who goes on is asked the same
    with emulated({"given": GIVEN, "spec": SPEC, "facts": facts}) as (router, emulator):
        assert asyncio.run(storm(router)) <= {"answered", "left", "failed", "CancelledError"}
        assert not router._runtime._detached
        until(lambda: settled(emulator))
    gc.collect()
    until(lambda: threading.active_count() <= threads)  # those of tests before may end meanwhile
