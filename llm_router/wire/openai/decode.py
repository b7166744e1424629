"""Decodes chat completions: whole, and streamed as server-sent events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from llm_router.messages import ChatResponse, JsonObject, StreamEvent
from llm_router.wire.codec import WireError
from llm_router.wire.error_body import failure_in_answer
from llm_router.wire.framing import ServerEvent
from llm_router.wire.openai.reply import Reply
from llm_router.wire.reading import malformed, parse_object, truncated
from llm_router.wire.streaming import folded

END_MARKER = "[DONE]"


def decode(headers: Mapping[str, str], body: bytes) -> ChatResponse:
    """A whole answer. Raises WireError."""
    return folded(whole_events(headers, body))


def whole_events(headers: Mapping[str, str], body: bytes) -> list[StreamEvent]:
    """The events of a whole chat completion. Raises WireError."""
    reply = Reply(headers, whole=True)
    value = parse_object(body)
    events = reply.read(value)
    if not value.get("choices"):
        raise malformed("the reply has no choices")
    if not reply.finished:
        raise truncated("the reply has no finish reason")
    return [*events, *reply.end()]


class Chunks(Protocol):
    """One answer under way: what a dialect of server-sent events makes of their JSON objects, one after another."""

    finished: bool
    done: bool

    @property
    def has_content(self) -> bool:
        """Whether anything of the answer came."""

    def read(self, chunk: JsonObject, /) -> list[StreamEvent]:
        """The events of one chunk. Raises WireError for an error in it."""

    def end(self) -> list[StreamEvent]:
        """The last events, at an end marker or the end of the bytes. Raises WireError for an answer cut short."""


class Frames:
    """Chunks in server-sent events, up to the end marker; a whole answer in their place is read by `whole`."""

    def __init__(
        self,
        headers: Mapping[str, str],
        reply: Chunks,
        whole: Callable[[Mapping[str, str], bytes], list[StreamEvent]],
    ) -> None:
        self._headers = headers
        self._reply = reply
        self._whole = whole
        self._ended = False

    @property
    def finished(self) -> bool:
        """Whether a finish reason came."""
        return self._reply.finished

    @property
    def done(self) -> bool:
        """Whether the end marker came, or a finish reason and usage."""
        return self._reply.done

    def read(self, frame: ServerEvent) -> list[StreamEvent]:
        """The events of one frame; what follows the end marker is left alone. Raises WireError."""
        if self._ended:
            return []
        if frame.data.strip() == END_MARKER:
            return self._end()
        chunk = self._chunk(frame)
        if frame.name == "error" and not chunk.get("error"):
            chunk = {"error": chunk}
        return self._reply.read(chunk)

    def end(self) -> list[StreamEvent]:
        """The last events."""
        return self._reply.end()

    def document(self, body: bytes) -> list[StreamEvent]:
        """The events of a whole answer. Raises WireError."""
        return self._whole(self._headers, body)

    def _chunk(self, frame: ServerEvent) -> JsonObject:
        """The frame's JSON object. One that can't be read is an error unless the answer is already whole."""
        try:
            return parse_object(frame.data)
        except WireError as error:
            if self._reply.finished:
                return {}
            if frame.name == "error":
                raise WireError(failure_in_answer(frame.data, self._headers)) from error
            raise malformed("an event of the stream isn't a JSON object") from error

    def _end(self) -> list[StreamEvent]:
        self._ended = True
        if not self._reply.finished and not self._reply.has_content:
            raise truncated("the stream ended before anything of the answer came")
        return self._reply.end()
