"""Framing: what counts as an event, wherever the bytes are cut."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from llm_router.messages import StreamEvent, TextDelta
from llm_router.wire.codec import Failure, WireError
from llm_router.wire.framing import JsonLines, ServerEvent, ServerEvents, gather
from tests.wire.reading_streams import bytewise, halves

SERVER_EVENTS: list[tuple[str, bytes, list[tuple[str, str]]]] = [
    ("one event", b"data: a\n\n", [("message", "a")]),
    ("carriage returns and line feeds", b"data: a\r\n\r\ndata: b\r\n\r\n", [("message", "a"), ("message", "b")]),
    ("carriage returns alone", b"data: a\r\rdata: b\r\r", [("message", "a"), ("message", "b")]),
    ("mixed line ends", b"data: a\r\ndata: b\n\rdata: c\r\n\n", [("message", "a\nb"), ("message", "c")]),
    ("lines of one event are joined", b"data: a\ndata:\ndata: b\n\n", [("message", "a\n\nb")]),
    ("one space after the colon goes", b"data:a\n\ndata:  a\n\n", [("message", "a"), ("message", " a")]),
    ("a named event", b"event: error\ndata: a\n\ndata: b\n\n", [("error", "a"), ("message", "b")]),
    ("comments and other fields", b": ping\n\nid: 7\nretry: 9\n:x\ndata: a\n\n", [("message", "a")]),
    ("a field without a colon", b"data\ndata: a\n\n", [("message", "\na")]),
    ("a name without data is no event", b"event: ping\n\ndata: a\n\n", [("message", "a")]),
    ("a byte order mark", b"\xef\xbb\xbfdata: a\n\n", [("message", "a")]),
    ("a byte order mark later is data", b"data: a\n\n\xef\xbb\xbfdata: b\n\n", [("message", "a")]),
    ("UTF-8", "data: héllo 🌍\n\n".encode(), [("message", "héllo 🌍")]),
    ("bytes that aren't UTF-8", b"data: \xff\n\n", [("message", "\ufffd")]),
    (
        "line separators of Unicode end no line",
        "data: a\u2028\x0b\x85b\n\n".encode(),
        [("message", "a\u2028\x0b\x85b")],
    ),
    ("an event that nothing closes", b"data: a\n\ndata: b", [("message", "a"), ("message", "b")]),
    ("an event that one line end closes", b"data: b\n", [("message", "b")]),
    ("blank lines", b"\n\n\r\n\n", []),
    ("nothing", b"", []),
]

JSON_LINES: list[tuple[str, bytes, list[str]]] = [
    ("lines", b'{"a":1}\n{"b":2}\n', ['{"a":1}', '{"b":2}']),
    ("carriage returns", b'{"a":1}\r\n\r\n{"b":2}\r\n', ['{"a":1}', '{"b":2}']),
    ("a carriage return ends no line", b'{"a":\r1}\n', ['{"a":\r1}']),
    ("a last line without its end", b'{"a":1}\n{"b"', ['{"a":1}', '{"b"']),
    ("UTF-8", '{"é":"🌍"}\n'.encode(), ['{"é":"🌍"}']),
    ("a byte order mark", b'\xef\xbb\xbf{"a":1}\n', ['{"a":1}']),
    ("nothing", b"\n \n", []),
]


def _events(chunks: Iterable[bytes]) -> list[ServerEvent]:
    frames = ServerEvents()
    events = [event for chunk in chunks for event in frames.feed(chunk)]
    return [*events, *frames.close()]


def _lines(chunks: Iterable[bytes]) -> list[str]:
    frames = JsonLines()
    lines = [line for chunk in chunks for line in frames.feed(chunk)]
    return [*lines, *frames.close()]


@pytest.mark.parametrize(("name", "data", "expected"), SERVER_EVENTS, ids=[case[0] for case in SERVER_EVENTS])
def test_server_events_cut_at_every_byte(name: str, data: bytes, expected: list[tuple[str, str]]) -> None:
    for chunks in ([data], bytewise(data), *(halves(data, at) for at in range(len(data)))):
        assert [(event.name, event.data) for event in _events(chunks)] == expected


@pytest.mark.parametrize(("name", "data", "expected"), JSON_LINES, ids=[case[0] for case in JSON_LINES])
def test_json_lines_cut_at_every_byte(name: str, data: bytes, expected: list[str]) -> None:
    for chunks in ([data], bytewise(data), *(halves(data, at) for at in range(len(data)))):
        assert _lines(chunks) == expected


_TEXT = st.lists(st.sampled_from([b"data: ", b"\r", b"\n", b"event: x", b"\xef\xbb\xbf", b":", b"\xc3", b"\xa9", b"a"]))


@settings(deadline=None)
@given(_TEXT.map(b"".join), st.lists(st.integers(1, 9)))
@example(b"data: a\r\n\r\ndata: b", [8, 1, 1])
def test_framing_doesnt_depend_on_the_cuts(data: bytes, lengths: list[int]) -> None:
    chunks, at = [], 0
    for length in lengths:
        chunks.append(data[at : at + length])
        at += length
    chunks += [b"", data[at:]]
    assert _events(chunks) == _events([data])
    assert _lines(chunks) == _lines([data])


@pytest.mark.parametrize("data", [b"data: " + b"x" * 60, b"data: x\n" * 12, b":" + b"x" * 60])
def test_an_event_that_is_too_long_is_malformed(data: bytes) -> None:
    for chunks in ([data], bytewise(data)):
        frames = ServerEvents(limit=50)
        with pytest.raises(WireError) as caught:
            [event for chunk in chunks for event in frames.feed(chunk)]
        assert caught.value.failure.kind == "malformed"


def test_many_short_events_are_no_long_one() -> None:
    assert len(_lines([b'{"a":1}\n' * 20])) == 20
    frames = ServerEvents(limit=50)
    assert len(list(frames.feed(b"data: xxxxxxxxxx\n\n" * 20))) == 20


def test_a_line_that_is_too_long_is_malformed() -> None:
    frames = JsonLines(limit=50)
    with pytest.raises(WireError):
        list(frames.feed(b"x" * 51))


def test_one_long_event_in_many_pieces() -> None:
    """In linear time: code that joins at every piece would copy 320 GB here."""
    frames = ServerEvents()
    assert list(frames.feed(b"data: ")) == []
    for _ in range(200_000):
        list(frames.feed(b"x" * 16))
    (event,) = frames.feed(b"\n\n")
    assert len(event.data) == 200_000 * 16


def test_events_before_a_failure_are_kept() -> None:
    def read(frame: int) -> list[StreamEvent]:
        if frame == 2:
            raise WireError(Failure("malformed", "no"), (TextDelta("b"),))
        return [TextDelta("a")]

    with pytest.raises(WireError) as caught:
        gather([1, 2, 3], read)
    assert caught.value.events == (TextDelta("a"), TextDelta("b"))
