"""What both transports make of requests and responses."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from llm_router.engine.effects import Expired, Lost, Open
from llm_router.engine.transport.library import httpcore
from llm_router.engine.transport.limits import Limit
from llm_router.wire.codec import HttpRequest

IDLE_CONNECTIONS = 100
"""How many idle connections a pool keeps; there are as many busy ones as there are requests."""

IDLE_S = 30.0
"""How long it keeps them."""

LINGER_S = 0.02
"""How long the end of a body is waited for whose answer is whole, so that its connection can be used again."""

ERRORS = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, httpcore.ProxyError)
"""What the library raises for an exchange that fails."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one exchange: until it is connected, and for whatever it waits for after that."""

    connect: Limit
    read: Limit

    @classmethod
    def of(cls, effect: Open) -> Limits:
        return cls(Limit(effect.connect_until), Limit(effect.until))

    def extensions(self) -> dict[str, object]:
        """As the library takes them along with a request."""
        return {"timeout": {"connect": self.connect, "read": self.read, "write": self.read, "pool": None}}


def library_request(request: HttpRequest, limits: Limits) -> httpcore.Request:
    """The request in the library's form, with the headers that HTTP itself asks for."""
    host = urlsplit(request.url).netloc.rpartition("@")[2]
    headers = {"host": host, "user-agent": "llm-router", **request.headers, "content-length": str(len(request.body))}
    raw = [(name.encode("latin-1"), value.encode("utf-8")) for name, value in headers.items()]
    return httpcore.Request(
        request.method, request.url, headers=raw, content=request.body, extensions=limits.extensions()
    )


def plain_headers(raw: Sequence[tuple[bytes, bytes]]) -> Mapping[str, str]:
    """Headers by lower-case name; one that is sent several times is joined by commas."""
    headers: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


def what_happened(error: Exception, request: HttpRequest) -> Lost | Expired:
    """The library's error as a script knows it. What a header holds is never in it."""
    place = urlsplit(request.url).netloc.rpartition("@")[2]
    if isinstance(error, httpcore.ConnectTimeout):
        return Lost(f"no connection to `{place}` in time", unsent=True)
    if isinstance(error, httpcore.TimeoutException):
        return Expired()
    if isinstance(error, httpcore.LocalProtocolError):
        return Lost("the request can't be sent: HTTP doesn't allow a character in one of its headers", unsent=True)
    if isinstance(error, httpcore.ConnectError | httpcore.ProxyError):
        return Lost(f"no connection to `{place}`: {error}", unsent=True)
    return Lost(f"the connection to `{place}` broke: {str(error) or type(error).__name__}")


@dataclass(slots=True)
class Inflating:
    """Undoes a body's `content-encoding`, for servers that compress though nobody asked."""

    _inflate: zlib._Decompress | None = field(default=None)

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Inflating:
        encoded = headers.get("content-encoding", "").strip().lower() in ("gzip", "x-gzip", "deflate")
        return cls(zlib.decompressobj(zlib.MAX_WBITS | 32) if encoded else None)

    def feed(self, data: bytes) -> bytes:
        """The bytes that these spell. Raises Lost for what can't be read."""
        if self._inflate is None:
            return data
        try:
            return self._inflate.decompress(data)
        except zlib.error as error:
            raise Lost(f"the body's compression can't be read: {error}") from error
