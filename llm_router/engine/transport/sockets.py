"""Connections in asyncio, on plain non-blocking sockets.

Nothing here belongs to an event loop for longer than one operation takes: a connection whose loop is gone is closed
like any socket, by whoever finds it.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterable
from functools import partial
from typing import Any

from typing_extensions import override

from llm_router.engine.transport.library import httpcore
from llm_router.engine.transport.limits import seconds_left
from llm_router.engine.transport.live import Live

TLS_RECORD = 65_536


@contextlib.asynccontextmanager
async def _within(limit: object, late: type[Exception], broken: type[Exception]) -> AsyncIterator[None]:
    """Raise `late` when the time is up, and `broken` for what the socket raises."""
    left = seconds_left(limit)
    if left == 0.0:
        raise late
    try:
        async with asyncio.timeout(left):
            yield
    except TimeoutError as error:
        raise late from error
    except OSError as error:
        raise broken(str(error)) from error


class SocketStream(httpcore.AsyncNetworkStream):
    """A connection whose every wait lasts at most what its exchange has left."""

    def __init__(self, connection: socket.socket, live: Live[SocketStream]) -> None:
        self._socket = connection
        self._live = live
        self._busy = False
        live.add(self)

    @override
    async def read(self, max_bytes: int, timeout: Any = None) -> bytes:
        async with self._using(), _within(timeout, httpcore.ReadTimeout, httpcore.ReadError):
            return await asyncio.get_running_loop().sock_recv(self._socket, max_bytes)

    @override
    async def write(self, buffer: bytes, timeout: Any = None) -> None:
        async with self._using(), _within(timeout, httpcore.WriteTimeout, httpcore.WriteError):
            await asyncio.get_running_loop().sock_sendall(self._socket, buffer)

    @override
    async def aclose(self) -> None:
        self.close()

    @override
    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: Any = None
    ) -> TlsStream:
        return await secured(self, ssl_context, server_hostname, timeout)

    @override
    def get_extra_info(self, info: str) -> Any:
        if info == "socket":
            return self._socket
        return self._readable() if info == "is_readable" else None

    def close(self) -> None:
        """Close the socket; nobody is reading from it."""
        self._live.discard(self)
        self._socket.close()

    def leave(self) -> None:
        """Close the socket, or have whoever is reading from it do so."""
        if self._busy:
            self.abort()
        else:
            self.close()

    def abort(self) -> None:
        """End the connection from any thread: whoever reads is woken."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    @contextlib.asynccontextmanager
    async def _using(self) -> AsyncIterator[None]:
        self._busy = True
        try:
            yield
        finally:
            self._busy = False

    def _readable(self) -> bool:
        """Whether an idle connection has something to say: that it was closed, as a rule."""
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True


class TlsStream(httpcore.AsyncNetworkStream):
    """TLS over another connection."""

    def __init__(self, inner: httpcore.AsyncNetworkStream, context: ssl.SSLContext, hostname: str | None) -> None:
        self._inner = inner
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=hostname)

    async def handshake(self, limit: object) -> None:
        """Agree on keys."""
        await self._until_done(self._tls.do_handshake, limit)

    @override
    async def read(self, max_bytes: int, timeout: Any = None) -> bytes:
        try:
            data: bytes = await self._until_done(partial(self._tls.read, max_bytes), timeout)
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""
        except ssl.SSLError as error:
            raise httpcore.ReadError(str(error)) from error
        return data

    @override
    async def write(self, buffer: bytes, timeout: Any = None) -> None:
        left = memoryview(buffer)
        try:
            while left:
                sent: int = await self._until_done(partial(self._tls.write, left), timeout)
                left = left[sent:]
        except ssl.SSLError as error:
            raise httpcore.WriteError(str(error)) from error

    @override
    async def aclose(self) -> None:
        await self._inner.aclose()

    @override
    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: Any = None
    ) -> TlsStream:
        return await secured(self, ssl_context, server_hostname, timeout)

    @override
    def get_extra_info(self, info: str) -> Any:
        return self._tls if info == "ssl_object" else self._inner.get_extra_info(info)

    async def _until_done(self, act: Callable[[], Any], limit: Any) -> Any:
        """Do it, with as many records sent and received as it takes."""
        while True:
            wants_more = False
            try:
                result = act()
            except ssl.SSLWantReadError:
                wants_more = True
            if waiting := self._outgoing.read():
                await self._inner.write(waiting, limit)
            if not wants_more:
                return result
            if data := await self._inner.read(TLS_RECORD, limit):
                self._incoming.write(data)
            else:
                self._incoming.write_eof()


async def secured(
    inner: httpcore.AsyncNetworkStream, context: ssl.SSLContext, hostname: str | None, limit: object
) -> TlsStream:
    """The connection with TLS over it. Raises the library's ConnectError or ConnectTimeout."""
    stream = TlsStream(inner, context, hostname)
    try:
        await stream.handshake(limit)
    except httpcore.TimeoutException as error:
        await inner.aclose()
        raise httpcore.ConnectTimeout from error
    except (httpcore.NetworkError, ssl.SSLError) as error:
        await inner.aclose()
        raise httpcore.ConnectError(str(error)) from error
    except BaseException:
        await inner.aclose()
        raise
    return stream


class SocketBackend(httpcore.AsyncNetworkBackend):
    """Makes connections, and knows all that are open."""

    def __init__(self, live: Live[SocketStream]) -> None:
        self._live = live

    @override
    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: Any = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> SocketStream:
        async with _within(timeout, httpcore.ConnectTimeout, httpcore.ConnectError):
            loop = asyncio.get_running_loop()
            places = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            return SocketStream(await _first_to_connect(places, seconds_left(timeout)), self._live)

    @override
    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def _first_to_connect(places: list[Any], left: float | None) -> socket.socket:
    """A connection to the first place that takes it; each gets an equal share of the time. Raises OSError."""
    errors: list[OSError] = []
    for number, (family, kind, protocol, _, address) in enumerate(places):
        share = None if left is None else left / (len(places) - number)
        try:
            async with asyncio.timeout(share):
                return await _connect(family, kind, protocol, address)
        except OSError as error:  # a TimeoutError is one
            errors.append(error)
    raise errors[0] if errors else OSError("the name has no address")


async def _connect(family: int, kind: int, protocol: int, address: Any) -> socket.socket:
    connection = socket.socket(family, kind, protocol)
    try:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(connection, address)
    except BaseException:
        connection.close()
        raise
    return connection
