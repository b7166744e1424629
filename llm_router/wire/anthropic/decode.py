"""Decodes answers: whole, and streamed as server-sent events."""

from __future__ import annotations

from collections.abc import Mapping

from llm_router.messages import ChatResponse, JsonObject, StreamEvent
from llm_router.wire.anthropic.reply import Reply
from llm_router.wire.codec import WireError
from llm_router.wire.error_body import failure_in_answer
from llm_router.wire.framing import ServerEvent
from llm_router.wire.reading import malformed, parse_object, truncated
from llm_router.wire.streaming import folded


def decode(headers: Mapping[str, str], body: bytes) -> ChatResponse:
    """A whole answer. Raises WireError."""
    return folded(_whole(headers, body))


def _whole(headers: Mapping[str, str], body: bytes) -> list[StreamEvent]:
    reply, message = Reply(headers), parse_object(body)
    if not message.get("error") and not isinstance(message.get("content"), list):
        raise malformed("the reply has no content")
    events = reply.read_whole(message)
    if not reply.finished:
        raise truncated("the reply has no stop reason")
    return events


_EMPTY = ("ping", "message_stop")
"""Events whose name says all that they say."""


class Frames:
    """The server-sent events of one answer, up to the last of its message."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers
        self._reply = Reply(headers)

    @property
    def finished(self) -> bool:
        """Whether a stop reason came."""
        return self._reply.finished

    @property
    def done(self) -> bool:
        """Whether the end marker came, or a stop reason and the usage of the whole answer."""
        return self._reply.done

    def read(self, frame: ServerEvent) -> list[StreamEvent]:
        """The events of one frame; what follows the end is left alone. Raises WireError."""
        if self._reply.done:
            return []
        event = self._event(frame)
        if frame.name == "error" and not event.get("error"):
            event = {"error": event}
        return self._reply.read(event)

    def end(self) -> list[StreamEvent]:
        """None: all is said when the message ends."""
        return []

    def document(self, body: bytes) -> list[StreamEvent]:
        """The events of a whole answer. Raises WireError."""
        return _whole(self._headers, body)

    def _event(self, frame: ServerEvent) -> JsonObject:
        """The frame's JSON object. One that can't be read is an error, unless nothing of the answer can be in it."""
        try:
            return parse_object(frame.data)
        except WireError as error:
            if self._reply.finished or frame.name in _EMPTY:
                return {"type": frame.name}
            if frame.name == "error":
                raise WireError(failure_in_answer(frame.data, self._headers)) from error
            raise malformed("an event of the stream isn't a JSON object") from error
