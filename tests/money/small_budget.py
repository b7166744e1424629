"""A budget that is spent in a moment: 0.05 USD a day, where an answer costs 0.002 USD and may cost five times that.

Also a process of its own that asks for answers: `python -m tests.money.small_budget <state> <emulator> <calls>`.
"""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from llm_router import Environment, Router
from llm_router.errors import ProviderError, QuotaExhausted
from llm_router.messages import Usage
from llm_router.testing import Emulator, Say

DOLLAR = 10**12
AMOUNT = DOLLAR // 20
USAGE = Usage(input=100, output=50)
COST = 2 * DOLLAR // 1000
"""What the provider bills for one answer of `USAGE`."""
DEPLOYMENTS = {"mini": {"provider": "openai", "model": "gpt-x", "price": {"input": 10, "output": 20}}}
TEXT = "why is the sky blue?"


def emulator() -> Emulator:
    """A provider that takes a moment, so that attempts overlap."""
    return Emulator({"*": Say("because", usage=USAGE, delay_s=0.005)})


def spec(state: str, **changes: object) -> dict[str, object]:
    """One deployment under the budget, which nobody is warned of."""
    return {
        "version": 1,
        "deployments": DEPLOYMENTS,
        "settings": {"max_output_tokens": 100},
        "rules": [{"use": "mini"}],
        "budgets": [{"name": "small", "amount": "0.05 USD", "every": "month"}],
        "state": state,
        **changes,
    }


def router(state: str, address: str, **changes: object) -> Router:
    """A router of its own; its providers are the emulator at `address`."""
    return Router.from_spec(spec(state, **changes), environment=Environment({}, Path(), emulator=address))


def billed(asked: Emulator) -> int:
    """Picodollars that the provider bills."""
    return COST * sum(entry.answered == "ok" and entry.deployment == "mini" for entry in asked.log)


def paid_for(amount: int, bound: int) -> int:
    """How many calls fit, one after the other: each is begun while its worst still fits beside what was spent."""
    return (amount - bound) // COST + 1


def by_threads(asked: Router, calls: int) -> list[str]:
    """How so many calls end that begin at once in threads, every other one as a stream."""
    with ThreadPoolExecutor(calls) as pool:
        return list(pool.map(lambda number: _outcome(asked, number), range(calls)))


def by_tasks(asked: Router, calls: int) -> list[str]:
    """The same in tasks of one event loop."""

    async def all_of_them() -> list[str]:
        async with asked:
            return await asyncio.gather(*(_outcome_async(asked, number) for number in range(calls)))

    return asyncio.run(all_of_them())


def by_both(asked: Router, calls: int) -> list[str]:
    """Half in threads, half in tasks of one event loop, together."""

    async def all_of_them() -> list[str]:
        threads = asyncio.to_thread(by_threads, asked, calls // 2)
        tasks = (_outcome_async(asked, number) for number in range(calls - calls // 2))
        others, mine = await asyncio.gather(threads, asyncio.gather(*tasks))
        return [*others, *mine]

    return asyncio.run(all_of_them())


def _outcome(asked: Router, number: int) -> str:
    try:
        if number % 2:
            with asked.stream(TEXT) as stream:
                deque(stream, maxlen=0)
                return stream.answer.deployment
        return asked.chat(TEXT).deployment
    except ProviderError as error:
        return _named(error)


async def _outcome_async(asked: Router, number: int) -> str:
    try:
        if number % 2:
            async with asked.astream(TEXT) as stream:
                async for _ in stream:
                    pass
                return stream.answer.deployment
        return (await asked.achat(TEXT)).deployment
    except ProviderError as error:
        return _named(error)


def _named(error: ProviderError) -> str:
    spent = isinstance(error, QuotaExhausted) and "the budget `small` has no room for it" in str(error)
    return "spent" if spent else repr(error)


WAYS: Mapping[str, Callable[[Router, int], list[str]]] = {"threads": by_threads, "tasks": by_tasks, "both": by_both}


if __name__ == "__main__":
    with router(sys.argv[1], sys.argv[2]) as mine:
        print(*by_threads(mine, int(sys.argv[3])))
