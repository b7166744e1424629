"""A request that is cancelled at any of its effects leaves no reservation, no attempt under way, no connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from llm_router.engine.driving.drive import CancelledAct, Ended, advance, advance_async, finish
from llm_router.engine.driving.race import Race, run_race
from llm_router.engine.effects import Close, Decided, Effect, Emit, Open, Read, Reply, Sleep
from llm_router.engine.job import Job
from llm_router.engine.request import serve
from llm_router.engine.storing import AccountEffect, Park
from llm_router.errors import RouterError
from llm_router.policy.hints import Hints
from llm_router.testing.races import race_in_turns
from tests.engine.world import World, request_of

LIMITS = {
    "settings": {"max_output_tokens": 100},
    "limits": [
        {"name": "at-once", "concurrent": 5},
        {"name": "each-minute", "tokens": 1_000_000, "every": "1m", "wait": "5s"},
    ],
    "budgets": [{"name": "monthly", "amount": "10 USD", "every": "month", "warn_at": "1%"}],
}
HEDGE = {"fallback": {"hedge": {"after": "1s", "extra_cost": "100%"}}}
WAITING: tuple[type[Effect[Any]], ...] = (Open, Read, Sleep, Park)
"""Effects that take time; the others are performed at once."""

SCENES: Mapping[str, Mapping[str, Any]] = {
    "an answer": {},
    "a fallback": {"given": {"a": "authentication", "b": ["unavailable", "ok"]}},
    "a wait": {"names": ["a"], "given": {"a": [{"fault": "rate_limit", "retry_after_s": 3}, "ok"]}},
    "a broken stream": {"given": {"a": {"fault": "cut", "after": 3}}},
    "a stall that nobody survives": {"given": {"*": "stall"}},
    "a filter": {"given": {"a": "filtered_answer"}},
    "a hedge that wins": {"given": {"a": "silence"}, "hedge": True},
    "a hedge that loses": {"given": {"a": {"fault": "slow_first_token", "pause_s": 2}, "b": "silence"}, "hedge": True},
    "a hedge beside a failure": {"given": {"a": {"fault": "stall", "after": 0}, "b": "unavailable"}, "hedge": True},
}


def world_of(scene: Mapping[str, Any]) -> World:
    facts = {name: {"model": "m", "supports": ["prefill"], "price": {"input": 1000, "output": 2000}} for name in "abc"}
    spec = {**LIMITS, **(HEDGE if scene.get("hedge") else {})}
    return World({"facts": facts, **scene, "spec": spec})


def job_of(world: World, *, stream: bool) -> Job:
    return Job(world.program, world.wiring, request_of({}), Hints.read({}, world.program), "request-1", stream)


@dataclass(slots=True)
class Interrupting:
    """Performs effects in virtual time, but for the one at `place` (from 0), where the consumer goes away.

    `places` are those where it might, `opened` the replies that were not closed yet.
    """

    world: World
    place: int
    interrupt: Callable[[Effect[Any], Callable[[], Any]], BaseException]
    where: tuple[type[Effect[Any]], ...]
    count: int = 0
    places: list[int] = field(default_factory=list)
    opened: list[Reply] = field(default_factory=list)

    def __call__(self, effect: Effect[Any]) -> Any:
        """The effect's result."""
        if isinstance(effect, Race):
            return race_in_turns(effect, self, self.world.clock)
        here, self.count = self.count, self.count + 1
        if isinstance(effect, self.where):
            self.places.append(here)
        if here == self.place and isinstance(effect, self.where):
            raise self.interrupt(effect, lambda: self._perform(effect))
        return self._perform(effect)

    def _perform(self, effect: Effect[Any]) -> Any:
        result = self.world.performer(effect)
        if isinstance(effect, Open):
            self.opened.append(result)
        if isinstance(effect, Close):
            self.opened.remove(effect.reply)
        return result


def in_thread(world: World, place: int, *, stream: bool) -> Interrupting:
    """Drive until the interrupt: Ctrl-C where the thread waits."""
    perform = Interrupting(world, place, lambda effect, act: KeyboardInterrupt(), WAITING)
    script = serve(job_of(world, stream=stream))
    try:
        while not isinstance(advance(script, perform), Ended):
            pass
    except (RouterError, KeyboardInterrupt):
        pass
    return perform


def in_task(world: World, place: int, *, stream: bool) -> Interrupting:
    """Drive until the cancellation, and the rest that is detached then."""
    rests: list[asyncio.Task[Any]] = []

    def cancelled(effect: Effect[Any], act: Callable[[], Any]) -> BaseException:
        if not isinstance(effect, AccountEffect):
            return asyncio.CancelledError()
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        done.set_result(act())
        return CancelledAct(done)

    perform = Interrupting(world, place, cancelled, (*WAITING, AccountEffect))

    def detach(rest: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        rests.append(asyncio.get_running_loop().create_task(rest))
        return rests[-1]

    async def perform_async(effect: Effect[Any]) -> Any:
        if isinstance(effect, WAITING):
            await asyncio.sleep(0)
        return await run_race(effect, perform_async, detach) if isinstance(effect, Race) else perform(effect)

    async def main() -> None:
        script = serve(job_of(world, stream=stream))
        try:
            while not isinstance(await advance_async(script, perform_async, detach), Ended):
                pass
        except (RouterError, asyncio.CancelledError):
            pass
        while running := [rest for rest in rests if not rest.done()]:
            await asyncio.wait(running)

    asyncio.run(main())
    return perform


def left_at_a_pause(world: World, place: int, *, stream: bool) -> Interrupting:
    """Drive to a pause, and leave there as a consumer does who closes the stream."""
    perform = Interrupting(world, -1, lambda effect, act: AssertionError(), ())
    script = serve(job_of(world, stream=stream))
    try:
        while isinstance(advance(script, perform), Decided | Emit):
            perform.places.append(perform.count)
            if perform.count == place:
                finish(script, perform)
                break
    except RouterError:
        pass
    return perform


@pytest.mark.parametrize("drive", [in_thread, in_task, left_at_a_pause])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_nothing_is_left_wherever_a_request_is_cancelled(
    scene: Mapping[str, Any], stream: bool, drive: Callable[..., Interrupting]
) -> None:
    places = drive(world_of(scene), -1, stream=stream).places
    assert places
    for place in (-1, *places):
        world = world_of(scene)
        perform = drive(world, place, stream=stream)
        where = f"cancelled at effect {place} of {perform.count}"
        assert world.performer.book.observe(world.clock.monotonic(), world.clock()).in_flight == {}, where
        assert world.wiring.accounts.store.sweep(now=world.clock() + 1e9) == 0, where
        assert perform.opened == [], where
