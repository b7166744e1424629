"""Exchanges through a client that the caller brought along: its proxies, certificates and hooks are kept.

httpx reads a timeout once for a whole body, so limits hold between reads here, and one read may last as long as the
first of the body was allowed to. An exchange can't be aborted from another thread.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from llm_router.engine.effects import Close, Expired, Lost, Open, Read, Reply
from llm_router.engine.leaving import Leaving
from llm_router.engine.transport.library import httpx
from llm_router.engine.transport.limits import Limit

Chunks = TypeVar("Chunks", Iterator[bytes], AsyncIterator[bytes])


@dataclass(slots=True)
class _Exchange(Generic[Chunks]):
    response: httpx.Response
    chunks: Chunks


class InjectedTransport:
    """Performs exchanges for threads with an `httpx.Client`, which stays its owner's to close."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def open(self, effect: Open, _: Leaving) -> Reply:
        """Send the request; the head of its response. httpx offers no way to end it."""
        request = _built(self._client, effect)
        try:
            response = self._client.send(request, stream=True, follow_redirects=False)
        except httpx.TransportError as error:
            raise _what_happened(error) from error
        return _reply(response, _Exchange(response, response.iter_bytes()))

    def read(self, effect: Read, _: Leaving) -> bytes:
        """The next bytes of the body. httpx offers no way to end it."""
        exchange: _Exchange[Iterator[bytes]] = effect.reply.body
        left = _left_for(exchange.response, effect)
        try:
            chunk = next(exchange.chunks, b"")
        except httpx.TransportError as error:
            raise _what_happened(error) from error
        if chunk and left.left_s() == 0.0:
            raise Expired
        return chunk

    def close(self, effect: Close) -> None:
        """Free the connection."""
        effect.reply.body.response.close()

    def shut(self) -> None:
        """Nothing: the client is its owner's."""

    def release(self) -> None:
        """Nothing: the client is its owner's."""

    def after_fork(self) -> None:
        """Nothing: the client is its owner's."""


class InjectedAsyncTransport:
    """Performs exchanges for the event loop of an `httpx.AsyncClient`, which stays its owner's to close."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def open(self, effect: Open) -> Reply:
        """Send the request; the head of its response."""
        request = _built(self._client, effect)
        async with _until(effect.until):
            response = await self._client.send(request, stream=True, follow_redirects=False)
        return _reply(response, _Exchange(response, response.aiter_bytes()))

    async def read(self, effect: Read) -> bytes:
        """The next bytes of the body."""
        exchange: _Exchange[AsyncIterator[bytes]] = effect.reply.body
        _left_for(exchange.response, effect)
        async with _until(effect.until):
            return await anext(exchange.chunks, b"")

    async def close(self, effect: Close) -> None:
        """Free the connection."""
        await effect.reply.body.response.aclose()

    def shut(self) -> None:
        """Nothing: the client is its owner's."""

    async def aclose(self) -> None:
        """Nothing: the client is its owner's."""

    def release(self) -> None:
        """Nothing: the client is its owner's."""

    def after_fork(self) -> None:
        """Nothing: the client is its owner's."""


def _built(client: httpx.Client | httpx.AsyncClient, effect: Open) -> httpx.Request:
    left, connect = Limit(effect.until).left_s(), Limit(effect.connect_until).left_s()
    http = effect.request
    return client.build_request(
        http.method,
        http.url,
        headers=dict(http.headers),
        content=http.body,
        timeout=httpx.Timeout(connect=connect, read=left, write=left, pool=left),
    )


def _left_for(response: httpx.Response, effect: Read) -> Limit:
    """The limit of one read, which the client's engine takes over if it is the body's first."""
    limit = Limit(effect.until)
    timeouts: dict[str, float | None] = response.request.extensions.get("timeout", {})
    timeouts["read"] = limit.left_s()
    return limit


def _reply(response: httpx.Response, body: object) -> Reply:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Reply(response.status_code, headers, body)


def _what_happened(error: httpx.TransportError) -> Lost | Expired:
    if isinstance(error, httpx.TimeoutException) and not isinstance(error, httpx.ConnectTimeout):
        return Expired()
    if isinstance(error, httpx.LocalProtocolError):
        return Lost("the request can't be sent: HTTP doesn't allow a character in one of its headers", unsent=True)
    unsent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError)
    return Lost(f"the connection failed: {str(error) or type(error).__name__}", unsent=unsent)


@contextlib.asynccontextmanager
async def _until(instant: float | None) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(Limit(instant).left_s()):
            yield
    except TimeoutError as error:
        raise Expired from error
    except httpx.TransportError as error:
        raise _what_happened(error) from error
