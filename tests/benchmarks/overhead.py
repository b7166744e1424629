"""What a router costs on top of the call it makes: `python tests/benchmarks/overhead.py`.

Each way to ask is measured beside a bare httpx call of the same body to the same local emulator, in turns, so that a
busy machine slows both. Printed are the medians in milliseconds and their ratio.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).parents[2]))

from llm_router import Environment, Router
from llm_router.testing import Emulator, serve

ROUNDS = 300
BODY = {"model": "a", "messages": [{"role": "user", "content": "why is the sky blue?"}]}
HEADERS = {"authorization": "Bearer k", "content-type": "application/json"}


def spec(address: str) -> dict[str, object]:
    """A spec of one deployment at the emulator."""
    provider = {"kind": "openai-compatible", "base_url": f"{address}/v1", "api_key": "k"}
    return {"version": 1, "providers": {"p": provider}, "deployments": {"a": {"provider": "p", "model": "a"}},
            "rules": [{"use": "a"}]}  # fmt: skip


def timed(act: Callable[[], object]) -> float:
    """Milliseconds that one call takes."""
    began = time.perf_counter()
    act()
    return (time.perf_counter() - began) * 1000


async def timed_async(act: Callable[[], Awaitable[object]]) -> float:
    """Milliseconds that one call takes."""
    began = time.perf_counter()
    await act()
    return (time.perf_counter() - began) * 1000


def report(name: str, bare: list[float], routed: list[float]) -> None:
    """Print one line."""
    plain, ours = statistics.median(bare[20:]), statistics.median(routed[20:])
    print(f"{name:8} bare {plain:6.2f} ms   router {ours:6.2f} ms   ratio {ours / plain:5.2f}")


def blocking(address: str) -> None:
    """Measure `chat` beside `httpx.Client`."""
    url, body = f"{address}/v1/chat/completions", json.dumps(BODY).encode()
    bare: list[float] = []
    routed: list[float] = []
    with httpx.Client() as client, Router.from_spec(spec(address), environment=Environment()) as router:
        for _ in range(ROUNDS):
            bare.append(timed(lambda: client.post(url, content=body, headers=HEADERS).json()))
            routed.append(timed(lambda: router.chat("why is the sky blue?")))
    report("chat", bare, routed)


async def looped(address: str) -> None:
    """Measure `achat` beside `httpx.AsyncClient`."""
    url, body = f"{address}/v1/chat/completions", json.dumps(BODY).encode()
    bare: list[float] = []
    routed: list[float] = []
    async with (
        httpx.AsyncClient() as client,
        Router.from_spec(spec(address), environment=Environment()) as router,
    ):
        for _ in range(ROUNDS):
            bare.append(await timed_async(lambda: client.post(url, content=body, headers=HEADERS)))
            routed.append(await timed_async(lambda: router.achat("why is the sky blue?")))
    report("achat", bare, routed)


if __name__ == "__main__":
    with serve(Emulator()) as emulated:
        blocking(emulated)
        asyncio.run(looped(emulated))
