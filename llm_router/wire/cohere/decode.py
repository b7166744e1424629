"""Decodes Cohere's answers: whole, and streamed as server-sent events."""

from __future__ import annotations

from collections.abc import Mapping

from llm_router.messages import ChatResponse, StreamEvent
from llm_router.wire.codec import WireError
from llm_router.wire.cohere.reply import Reply
from llm_router.wire.error_body import failure_in_answer
from llm_router.wire.framing import ServerEvent
from llm_router.wire.reading import malformed, parse_object, truncated
from llm_router.wire.streaming import folded


def decode(headers: Mapping[str, str], body: bytes) -> ChatResponse:
    """A whole answer. Raises WireError."""
    return folded(_whole(headers, body))


def _whole(headers: Mapping[str, str], body: bytes) -> list[StreamEvent]:
    reply, said = Reply(headers), parse_object(body)
    if not isinstance(said.get("message"), Mapping) and not said.get("finish_reason"):
        if said.get("message") or said.get("error"):
            raise WireError(failure_in_answer(said.get("error") or said, headers))
        raise malformed("the reply has no message")
    events = reply.read_whole(said)
    if not reply.done:
        raise truncated("the reply has no finish reason")
    return events


class Frames:
    """The server-sent events of one answer, up to the end of its message, which has finish reason and usage."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers
        self._reply = Reply(headers)

    @property
    def finished(self) -> bool:
        """Whether the message's end came."""
        return self._reply.done

    @property
    def done(self) -> bool:
        """Whether the message's end came."""
        return self._reply.done

    def read(self, frame: ServerEvent) -> list[StreamEvent]:
        """The events of one frame; what follows the end is left alone. Raises WireError."""
        if self._reply.done or frame.data.strip() == "[DONE]":
            return []
        try:
            event = parse_object(frame.data)
        except WireError as error:
            raise malformed("an event of the stream isn't a JSON object") from error
        return self._reply.read(event)

    def end(self) -> list[StreamEvent]:
        """None: all is said when the message ends."""
        return []

    def document(self, body: bytes) -> list[StreamEvent]:
        """The events of a whole answer. Raises WireError."""
        return _whole(self._headers, body)
