"""Push parsers for the two framings of streamed answers: server-sent events and lines of JSON.

Both take bytes cut anywhere and cost linear time: a piece of an unfinished line is kept in a list and joined once.
A line is decoded only when it is whole, so that a cut inside a UTF-8 sequence doesn't matter. What `feed` and `close`
give is to be read to its end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from llm_router.messages import StreamEvent
from llm_router.wire.codec import Failure, WireError

LONGEST_EVENT = 32 * 1024 * 1024
"""Bytes of one event (or line) above which a stream counts as malformed."""

_ANY_LINE_END = re.compile(rb"\r\n|\r|\n")
_BOM = b"\xef\xbb\xbf"

Frame = TypeVar("Frame")


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One server-sent event: its `event:` name, `message` where it has none, and its data lines joined."""

    name: str
    data: str = field(repr=False)


class Lines:
    """Splits bytes into lines, without their ends: LF, CR LF or CR as server-sent events allow, or LF alone."""

    def __init__(self, *, limit: int = LONGEST_EVENT, cr_ends: bool = True) -> None:
        self._limit = limit
        self._cr_ends = cr_ends
        self._pieces: list[bytes] = []
        self._size = 0
        self._after_cr = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The lines that these bytes complete. Raises WireError (malformed) for one longer than the limit."""
        if not data:
            return
        if self._after_cr and data[:1] == b"\n":
            data = data[1:]
        self._after_cr = self._cr_ends and data[-1:] == b"\r" if data else False
        first, *rest = _ANY_LINE_END.split(data) if self._cr_ends else data.split(b"\n")
        self._keep(first)
        for piece in rest:
            yield self.rest()
            self._keep(piece)

    def rest(self) -> bytes:
        """The unfinished line, which is taken out."""
        line = b"".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        return line

    def _keep(self, piece: bytes) -> None:
        self._size += len(piece)
        _check_size(self._size, self._limit)
        if piece:
            self._pieces.append(piece)


class ServerEvents:
    """Parses server-sent events as the HTML standard defines them.

    Unlike a browser it also gives, at the end, an event that no blank line closed: several servers omit the last one.
    """

    def __init__(self, *, limit: int = LONGEST_EVENT) -> None:
        self._lines = Lines(limit=limit)
        self._limit = limit
        self._name = ""
        self._data: list[str] = []
        self._size = 0
        self._at_start = True

    def feed(self, data: bytes) -> Iterator[ServerEvent]:
        """The events that these bytes complete. Raises WireError (malformed) for one above the limit."""
        for line in self._lines.feed(data):
            yield from self._take(line)

    def close(self) -> Iterator[ServerEvent]:
        """The event that the end of the bytes left open, if any."""
        yield from self._take(self._lines.rest())
        yield from self._take(b"")

    def _take(self, line: bytes) -> Iterator[ServerEvent]:
        if self._at_start:
            self._at_start = False
            line = line.removeprefix(_BOM)
        if line:
            self._read_field(line)
            return
        if self._data:
            yield ServerEvent(self._name or "message", "\n".join(self._data))
        self._name, self._data, self._size = "", [], 0

    def _read_field(self, line: bytes) -> None:
        self._size += len(line)
        _check_size(self._size, self._limit)
        name, _, value = line.partition(b":")
        text = value.removeprefix(b" ").decode("utf-8", "replace")
        if name == b"data":
            self._data.append(text)
        elif name == b"event":
            self._name = text


class JsonLines:
    """Splits newline-delimited JSON into its lines; blank ones are left out."""

    def __init__(self, *, limit: int = LONGEST_EVENT) -> None:
        self._lines = Lines(limit=limit, cr_ends=False)

    def feed(self, data: bytes) -> Iterator[str]:
        """The lines that these bytes complete. Raises WireError (malformed) for one longer than the limit."""
        return _texts(self._lines.feed(data))

    def close(self) -> Iterator[str]:
        """The line that the end of the bytes left open, if any."""
        return _texts([self._lines.rest()])


def gather(frames: Iterable[Frame], read: Callable[[Frame], list[StreamEvent]]) -> list[StreamEvent]:
    """The events of all frames; a WireError keeps those from before it."""
    events: list[StreamEvent] = []
    try:
        for frame in frames:
            events += read(frame)
    except WireError as error:
        raise WireError(error.failure, (*events, *error.events)) from error
    return events


def _texts(lines: Iterable[bytes]) -> Iterator[str]:
    texts = (line.decode("utf-8", "replace").removeprefix("\ufeff").strip() for line in lines)
    return (text for text in texts if text)


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise WireError(Failure("malformed", f"an event of the stream is longer than {limit} bytes"))
