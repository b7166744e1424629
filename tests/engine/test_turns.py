"""Turns are taken one by one, however many threads draw at once: nobody is asked twice while another waits."""

from __future__ import annotations

import itertools
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from llm_router import Environment
from llm_router.engine.driving.drive import run
from llm_router.engine.effects import Effect, Observe, TakeTurns
from llm_router.engine.job import Job
from llm_router.engine.loading import Loaded, Origin, loaded
from llm_router.engine.request import decided
from llm_router.messages import ChatRequest
from llm_router.policy.hints import Hints
from llm_router.state.health import HealthBook
from tests.engine.world import World, spec_of

THREADS, CALLS = 8, 50
POOL = {"use": "turns", "spec": {"pools": {"turns": {"of": ["a", "b", "c"], "balance": "round-robin"}}}}
KEYS = {
    "version": 1,
    "providers": {
        "here": {
            "kind": "openai-compatible",
            "base_url": "http://127.0.0.1:9/v1",
            "api_keys": [f"sk-planted-{number}-0123456789" for number in range(3)],
        }
    },
    "rules": [{"name": "only", "use": "here:m"}],
}


def made(spec: dict[str, Any]) -> Loaded:
    ready = loaded(Origin.of_mapping(spec), Environment())
    assert isinstance(ready, Loaded)
    return ready


def job(ready: Loaded, number: int) -> Job:
    hints = Hints.read({}, ready.program)
    return Job(ready.program, ready.wiring, ChatRequest.of("hello"), hints, f"request-{number}")


@contextmanager
def restless() -> Iterator[None]:
    """Let threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


@pytest.mark.parametrize("spec", [spec_of(POOL), KEYS], ids=["members of a pool", "keys of a provider"])
def test_threads_share_a_pool_evenly(spec: dict[str, Any]) -> None:
    ready, world = made(spec), World(POOL)
    numbers = itertools.count()

    def draw() -> Counter[str]:
        decisions = (run(decided(job(ready, next(numbers))), world.perform)[2] for _ in range(CALLS))
        return Counter(decision.candidates[0].deployment for decision in decisions)

    with restless(), ThreadPoolExecutor(THREADS) as pool:
        drawn = sum((future.result() for future in [pool.submit(draw) for _ in range(THREADS)]), Counter[str]())
    assert drawn.total() == THREADS * CALLS
    assert len(drawn) == 3
    assert max(drawn.values()) - min(drawn.values()) <= 1


def test_who_saw_a_turn_that_another_took_looks_anew() -> None:
    ready, world, asked = made(spec_of(POOL)), World(POOL), list[str]()
    book: HealthBook = world.performer.book

    def perform(effect: Effect[Any]) -> Any:
        asked.append(type(effect).__name__)
        if isinstance(effect, TakeTurns) and asked.count("TakeTurns") == 1:
            assert book.take_turns(effect.names, effect.seen)  # by another request, in between
        return world.perform(effect)

    decision = run(decided(job(ready, 1)), perform)[2]
    assert decision.candidates[0].deployment == "b"
    assert [name for name in asked if name in (Observe.__name__, TakeTurns.__name__)] == ["Observe", "TakeTurns"] * 2
