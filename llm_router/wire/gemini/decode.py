"""Decodes answers: whole, and streamed as server-sent events without an end marker: the finish reason is the end.

Without `alt=sse` a stream comes as one JSON list of chunks; such a body is understood too, at its end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from llm_router.messages import ChatResponse, Json, StreamEvent
from llm_router.wire.codec import WireError
from llm_router.wire.framing import ServerEvent, gather
from llm_router.wire.gemini.reply import Reply
from llm_router.wire.reading import as_object, malformed, parse, parse_object, truncated
from llm_router.wire.streaming import folded


def decode(headers: Mapping[str, str], body: bytes) -> ChatResponse:
    """A whole answer. Raises WireError."""
    return folded(_whole(headers, body))


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


OPENING = (b"{", b"[")
"""What a body begins with that isn't server-sent events."""


class Frames:
    """The server-sent events of one answer, each a chunk of it."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers
        self._reply = Reply(headers)

    @property
    def finished(self) -> bool:
        """Whether a finish reason came."""
        return self._reply.finished

    @property
    def done(self) -> bool:
        """Whether a finish reason and usage came."""
        return self._reply.done

    def read(self, frame: ServerEvent) -> list[StreamEvent]:
        """The events of one frame; what follows the end of the answer is left alone. Raises WireError."""
        if self._reply.done:
            return []
        try:
            chunk = parse_object(frame.data)
        except WireError as error:
            if self._reply.finished:
                return []
            raise malformed("an event of the stream isn't a JSON object") from error
        return self._reply.read(chunk)

    def end(self) -> list[StreamEvent]:
        """The last events."""
        return self._reply.end()

    def document(self, body: bytes) -> list[StreamEvent]:
        """The events of a body that is one JSON document; one that can't be read was cut. Raises WireError."""
        try:
            parse(body)
        except ValueError as error:
            raise truncated("the stream was cut inside its document") from error
        return _whole(self._headers, body)
