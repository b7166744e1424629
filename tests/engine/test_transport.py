"""Exchanges end when they are left or shut, at whatever instant: before they connect, just after, while they wait."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from llm_router.engine.effects import Lost, Open
from llm_router.engine.leaving import Leaving
from llm_router.engine.transport import sockets
from llm_router.engine.transport.blocking import BlockingTransport
from llm_router.engine.transport.library import httpcore
from llm_router.engine.transport.looped import LoopedTransport
from llm_router.wire.codec import HttpRequest


@pytest.fixture
def silent() -> Iterator[Open]:
    """A request, without any limit of time, to a server that takes it and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield Open(HttpRequest("POST", f"http://127.0.0.1:{server.getsockname()[1]}/", {}, b"{}"))


def connecting(monkeypatch: pytest.MonkeyPatch, act: Any, *, after: bool) -> None:
    """Have `act` called as a thread connects: just before, or just after."""
    connect = httpcore.SyncBackend.connect_tcp

    def watched(*said: Any, **named: Any) -> Any:
        if not after:
            act()
        try:
            return connect(*said, **named)
        finally:
            if after:
                act()

    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", watched)


def test_an_exchange_that_was_left_before_it_began_ends_at_once(silent: Open) -> None:
    leaving = Leaving()
    leaving.leave()
    with pytest.raises(Lost):
        BlockingTransport().open(silent, leaving)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("how", ["leave", "shut"])
def test_an_exchange_that_is_ended_while_it_connects_ends(
    how: str, after: bool, silent: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaving, transport = Leaving(), BlockingTransport()
    connecting(monkeypatch, leaving.leave if how == "leave" else transport.shut, after=after)
    with pytest.raises(Lost):
        transport.open(silent, leaving)
    transport.release()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_an_exchange_of_a_loop_that_is_shut_while_it_connects_ends(
    after: bool, silent: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    transport, connect = LoopedTransport(), sockets._connect

    async def watched(*said: Any) -> socket.socket:
        if not after:
            transport.shut()
        made = await connect(*said)
        if after:
            transport.shut()
        return made

    monkeypatch.setattr(sockets, "_connect", watched)
    with pytest.raises(Lost):
        asyncio.run(_opened(transport, silent))


def test_a_loop_that_comes_after_the_end_gets_no_exchange(silent: Open) -> None:
    transport = LoopedTransport()
    transport.shut()
    with pytest.raises(Lost):
        asyncio.run(_opened(transport, silent))


async def _opened(transport: LoopedTransport, effect: Open) -> object:
    return await transport.open(effect)
