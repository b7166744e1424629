"""Traffic drawn by chance: prices, budgets and calls that begin together, in threads and in tasks, some given up.

Also a process of its own that asks: `python -m tests.money.traffic <emulator>`, with what `start_of` writes as its
standard input.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from llm_router import Environment, Router
from llm_router.errors import RouterError
from llm_router.units import parse_money

PLACES = {"left": ("openai", "gpt-4o-mini"), "right": ("anthropic", "claude-x")}
PRICED = {
    "left": ("input", "output", "cache_read", "reasoning"),
    "right": ("input", "output", "cache_read", "cache_creation", "reasoning"),
}
USERS = ("ada", "bob")
LIKELY_TOKENS = 150
"""About what a call may use at most; budgets are drawn as so many of the dearest calls."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One call: how it is made, by whom, and after how many seconds it is given up where it is."""

    run: str
    way: str
    user: str
    after_s: float = 0.0


def draw(chance: random.Random, state: str) -> dict[str, Any]:
    """A spec: two providers at drawn prices under two hard budgets, one of which is each user's own."""
    prices = {name: {kind: _rate(chance) for kind in PRICED[name]} for name in PLACES}
    return {
        "version": 1,
        "deployments": {
            name: {"provider": provider, "model": model, "price": prices[name]}
            for name, (provider, model) in PLACES.items()
        },
        "settings": {"max_output_tokens": 100},
        "rules": [{"use": list(PLACES)}],
        "fallback": {
            "deadline": "2s",
            "on_break": chance.choice(("continue", "hold", "error")),
            "after": {kind: {"retry": 1, "wait": {"first": "1ms"}} for kind in ("unavailable", "truncated")},
            **chance.choice(({}, {"hedge": {"after": "10ms", "extra_cost": "100%"}})),
        },
        "timeouts": {"first_token": "300ms", "stall": "200ms", "total": "400ms"},
        "health": {"failures": 1000},
        "budgets": [
            {"name": "all", "amount": _calls(prices, chance.choice((12, 40))), "every": "month"},
            {"name": "each", "amount": _calls(prices, chance.choice((8, 30))), "within": "24h", "per": "user"},
        ],
        "state": state,
    }


def amounts(spec: Mapping[str, Any]) -> tuple[int, int]:
    """Picodollars of the budget of all, and of each user's."""
    shared, own = (parse_money(budget["amount"]) for budget in spec["budgets"])
    return shared, own


def asks(chance: random.Random, count: int) -> list[Ask]:
    """So many calls, by names of their own."""
    series = f"{chance.getrandbits(48):012x}"
    return [
        Ask(f"run-{series}-{number}", chance.choice(WAYS), chance.choice(USERS), chance.random() * 0.2)
        for number in range(count)
    ]


def start_of(spec: Mapping[str, Any], calls: Sequence[Ask]) -> str:
    """What a process of its own reads first."""
    return json.dumps({"spec": spec, "calls": [asdict(each) for each in calls]})


def run(spec: Mapping[str, Any], address: str, calls: Sequence[Ask]) -> list[str]:
    """How all of these end: the word for the way, or the error's name."""
    with Router.from_spec(spec, environment=Environment({}, Path(), emulator=address)) as router:
        blocking = [each for each in calls if each.way in _BLOCKING]
        others = [each for each in calls if each.way not in _BLOCKING]
        with ThreadPoolExecutor(len(blocking) + 1) as pool:
            looped = pool.submit(lambda: asyncio.run(_all_of(router, others)))
            return [*pool.map(lambda each: _outcome(router, each), blocking), *looped.result()]


def _outcome(router: Router, ask: Ask) -> str:
    try:
        _BLOCKING[ask.way](router, ask)
    except RouterError as error:
        return type(error).__name__
    return ask.way


def _chat(router: Router, ask: Ask) -> None:
    router.chat(_text(ask), run=ask.run, user=ask.user)


def _stream(router: Router, ask: Ask) -> None:
    with router.stream(_text(ask), run=ask.run, user=ask.user) as stream:
        list(stream)


def _leave(router: Router, ask: Ask) -> None:
    with router.stream(_text(ask), run=ask.run, user=ask.user) as stream:
        next(iter(stream))


async def _all_of(router: Router, calls: Iterable[Ask]) -> list[str]:
    return await asyncio.gather(*(_awaited(router, each) for each in calls))


async def _awaited(router: Router, ask: Ask) -> str:
    try:
        await asyncio.wait_for(_AWAITED[ask.way](router, ask), ask.after_s if ask.way == "cancel" else None)
    except (RouterError, TimeoutError) as error:
        return type(error).__name__
    return ask.way


async def _achat(router: Router, ask: Ask) -> None:
    await router.achat(_text(ask), run=ask.run, user=ask.user)


async def _astream(router: Router, ask: Ask) -> None:
    async with router.astream(_text(ask), run=ask.run, user=ask.user) as stream:
        async for _ in stream:
            pass


async def _interrupt(router: Router, ask: Ask) -> None:
    """Ask in a task of its own, which is cancelled once the answer has begun."""
    begun = asyncio.Event()

    async def read() -> None:
        async with router.astream(_text(ask), run=ask.run, user=ask.user) as stream:
            async for _ in stream:
                begun.set()

    task = asyncio.ensure_future(read())
    await asyncio.wait((task, waiting := asyncio.ensure_future(begun.wait())), return_when="FIRST_COMPLETED")
    waiting.cancel()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


_BLOCKING = {"chat": _chat, "stream": _stream, "leave": _leave}
_AWAITED: Mapping[str, Callable[[Router, Ask], Any]] = {
    "achat": _achat,
    "astream": _astream,
    "cancel": _astream,
    "interrupt": _interrupt,
}
WAYS = (*_BLOCKING, *_AWAITED)
"""`leave` closes a stream after its first event, `interrupt` and `cancel` end the task of one: then, or at any time."""


def _text(ask: Ask) -> str:
    return f"I am {ask.user}, this is {ask.run}: why is the sky blue, and do you know who painted it?"


def _rate(chance: random.Random) -> float:
    """USD per million tokens, many of them so dear that a budget is spent after a few calls."""
    return round(chance.randrange(1, 9999) / chance.choice((10, 100, 1000)), 3)


def _calls(prices: Mapping[str, Mapping[str, float]], count: int) -> str:
    """The amount of money that so many of the dearest calls cost."""
    dearest = max(rate for rates in prices.values() for rate in rates.values())
    return f"{count * LIKELY_TOKENS * dearest / 1_000_000:.6f} USD"


if __name__ == "__main__":
    told = json.loads(sys.stdin.read())
    print(*run(told["spec"], sys.argv[1], [Ask(**each) for each in told["calls"]]))
