"""How a prediction goes on once it is created.

Streamed: its stream is passed on, then the prediction is asked for once more, because only it tells what was used. A
model that doesn't stream is asked for until it is done, and its output comes at once. Pauses grow from a quarter of a
second to three.

INVARIANT: addresses come out of replies, so they are followed only where they lead back to who was asked: to the same
origin, or by https to a host of Replicate's where it is Replicate that was asked. The key goes to the same origin and
to `replicate.com` alone; streams elsewhere carry a secret of their own in the address, and the vendor's JavaScript
client sends them no key either (2026).
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from urllib.parse import SplitResult, urlsplit

from llm_router.wire.codec import HttpRequest, WireError
from llm_router.wire.course import Ask, Give, Play, Rest, Step, Told
from llm_router.wire.error_body import failure_of
from llm_router.wire.framing import ServerEvents
from llm_router.wire.reading import as_object, as_text, malformed, parse_object
from llm_router.wire.replicate.decode import DONE, LAST_EVENT

FIRST_PAUSE_S, LONGEST_PAUSE_S, PAUSE_FACTOR = 0.25, 3.0, 1.5
_PATIENCE = 3
"""How often in a row a prediction that runs may not be told, for want of capacity."""
_ASKED_AFTER_STREAM = 3
"""How often a streamed prediction is asked for what it used: it may be a moment late."""
_PLAIN_URL = re.compile(r"[!-\[\]-~]+")
"""Printable ASCII without backslash: what parsers of addresses read alike."""


class Prediction:
    """The course of one prediction."""

    def __init__(self, asked: HttpRequest, told: Told, *, stream: bool) -> None:
        self._asked = asked
        self._stream = stream
        self._said = parse_object(told.body)
        self._body = told.body
        if not as_text(self._said.get("status")):
            raise malformed("the reply is no prediction")
        self._get = self._follow("get", "application/json")
        self._cancel = self._follow("cancel", "application/json", method="POST")
        self._over = self._is_done
        self._end = _EndOfStream()

    @property
    def leave(self) -> HttpRequest | None:
        """Cancels the prediction while it runs."""
        return None if self._over or self._end.seen else self._cancel

    @property
    def _is_done(self) -> bool:
        return as_text(self._said.get("status")) in DONE

    def steps(self) -> Generator[Step, Told | None, None]:
        """The steps. Raises WireError."""
        if self._stream:
            yield Give(_framed("created", self._body))
        play = self._follow("stream", "text/event-stream") if self._stream and not self._is_done else None
        if play is not None:
            told = yield Play(play, self._end)
            _check(told)
            self._over = True
            yield from self._ask(_ASKED_AFTER_STREAM)
        else:
            yield from self._ask(None)
            self._over = True
        yield Give(_framed("prediction", self._body) if self._stream else self._body)

    def _ask(self, most: int | None) -> Generator[Step, Told | None, None]:
        """Ask for the prediction until it is done, or `most` times."""
        pause, patience, times = FIRST_PAUSE_S, _PATIENCE, 0
        while not self._is_done and (most is None or times < most):
            if self._get is None:
                raise malformed("the prediction has no address")
            if times or most is None:
                yield Rest(pause)
            pause, times = min(pause * PAUSE_FACTOR, LONGEST_PAUSE_S), times + 1
            told = yield Ask(self._get)
            patience = patience - 1 if _is_busy(told) else _PATIENCE
            if patience <= 0 or not _is_busy(told):
                self._take(_check(told))

    def _take(self, told: Told) -> None:
        self._said, self._body = parse_object(told.body), told.body

    def _follow(self, name: str, accept: str, method: str = "GET") -> HttpRequest | None:
        """The request to one of the prediction's own addresses; None where it has none. Raises WireError."""
        address = as_text(as_object(self._said.get("urls")).get(name))
        if not address:
            return None
        return HttpRequest(method, address, {"accept": accept, **_headers(self._asked, address)}, b"")


class _EndOfStream:
    """Whether the last event of a stream came."""

    def __init__(self) -> None:
        self._frames = ServerEvents()
        self.seen = False

    def __call__(self, chunk: bytes) -> bool:
        """Whether it came with this piece."""
        names = [frame.name for frame in self._frames.feed(chunk)]
        self.seen = self.seen or any(name in LAST_EVENT for name in names)
        return self.seen


def _framed(name: str, body: bytes) -> bytes:
    """The prediction as an event of the stream, on one line."""
    return f"\n\nevent: {name}\ndata: ".encode() + body.replace(b"\r", b" ").replace(b"\n", b" ") + b"\n\n"


def _is_busy(told: Told | None) -> bool:
    return told is not None and (told.status == 429 or told.status >= 500)


def _check(told: Told | None) -> Told:
    """What came, if it is good. Raises WireError."""
    assert told is not None  # INVARIANT: every exchange is told
    if told.status >= 300:
        raise WireError(failure_of(told.status, told.headers, told.body))
    return told


def _headers(asked: HttpRequest, address: str) -> Mapping[str, str]:
    """The headers for an address: the key, where it may go. Raises WireError for one that isn't followed."""
    own, there = urlsplit(asked.url), _split(address)
    if _origin(there) == _origin(own):
        return _key(asked)
    if there.scheme == "https" and _is_at(own, "replicate.com"):
        if _is_at(there, "replicate.com"):
            return _key(asked)
        if _is_at(there, "replicate.net"):
            return {}
    raise malformed(f"the prediction has an address elsewhere, at `{there.hostname or ''}`, which isn't followed")


def _key(asked: HttpRequest) -> Mapping[str, str]:
    return {name: value for name, value in asked.headers.items() if name not in ("content-type", "accept", "prefer")}


def _split(address: str) -> SplitResult:
    try:
        parts = urlsplit(address)
        plain = _PLAIN_URL.fullmatch(address) and "@" not in parts.netloc and parts.port != 0
    except ValueError:  # a port that is none shows only when it is asked for
        plain = False
    if not plain:
        raise malformed("the prediction has an address that can't be read")
    return parts


def _origin(parts: SplitResult) -> tuple[str, str, int | None]:
    usual = {"https": 443, "http": 80}.get(parts.scheme)
    return parts.scheme, parts.hostname or "", parts.port or usual


def _is_at(parts: SplitResult, domain: str) -> bool:
    host = parts.hostname or ""
    return (host == domain or host.endswith(f".{domain}")) and parts.port in (None, 443)
