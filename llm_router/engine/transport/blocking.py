"""Blocking exchanges, on httpx's own engine.

httpx reads a timeout once for a whole body, and closing from another thread wakes nobody. So our network stream asks
for the time left at each read, and an abort shuts the socket down, which does wake whoever reads.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from typing_extensions import override

from llm_router.engine.effects import Close, Open, Read, Reply
from llm_router.engine.leaving import Leaving
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
from llm_router.engine.transport.limits import Limit, seconds_left
from llm_router.engine.transport.live import Live
from llm_router.engine.transport.proxies import Proxies, proxy_of
from llm_router.engine.transport.tls import tls_context
from llm_router.wire.codec import HttpRequest


class TimedStream(httpcore.NetworkStream):
    """A connection whose every wait lasts at most what its exchange has left."""

    def __init__(self, stream: httpcore.NetworkStream, live: Live[TimedStream]) -> None:
        self._stream = stream
        self._live = live
        live.add(self)

    @override
    def read(self, max_bytes: int, timeout: Any = None) -> bytes:
        left = seconds_left(timeout)
        if left == 0.0:
            raise httpcore.ReadTimeout
        if self._is_left(timeout):
            raise httpcore.ReadError
        return self._stream.read(max_bytes, left)

    @override
    def write(self, buffer: bytes, timeout: Any = None) -> None:
        left = seconds_left(timeout)
        if left == 0.0:
            raise httpcore.WriteTimeout
        if self._is_left(timeout):
            raise httpcore.WriteError
        self._stream.write(buffer, left)

    @override
    def close(self) -> None:
        self._live.discard(self)
        self._stream.close()

    @override
    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: Any = None
    ) -> TimedStream:
        left = seconds_left(timeout)
        if left == 0.0:
            raise httpcore.ConnectTimeout
        secured = self._stream.start_tls(ssl_context, server_hostname, left)
        self._live.discard(self)
        return TimedStream(secured, self._live)

    @override
    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def _is_left(self, timeout: Any) -> bool:
        """Whether nobody wants the exchange any more; from now on its abort ends this connection."""
        if not isinstance(timeout, Limit):
            return False
        timeout.waiting = self
        return timeout.aborted

    def abort(self) -> None:
        """End the connection from any thread: whoever reads is woken."""
        with contextlib.suppress(OSError):
            self._stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)


class _Backend(httpcore.NetworkBackend):
    def __init__(self, live: Live[TimedStream]) -> None:
        self._inner = httpcore.SyncBackend()
        self._live = live

    @override
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: Any = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> TimedStream:
        left = seconds_left(timeout)
        if left == 0.0:
            raise httpcore.ConnectTimeout
        return TimedStream(self._inner.connect_tcp(host, port, left, local_address, socket_options), self._live)


@dataclass(slots=True)
class _Exchange:
    """A response whose body is being read."""

    request: HttpRequest
    response: httpcore.Response
    limits: Limits
    inflating: Inflating
    chunks: Iterator[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.chunks = iter(self.response.iter_stream())


class BlockingTransport:
    """Performs exchanges for threads; they share its connections."""

    def __init__(self) -> None:
        self._live: Live[TimedStream] = Live()
        self._pools: dict[tuple[bool, str | None], httpcore.ConnectionPool] = {}
        self._proxies = Proxies()
        self._lock = threading.Lock()

    def open(self, effect: Open, leaving: Leaving) -> Reply:
        """Send the request; the head of its response."""
        request, limits = effect.request, Limits.of(effect)
        try:
            with leaving.ending(limits.read.abort):
                response = self._pool(request.url).handle_request(library_request(request, limits))
        except ERRORS as error:
            raise what_happened(error, request) from error
        headers = plain_headers(response.headers)
        return Reply(response.status, headers, _Exchange(request, response, limits, Inflating.of(headers)))

    def read(self, effect: Read, leaving: Leaving) -> bytes:
        """The next bytes of the body."""
        exchange: _Exchange = effect.reply.body
        exchange.limits.read.until = effect.until
        try:
            with leaving.ending(exchange.limits.read.abort):
                for chunk in exchange.chunks:
                    if data := exchange.inflating.feed(chunk):
                        return data
        except ERRORS as error:
            raise what_happened(error, exchange.request) from error
        return b""

    def close(self, effect: Close) -> None:
        """Free the connection. It is kept for others if the body's end is at hand."""
        exchange: _Exchange = effect.reply.body
        if effect.whole:
            exchange.limits.read.until = time.monotonic() + LINGER_S
            with contextlib.suppress(*ERRORS):
                for _ in exchange.chunks:
                    pass
        with contextlib.suppress(*ERRORS):
            exchange.response.close()

    def shut(self) -> None:
        """End every exchange, and close what is idle."""
        self._live.shut()
        for pool in self._pools.values():
            with contextlib.suppress(Exception):  # exchanges under way are closed by whoever reads them
                pool.close()

    def release(self) -> None:
        """Close every socket, without a lock and without waiting."""
        for stream in self._live:
            stream.close()

    def after_fork(self) -> None:
        """Leave the parent's connections to the parent."""
        self.release()
        self._pools = {}
        self._lock = threading.Lock()

    def _pool(self, url: str) -> httpcore.ConnectionPool:
        secure, proxy = url.startswith("https"), self._proxies.for_url(url)
        with self._lock:
            pool = self._pools.get((secure, proxy))
            if pool is None:
                pool = self._pools[secure, proxy] = httpcore.ConnectionPool(
                    ssl_context=tls_context() if secure else None,
                    proxy=None if proxy is None else proxy_of(proxy),
                    max_connections=None,
                    max_keepalive_connections=IDLE_CONNECTIONS,
                    keepalive_expiry=IDLE_S,
                    network_backend=_Backend(self._live),
                )
            return pool
