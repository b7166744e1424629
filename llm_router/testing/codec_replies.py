"""What a codec makes of replies: recorded ones whole, cut and trailing, and bytes that nobody recorded."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from math import isfinite
from typing import TypeVar

from llm_router.errors import FAILURE_CLASSES
from llm_router.messages import Assembly, ChatResponse, Finished, StreamEvent, TextDelta
from llm_router.wire.codec import Codec, Failure, WireError

T = TypeVar("T")
MOST_CUTS = 300
"""Places at which a long reply is cut; a shorter one is cut everywhere."""

JUNK: tuple[bytes, ...] = (
    b"",
    b" ",
    b"oops",
    b"null",
    b"true",
    b"3",
    b'"text"',
    b"[]",
    b"{}",
    b"[1, null]",
    b'{"error": null}',
    b'{"error": {"message": null, "code": [1]}}',
    b'{"error": "no"}',
    b'{"message": {"a": 1}}',
    b"\xff\xfe\x00",
    b"<html><head><title>502 Bad Gateway</title></head></html>",
    b"data: {}\n\n",
    b"data: [DONE]\n\n",
    b"event: x\ndata: 1\n\n",
    b"{}\n[]\nnull\n",
    b'{"choices": 1}',
    b"[" * 5000,
    b'{"a":' * 3000,
)
STATUSES = (400, 401, 402, 403, 404, 408, 409, 413, 422, 429, 451, 500, 502, 503, 504, 529, 599)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A real reply, and the answer that it is: as one body (`whole`), as a stream's bytes (`stream`), or as both.

    Header names are lower case. Where both are given, both must give the same answer.
    """

    name: str
    gives: ChatResponse = field(repr=False)
    whole: bytes | None = field(default=None, repr=False)
    stream: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class RecordedError:
    """A real reply with a status of 400 or above, and the failure that it is. Header names are lower case."""

    name: str
    status: int
    body: bytes = field(repr=False)
    gives: Failure = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class _Played:
    """All events of a stream, the failure that ended it, and an exception that should not have come."""

    events: tuple[StreamEvent, ...]
    failure: Failure | None = None
    odd: str = ""

    @property
    def response(self) -> ChatResponse:
        assembly = Assembly()
        for event in self.events:
            assembly.add(event)
        return assembly.response()

    @property
    def finished(self) -> bool:
        return any(isinstance(event, Finished) for event in self.events)


def check_whole(codec: Codec, told: Recorded) -> Iterator[str]:
    """Complains of a whole reply that isn't read as it should be."""
    body = told.whole
    if body is None:
        return
    of = f"{told.name}, whole"
    yield from _same(of, _decoded(codec, told, body), told.gives)
    yield from _same(f"{of}, with blank lines behind it", _decoded(codec, told, body + b"\n\n"), told.gives)
    for at in _cuts(len(body.rstrip())):
        got = _decoded(codec, told, body[:at])
        if not isinstance(got, Failure):
            came = got if isinstance(got, str) else "an answer"
            yield f"{of}, cut after {at} bytes: expected a WireError (malformed or truncated), got {came}"
            return


def check_stream(codec: Codec, told: Recorded) -> Iterator[str]:
    """Complains of a stream that isn't read alike however it is cut, or whose end isn't seen."""
    data = told.stream
    if data is None:
        return
    of = f"{told.name}, streamed"
    yield from _same(f"{of} in one piece", _answer(_play(codec, told, [data])), told.gives)
    yield from _same(f"{of} byte by byte", _answer(_play(codec, told, _bytewise(data))), told.gives)
    yield from _same(f"{of}, with blank lines behind it", _answer(_play(codec, told, [data + b"\n\n"])), told.gives)
    until_done = _answer(_play(codec, told, _bytewise(data), until_done=True))
    yield from _same(f"{of}, read until `done`", until_done, told.gives)
    yield from _well_formed(of, _play(codec, told, [data]))
    for at in _cuts(len(data)):
        played = _play(codec, told, [data[:at], b"", data[at:]])
        found = _same(f"{of}, cut into two after {at} bytes", _answer(played), told.gives)
        if complaint := next(found, None):
            yield complaint
            return


def check_truncated(codec: Codec, told: Recorded) -> Iterator[str]:
    """Complains of a stream that broke off and counts as an answer, or lost what had come."""
    data = told.stream or b""
    for at in _cuts(len(data)):
        played = _play(codec, told, [data[:at]])
        of = f"{told.name}, broken off after {at} of {len(data)} bytes"
        if played.odd:
            yield f"{of}: {played.odd}"
        elif played.failure is None and not played.finished:
            yield f"{of}: `close` must raise a WireError of the kind truncated, for there was no finish reason"
        elif played.failure is not None and played.failure.kind != "truncated":
            yield f"{of}: the failure is of the kind {played.failure.kind}, expected truncated"
        elif not told.gives.text.startswith(played.response.text):
            yield f"{of}: its text isn't the beginning of the whole one"
        else:
            continue
        return


def check_independent(codec: Codec, told: Recorded) -> Iterator[str]:
    """Complains of two streams that disturb each other: a codec keeps nothing between two calls."""
    data = told.stream or b""
    first, second = codec.decoder(told.headers), codec.decoder(told.headers)
    events: tuple[list[StreamEvent], list[StreamEvent]] = ([], [])
    try:
        for piece in _bytewise(data):
            events[0].extend(first.feed(piece))
            events[1].extend(second.feed(piece))
    except Exception as error:  # whatever it is: read alone, this stream raises nothing
        yield f"{told.name}, two streams at once: {_shown(error)}"
        return
    if events[0] != events[1]:
        yield f"{told.name}, two streams at once: they give different events, so they share something"


