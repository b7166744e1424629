"""The four ways to ask a router, made alike, so that one test holds for all of them."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from llm_router import Environment, Router
from llm_router.errors import RouterError
from llm_router.messages import ChatRequest
from llm_router.testing import Emulator, serve
from tests.engine.world import Seen, script_of, spec_of

LONG_S = 60.0
"""Nothing here takes so long, however slow the machine: what does, hangs."""

Way = Callable[[Router, ChatRequest, Mapping[str, Any]], Seen]


def by_chat(router: Router, request: ChatRequest, hints: Mapping[str, Any]) -> Seen:
    """Ask with `chat`."""
    return _seeing(lambda seen: setattr(seen, "answer", router.chat(request, **hints)))


def by_stream(router: Router, request: ChatRequest, hints: Mapping[str, Any]) -> Seen:
    """Ask with `stream`."""

    def ask(seen: Seen) -> None:
        with router.stream(request, **hints) as stream:
            for event in stream:
                seen.emitted.append(event)
            seen.answer = stream.answer

    return _seeing(ask)


def by_achat(router: Router, request: ChatRequest, hints: Mapping[str, Any]) -> Seen:
    """Ask with `achat`, in an event loop of its own."""

    async def ask() -> Seen:
        seen = Seen()
        try:
            seen.answer = await router.achat(request, **hints)
        except RouterError as error:
            seen.error = error
        return seen

    return asyncio.run(ask())


def by_astream(router: Router, request: ChatRequest, hints: Mapping[str, Any]) -> Seen:
    """Ask with `astream`, in an event loop of its own."""

    async def ask() -> Seen:
        seen = Seen()
        try:
            async with router.astream(request, **hints) as stream:
                async for event in stream:
                    seen.emitted.append(event)
                seen.answer = stream.answer
        except RouterError as error:
            seen.error = error
        return seen

    return asyncio.run(ask())


WAYS: Mapping[str, Way] = {"chat": by_chat, "stream": by_stream, "achat": by_achat, "astream": by_astream}


def _seeing(ask: Callable[[Seen], None]) -> Seen:
    seen = Seen()
    try:
        ask(seen)
    except RouterError as error:
        seen.error = error
    return seen


@contextmanager
def emulated(case: Mapping[str, Any], **options: Any) -> Iterator[tuple[Router, Emulator]]:
    """A router for a case's spec, before an emulator that answers as the case says."""
    emulator = Emulator(script_of(case))
    with (
        serve(emulator) as address,
        Router.from_spec(spec_of(case, address), environment=Environment(), **options) as router,
    ):
        yield router, emulator


def until(condition: Callable[[], bool]) -> None:
    """Wait for another thread, or fail."""
    end = time.monotonic() + LONG_S
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.001)


_MADE: list[list[object]] = []


def _hear(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.connect":
        for made in _MADE:
            made.append(arguments[1])


sys.addaudithook(_hear)


@contextmanager
def connections() -> Iterator[list[object]]:
    """The addresses to which this process connects meanwhile."""
    made: list[object] = []
    _MADE.append(made)
    try:
        yield made
    finally:
        _MADE.remove(made)
