"""Exchanges in asyncio. Connections belong to the event loop that made them.

On first use a loop gets its own connections and a guard: an async generator whose `finally` closes them, so that
`asyncio.run` ends clean. Loops that were closed without it are found when the next one comes.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field

from llm_router.engine.effects import Close, Open, Read, Reply
from llm_router.engine.transport.exchange import (
    ERRORS,
    IDLE_CONNECTIONS,
    IDLE_S,
    LINGER_S,
    Inflating,
    Limits,
    library_request,
    plain_headers,
    what_happened,
)
from llm_router.engine.transport.library import httpcore
from llm_router.engine.transport.live import Live
from llm_router.engine.transport.proxies import Proxies, proxy_of
from llm_router.engine.transport.sockets import SocketBackend, SocketStream
from llm_router.engine.transport.tls import tls_context
from llm_router.wire.codec import HttpRequest


@dataclass(slots=True)
class _Exchange:
    """A response whose body is being read."""

    request: HttpRequest
    response: httpcore.Response
    limits: Limits
    inflating: Inflating
    chunks: AsyncIterator[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.chunks = aiter(self.response.aiter_stream())


class _Links:
    """One loop's connections."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._proxies = Proxies()
        self.live: Live[SocketStream] = Live()
        self._pools: dict[tuple[bool, str | None], httpcore.AsyncConnectionPool] = {}
        self._guard = self._guarding()

    async def begin(self) -> None:
        """Have the loop close what is open when it ends."""
        await anext(self._guard)

    def pool(self, url: str) -> httpcore.AsyncConnectionPool:
        secure, proxy = url.startswith("https"), self._proxies.for_url(url)
        pool = self._pools.get((secure, proxy))
        if pool is None:
            pool = self._pools[secure, proxy] = httpcore.AsyncConnectionPool(
                ssl_context=tls_context() if secure else None,
                proxy=None if proxy is None else proxy_of(proxy),
                max_connections=None,
                max_keepalive_connections=IDLE_CONNECTIONS,
                keepalive_expiry=IDLE_S,
                network_backend=SocketBackend(self.live),
            )
        return pool

    def close(self) -> None:
        """Close every socket; nobody reads any more."""
        for stream in self.live:
            stream.close()

    async def aclose(self) -> None:
        """Close what nobody uses, and have the others closed by whoever does."""
        for stream in self.live:
            stream.leave()

    async def _guarding(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            self.close()


class LoopedTransport:
    """Performs exchanges for event loops; the tasks of one loop share its connections."""

    def __init__(self) -> None:
        self._links: dict[int, _Links] = {}
        self._lock = threading.Lock()
        self._shut = False

    async def open(self, effect: Open) -> Reply:
        """Send the request; the head of its response."""
        request, limits = effect.request, Limits.of(effect)
        pool = (await self._here()).pool(request.url)
        try:
            response = await pool.handle_async_request(library_request(request, limits))
        except ERRORS as error:
            raise what_happened(error, request) from error
        headers = plain_headers(response.headers)
        return Reply(response.status, headers, _Exchange(request, response, limits, Inflating.of(headers)))

    async def read(self, effect: Read) -> bytes:
        """The next bytes of the body."""
        exchange: _Exchange = effect.reply.body
        exchange.limits.read.until = effect.until
        try:
            async for chunk in exchange.chunks:
                if data := exchange.inflating.feed(chunk):
                    return data
        except ERRORS as error:
            raise what_happened(error, exchange.request) from error
        return b""

    async def close(self, effect: Close) -> None:
        """Free the connection. It is kept for others if the body's end is at hand."""
        exchange: _Exchange = effect.reply.body
        if effect.whole:
            exchange.limits.read.until = time.monotonic() + LINGER_S
            with contextlib.suppress(*ERRORS):
                async for _ in exchange.chunks:
                    pass
        with contextlib.suppress(*ERRORS):
            await exchange.response.aclose()
        if isinstance(exchange.chunks, AsyncGenerator):  # else the loop has to end it when it is garbage
            with contextlib.suppress(*ERRORS):
                await exchange.chunks.aclose()

    def shut(self) -> None:
        """End every exchange in every loop; close what has no loop to do it."""
        with self._lock:
            self._shut = True
            everybody = list(self._links.values())
        for links in everybody:
            links.live.shut()
            if links.loop.is_closed() or not links.loop.is_running():
                links.close()

    async def aclose(self) -> None:
        """Close what is idle in this loop: whoever used it has been ended."""
        links = self._links.get(id(asyncio.get_running_loop()))
        if links is not None:
            await links.aclose()

    def release(self) -> None:
        """Close every socket, without a lock and without waiting."""
        for links in list(self._links.values()):
            links.close()

    def after_fork(self) -> None:
        """Leave the parent's connections to the parent."""
        self.release()
        self._links = {}
        self._lock = threading.Lock()

    async def _here(self) -> _Links:
        """The running loop's connections."""
        loop = asyncio.get_running_loop()
        links = self._links.get(id(loop))
        if links is not None and links.loop is loop:
            return links
        links = _Links(loop)
        with self._lock:
            self._sweep()
            self._links[id(loop)] = links
            if self._shut:
                links.live.shut()
        await links.begin()
        return links

    def _sweep(self) -> None:
        """Close what loops that are closed have left."""
        for key, links in list(self._links.items()):
            if links.loop.is_closed():
                links.close()
                del self._links[key]