def check_error(codec: Codec, told: RecordedError) -> Iterator[str]:
    """Complains of an error body that isn't read as it should be."""
    got = _tried(lambda: codec.decode_error(told.status, told.headers, told.body))
    if not isinstance(got, Failure):
        yield f"{told.name}: `decode_error` must give a Failure, got {got}"
        return
    for each in fields(Failure):
        have, want = getattr(got, each.name), getattr(told.gives, each.name)
        if have != want:
            yield f"{told.name}: `{each.name}` is {have!r}, expected {want!r}"


def check_any_bytes(codec: Codec, bodies: Iterable[bytes]) -> Iterator[str]:
    """Complains of bytes for which something else than an answer, a WireError or a Failure comes out."""
    for body in (*JUNK, *bodies):
        shown = f"the bytes {body[:40]!r}"
        whole = _tried(lambda body=body: codec.decode({}, body))  # type: ignore[misc] # mypy: lambda with a default
        if isinstance(whole, str):
            yield f"{shown} as a whole answer: {whole}"
        streamed = _play(codec, Recorded("", ChatResponse(Assembly().response().message, "stop")), [body])
        if streamed.odd:
            yield f"{shown} as a stream: {streamed.odd}"
        for status in STATUSES:
            yield from _any_error(codec, status, body, shown)


def _any_error(codec: Codec, status: int, body: bytes, shown: str) -> Iterator[str]:
    got = _tried(lambda: codec.decode_error(status, {}, body))
    of = f"{shown} with the status {status}"
    if not isinstance(got, Failure):
        yield f"{of}: `decode_error` must give a Failure for any bytes, got {got}"
    elif got.kind not in FAILURE_CLASSES:
        yield f"{of}: `{got.kind}` is no failure class; they are {', '.join(FAILURE_CLASSES)}"
    elif not got.message.strip():
        yield f"{of}: the failure has no message"
    elif got.retry_after_s is not None and not (isfinite(got.retry_after_s) and got.retry_after_s >= 0):
        yield f"{of}: `retry_after_s` is {got.retry_after_s}"


def _well_formed(of: str, played: _Played) -> Iterator[str]:
    ends = sum(isinstance(event, Finished) for event in played.events)
    if ends != 1:
        yield f"{of}: `Finished` came {ends} times, expected once"
    if TextDelta("") in played.events:
        yield f"{of}: a `TextDelta` is empty; leave it out"


def _decoded(codec: Codec, told: Recorded, body: bytes) -> ChatResponse | Failure | str:
    return _tried(lambda: codec.decode(told.headers, body))


def _answer(played: _Played) -> ChatResponse | Failure | str:
    return played.odd or played.failure or played.response


def _same(of: str, got: ChatResponse | Failure | str, expected: ChatResponse) -> Iterator[str]:
    """Complains of each field that differs."""
    if isinstance(got, Failure):
        yield f"{of}: expected an answer, got a WireError ({got.kind}: {got.message})"
    elif isinstance(got, str):
        yield f"{of}: expected an answer, got {got}"
    else:
        for each in fields(ChatResponse):
            have, want = _plain(getattr(got, each.name)), _plain(getattr(expected, each.name))
            if have != want:
                yield f"{of}: `{each.name}` is {have}, expected {want}"


def _plain(value: object) -> str:
    """A value with what its repr hides: these are the tester's own recordings."""
    if hasattr(value, "__dataclass_fields__"):
        shown = (f"{each.name}={_plain(getattr(value, each.name))}" for each in fields(value) if each.compare)  # type: ignore[arg-type] # a dataclass it is
        return f"{type(value).__name__}({', '.join(shown)})"
    if isinstance(value, tuple):
        return f"({', '.join(map(_plain, value))})"
    return json.dumps(value, sort_keys=True, default=dict) if isinstance(value, Mapping) else repr(value)


def _play(codec: Codec, told: Recorded, pieces: Iterable[bytes], *, until_done: bool = False) -> _Played:
    events: list[StreamEvent] = []
    try:
        decoder = codec.decoder(told.headers)
        for piece in pieces:
            events += decoder.feed(piece)
            if until_done and decoder.done:
                return _Played(tuple(events))
        events += decoder.close()
    except WireError as error:
        return _Played((*events, *error.events), error.failure)
    except Exception as error:  # that anything else may come is what is looked for
        return _Played(tuple(events), odd=_shown(error))
    return _Played(tuple(events))


def _tried(act: Callable[[], T]) -> T | Failure | str:
    """What it gives, the failure that it tells, or another exception in words."""
    try:
        return act()
    except WireError as error:
        return error.failure
    except Exception as error:  # that anything else may come is what is looked for
        return _shown(error)


def _shown(error: Exception) -> str:
    return f"{type(error).__name__} ({str(error)[:80]}), where only WireError may be raised"


def _bytewise(data: bytes) -> Iterator[bytes]:
    return (data[at : at + 1] for at in range(len(data)))


def _cuts(length: int) -> Iterable[int]:
    """Places to cut at: all of a short text, else many, those near the end among them."""
    if length <= MOST_CUTS:
        return range(length)
    spread = {length * step // (MOST_CUTS - 100) for step in range(MOST_CUTS - 100)}
    return sorted(spread | set(range(length - 100, length)))
