"""Decodes answers: whole, and streamed as server-sent events."""

from __future__ import annotations

from collections.abc import Mapping

from llm_router.messages import Assembly, ChatResponse, JsonObject, StreamEvent
from llm_router.wire.anthropic.reply import Reply
from llm_router.wire.codec import WireError
from llm_router.wire.error_body import failure_in_answer
from llm_router.wire.framing import ServerEvent, ServerEvents, gather
from llm_router.wire.reading import malformed, parse_object, truncated


def decode(headers: Mapping[str, str], body: bytes) -> ChatResponse:
    """A whole answer. Raises WireError."""
    assembly = Assembly()
    for event in _whole(headers, body):
        assembly.add(event)
    return assembly.response()


def _whole(headers: Mapping[str, str], body: bytes) -> list[StreamEvent]:
    reply, message = Reply(headers), parse_object(body)
    if not message.get("error") and not isinstance(message.get("content"), list):
        raise malformed("the reply has no content")
    events = reply.read_whole(message)
    if not reply.finished:
        raise truncated("the reply has no stop reason")
    return events


class StreamDecoder:
    """Turns the bytes of one streamed answer into events.

    A server that answers a streamed request with one JSON document is understood too: its first byte shows it.
    """

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
            self._document = [] if data.lstrip().startswith(b"{") else None
        if self._document is not None:
            self._document.append(data)
            return []
        return gather(self._frames.feed(data), self._read)

    @property
    def done(self) -> bool:
        """Whether the end marker came, or a stop reason and the usage of the whole answer."""
        return self._reply.done

    def close(self) -> list[StreamEvent]:
        """Last events. Raises WireError (truncated) unless a stop reason or the end marker came."""
        if self._document is not None:
            return _whole(self._headers, b"".join(self._document))
        events = gather(self._frames.close(), self._read_last)
        if not self._reply.finished:
            raise WireError(truncated("the stream ended without a stop reason").failure, tuple(events))
        return events

    def _read(self, frame: ServerEvent) -> list[StreamEvent]:
        """The events of one frame; what follows the end is left alone."""
        if self._reply.done or not frame.data.strip():
            return []
        event = self._event(frame)
        if frame.name == "error" and not event.get("error"):
            event = {"error": event}
        return self._reply.read(event)

    def _read_last(self, frame: ServerEvent) -> list[StreamEvent]:
        """The events of a frame that nothing closed: one that can't be read was cut."""
        try:
            return self._read(frame)
        except WireError as error:
            if error.failure.kind != "malformed":
                raise
            raise truncated("the stream was cut inside an event") from error

    def _event(self, frame: ServerEvent) -> JsonObject:
        """The frame's JSON object. One that can't be read is an error unless the answer is already whole."""
        try:
            return parse_object(frame.data)
        except WireError as error:
            if self._reply.finished:
                return {}
            if frame.name == "error":
                raise WireError(failure_in_answer(frame.data, self._headers)) from error
            raise malformed("an event of the stream isn't a JSON object") from error
