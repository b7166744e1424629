"""The frame of a decoder of server-sent events: what is alike, whatever a dialect's events say.

A server that answers a streamed request with one JSON document is understood too: its first byte shows it. An event
that nothing closed before the end of the bytes, and that can't be read, was cut.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from llm_router.messages import Assembly, ChatResponse, StreamEvent
from llm_router.wire.codec import WireError
from llm_router.wire.framing import ServerEvent, ServerEvents, gather
from llm_router.wire.reading import truncated


class Reading(Protocol):
    """One streamed answer under way, as a dialect reads it. Its methods raise WireError."""

    @property
    def finished(self) -> bool:
        """Whether a finish reason came."""

    @property
    def done(self) -> bool:
        """Whether nothing more need be read."""

    def read(self, frame: ServerEvent, /) -> list[StreamEvent]:
        """The events of one server-sent event that has data; of what follows the end, none."""

    def end(self) -> list[StreamEvent]:
        """The last events, at the end of the bytes of an answer that is finished."""

    def document(self, body: bytes, /) -> list[StreamEvent]:
        """The events of a body that is one JSON document."""


class StreamDecoder:
    """Turns the bytes of one streamed answer into events, as `reading` reads them.

    `opening` are the bytes of which one begins a JSON document.
    """

    def __init__(self, reading: Reading, opening: tuple[bytes, ...] = (b"{",)) -> None:
        self._reading = reading
        self._opening = opening
        self._frames = ServerEvents()
        self._document: list[bytes] | None = None
        self._began = False

    def feed(self, data: bytes) -> list[StreamEvent]:
        """Events that these bytes complete. Raises WireError."""
        if not self._began and data.strip():
            self._began = True
            self._document = [] if data.lstrip().startswith(self._opening) else None
        if self._document is not None:
            self._document.append(data)
            return []
        return gather(self._frames.feed(data), self._read)

    @property
    def done(self) -> bool:
        """Whether the end marker came, or a finish reason and usage."""
        return self._reading.done

    def close(self) -> list[StreamEvent]:
        """Last events. Raises WireError (truncated) unless a finish reason or the end marker came."""
        if self._document is not None:
            return self._reading.document(b"".join(self._document))
        events = gather(self._frames.close(), self._read_last)
        if not self._reading.finished:
            raise WireError(truncated("the stream ended without a finish reason").failure, tuple(events))
        return [*events, *self._reading.end()]

    def _read(self, frame: ServerEvent) -> list[StreamEvent]:
        return self._reading.read(frame) if frame.data.strip() else []

    def _read_last(self, frame: ServerEvent) -> list[StreamEvent]:
        try:
            return self._read(frame)
        except WireError as error:
            if error.failure.kind != "malformed":
                raise
            raise truncated("the stream was cut inside an event") from error


def folded(events: Iterable[StreamEvent]) -> ChatResponse:
    """The response that the events spell."""
    assembly = Assembly()
    for event in events:
        assembly.add(event)
    return assembly.response()
