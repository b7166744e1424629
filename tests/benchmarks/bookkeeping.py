"""What limits, budgets and ledger cost a request, for each store: `python tests/benchmarks/bookkeeping.py`.

Each store that answers keeps the books of a router with one budget and one limit. Its calls are made in turns with a
bare httpx call of the same body to the same local emulator, and with a router that keeps none, so that a busy machine
slows all of them. Printed are medians in milliseconds, and the shares of the bare call; a real provider takes a hundred
times as long as the emulator.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).parents[2]))

from llm_router import Environment, Router
from llm_router.testing import Emulator, serve
from tests.benchmarks.overhead import BODY, HEADERS, timed, timed_async
from tests.state.stores import KINDS, url_of

ROUNDS = 200
WARM = 20
TEXT = "why is the sky blue?"


def router(address: str, state: str | None) -> Router:
    """A router whose books are kept in `state`; `None` keeps none but its own memory's ledger."""
    provider = {"kind": "openai-compatible", "base_url": f"{address}/v1", "api_key": "k"}
    counted = {
        "budgets": [{"name": "monthly", "amount": "1000 USD", "every": "month"}],
        "limits": [{"name": "all", "requests": 1_000_000, "every": "1h"}],
        "state": state,
    }
    spec = {
        "version": 1,
        "providers": {"p": provider},
        "deployments": {"a": {"provider": "p", "model": "a", "price": {"input": 1, "output": 1}}},
        "rules": [{"use": "a"}],
        **(counted if state else {}),
    }
    return Router.from_spec(spec, environment=Environment())


def report(name: str, bare: list[float], plain: list[float], kept: list[float]) -> None:
    """Print one line: what the books add to the router without them."""
    call, without, with_them = (statistics.median(times[WARM:]) for times in (bare, plain, kept))
    added = with_them - without
    print(
        f"{name:16} bare {call:6.2f} ms   router {without:6.2f} ms   with books {with_them:6.2f} ms   "
        f"books {added:6.2f} ms = {added / call:5.2f} of the bare call"
    )


def blocking(kind: str, address: str, state: str) -> None:
    """Measure `chat`."""
    url, body = f"{address}/v1/chat/completions", json.dumps(BODY).encode()
    times: tuple[list[float], list[float], list[float]] = ([], [], [])
    with ExitStack() as stack:
        client = stack.enter_context(httpx.Client())
        plain, kept = (stack.enter_context(router(address, each)) for each in (None, state))
        for _ in range(ROUNDS):
            times[0].append(timed(lambda: client.post(url, content=body, headers=HEADERS).json()))
            times[1].append(timed(lambda: plain.chat(TEXT)))
            times[2].append(timed(lambda: kept.chat(TEXT)))
    report(f"chat {kind}", *times)


async def looped(kind: str, address: str, state: str) -> None:
    """Measure `achat`."""
    url, body = f"{address}/v1/chat/completions", json.dumps(BODY).encode()
    times: tuple[list[float], list[float], list[float]] = ([], [], [])
    async with httpx.AsyncClient() as client, router(address, None) as plain, router(address, state) as kept:
        for _ in range(ROUNDS):
            times[0].append(await timed_async(lambda: client.post(url, content=body, headers=HEADERS)))
            times[1].append(await timed_async(lambda: plain.achat(TEXT)))
            times[2].append(await timed_async(lambda: kept.achat(TEXT)))
    report(f"achat {kind}", *times)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary, serve(Emulator()) as emulated:
        for each in KINDS:
            with url_of(each, Path(temporary)) as where:
                blocking(each, emulated, where)
            with url_of(each, Path(temporary)) as where:
                asyncio.run(looped(each, emulated, where))
