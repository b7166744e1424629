"""Decodes answers: whole, and streamed as server-sent events without an end marker: the finish reason is the end.

Without `alt=sse` a stream comes as one JSON list of chunks; such a body is understood too, at its end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from llm_router.messages import Assembly, ChatResponse, Json, StreamEvent
from llm_router.wire.codec import WireError
from llm_router.wire.framing import ServerEvent, ServerEvents, gather
from llm_router.wire.gemini.reply import Reply
from llm_router.wire.reading import as_object, malformed, parse, parse_object, truncated


def decode(headers: Mapping[str, str], body: bytes) -> ChatResponse:
    """A whole answer. Raises WireError."""
    assembly = Assembly()
    for event in _whole(headers, body):
        assembly.add(event)
    return assembly.response()


def _whole(headers: Mapping[str, str], body: bytes) -> list[StreamEvent]:
    reply = Reply(headers)
    chunks = [as_object(chunk) for chunk in _chunks(body)]
    events = gather(chunks, reply.read)
    if not any(chunk.get("candidates") for chunk in chunks):
        raise malformed("the reply has no candidates")
    if not reply.finished:
        raise WireError(truncated("the reply has no finish reason").failure, tuple(events))
    return [*events, *reply.end()]


def _chunks(body: bytes) -> Sequence[Json]:
    """The one object of a reply, or the list of a stream that wasn't asked to be server-sent events."""
    try:
        value = parse(body)
    except ValueError as error:
        raise malformed("the reply isn't JSON") from error
    chunks = value if isinstance(value, list) else [value]
    if not all(isinstance(chunk, Mapping) for chunk in chunks):
        raise malformed("the reply isn't a JSON object")
    return chunks


class StreamDecoder:
    """Turns the bytes of one streamed answer into events."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers
        self._frames = ServerEvents()
        self._reply = Reply(headers)
        self._document: list[bytes] | None = None
        self._began = False

    def feed(self, data: bytes) -> list[StreamEvent]:
        """Events that these bytes complete. Raises WireError."""
        if not self._began and data.strip():
            self._began = True
            self._document = [] if data.lstrip().startswith((b"{", b"[")) else None
        if self._document is not None:
            self._document.append(data)
            return []
        return gather(self._frames.feed(data), self._read)

    @property
    def done(self) -> bool:
        """Whether a finish reason and usage came."""
        return self._reply.done

    def close(self) -> list[StreamEvent]:
        """Last events. Raises WireError (truncated) unless a finish reason came."""
        if self._document is not None:
            return self._read_document(b"".join(self._document))
        events = gather(self._frames.close(), self._read_last)
        if not self._reply.finished:
            raise WireError(truncated("the stream ended without a finish reason").failure, tuple(events))
        return [*events, *self._reply.end()]

    def _read(self, frame: ServerEvent) -> list[StreamEvent]:
        """The events of one frame; what follows the end of the answer is left alone."""
        if self._reply.done or not frame.data.strip():
            return []
        try:
            chunk = parse_object(frame.data)
        except WireError as error:
            if self._reply.finished:
                return []
            raise malformed("an event of the stream isn't a JSON object") from error
        return self._reply.read(chunk)

    def _read_last(self, frame: ServerEvent) -> list[StreamEvent]:
        """The events of a frame that nothing closed: one that can't be read was cut."""
        try:
            return self._read(frame)
        except WireError as error:
            if error.failure.kind != "malformed":
                raise
            raise truncated("the stream was cut inside an event") from error

    def _read_document(self, body: bytes) -> list[StreamEvent]:
        """The events of a body that is one JSON document; one that can't be read was cut."""
        try:
            parse(body)
        except ValueError as error:
            raise truncated("the stream was cut inside its document") from error
        return _whole(self._headers, body)
