"""Decodes predictions: whole ones, and their streams, at whose end stands the prediction itself as an event.

The output is a text, a list of its pieces, or anything else, which is given as JSON. Usage is what `metrics` counts;
they stand in `extra["metrics"]` too. A prediction doesn't say why its text ends: one that is done ends with `stop`.
"""

from __future__ import annotations

from collections.abc import Mapping

from llm_router.messages import (
    Assembly,
    ChatResponse,
    Extra,
    Finished,
    Json,
    JsonObject,
    Started,
    StreamEvent,
    TextDelta,
    Usage,
    UsageReport,
)
from llm_router.wire.codec import Failure, WireError
from llm_router.wire.error_body import failure_in_answer
from llm_router.wire.framing import ServerEvent, ServerEvents, gather
from llm_router.wire.reading import (
    as_count,
    as_json_text,
    as_object,
    as_text,
    malformed,
    parse,
    parse_object,
    truncated,
)

DONE = frozenset({"succeeded", "successful", "failed", "canceled", "aborted"})
"""The statuses of a prediction that doesn't run any more."""
LAST_EVENT = frozenset({"done", "error"})


def decode(headers: Mapping[str, str], body: bytes) -> ChatResponse:
    """A whole prediction. Raises WireError."""
    assembly = Assembly()
    reply = _Reply(headers)
    for event in reply.read_prediction(parse_object(body)):
        assembly.add(event)
    if not reply.finished:
        raise truncated("the prediction isn't done")
    return assembly.response()


class StreamDecoder:
    """Turns the bytes of one streamed answer into events."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._frames = ServerEvents()
        self._reply = _Reply(headers)

    def feed(self, data: bytes) -> list[StreamEvent]:
        """Events that these bytes complete. Raises WireError."""
        return gather(self._frames.feed(data), self._reply.read)

    @property
    def done(self) -> bool:
        """Whether the prediction came."""
        return self._reply.done

    def close(self) -> list[StreamEvent]:
        """Last events. Raises WireError (truncated) unless the stream said that it is done."""
        events = gather(self._frames.close(), self._reply.read_last)
        if not self._reply.finished:
            raise WireError(truncated("the stream ended before it was done").failure, tuple(events))
        return events


class _Reply:
    """One answer, event by event."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers
        self._started = False
        self._content = False
        self.finished = False
        self.done = False

    def read(self, frame: ServerEvent) -> list[StreamEvent]:
        """The events of one event of the stream; logs and what follows the end say nothing."""
        if self.done:
            return []
        if frame.name == "created":
            return self._start(parse_object(frame.data))
        if frame.name == "prediction":
            return self.read_prediction(parse_object(frame.data))
        if self.finished:
            return []
        if frame.name == "error":
            raise WireError(failure_in_answer(_told(frame.data), self._headers))
        if frame.name == "done":
            return self._end(as_text(as_object(_told(frame.data)).get("reason")))
        if frame.name == "output" and frame.data:
            self._content = True
            return [TextDelta(frame.data)]
        return []

    def read_last(self, frame: ServerEvent) -> list[StreamEvent]:
        """The events of a frame that nothing closed: its end may be missing, so that only a last one counts."""
        return self.read(frame) if frame.name == "done" else []

    def read_prediction(self, said: JsonObject) -> list[StreamEvent]:
        """The events of the prediction itself; its output only where nothing of it came before."""
        status = as_text(said.get("status"))
        if not status:
            raise malformed("the reply is no prediction")
        if not self.finished and status in DONE:
            self._check(said, status)
        events = self._start(said)
        if not self._content and (text := _text(said.get("output"))):
            events.append(TextDelta(text))
        if status in DONE and not self.finished:
            self.finished = True
            events.append(Finished("stop"))
        self.done = True
        return [*events, *_used(as_object(said.get("metrics")))]

    def _start(self, said: JsonObject) -> list[StreamEvent]:
        if self._started:
            return []
        self._started = True
        return [Started(as_text(said.get("model")) or None, as_text(said.get("id")) or None)]

    def _check(self, said: JsonObject, status: str) -> None:
        """Raises WireError for a prediction that failed or was ended."""
        if status == "failed":
            words = as_text(said.get("error")) or "the prediction failed"
            raise WireError(failure_in_answer({"message": words}, self._headers))
        if status in ("canceled", "aborted"):
            raise WireError(_ended(status))

    def _end(self, reason: str) -> list[StreamEvent]:
        if reason in ("canceled", "error"):
            raise WireError(_ended(reason))
        self.finished = True
        return [Finished("stop")]


def _ended(reason: str) -> Failure:
    return Failure("unavailable", f"the prediction ended early: `{reason}`", code=reason)


def _told(data: str) -> Json:
    """What an event says: JSON, else its text."""
    try:
        return parse(data)
    except ValueError:
        return data


def _text(output: Json) -> str:
    """The output as text: pieces joined as they stand."""
    if isinstance(output, list) and all(isinstance(piece, str) for piece in output):
        return "".join(map(as_text, output))
    return as_json_text(output)


def _used(metrics: JsonObject) -> list[StreamEvent]:
    usage = Usage(as_count(metrics.get("input_token_count")), as_count(metrics.get("output_token_count")))
    extra: list[StreamEvent] = [Extra({"metrics": metrics})] if metrics else []
    return extra if usage == Usage() else [*extra, UsageReport(usage)]
