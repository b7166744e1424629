"""Reads the events of an answer. A whole answer is read as the events that would have told it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from llm_router.messages import (
    Extra,
    Finished,
    FinishReason,
    Json,
    JsonObject,
    Started,
    StreamEvent,
    UsageReport,
)
from llm_router.wire.anthropic.blocks import Blocks
from llm_router.wire.anthropic.usage import UsageCount
from llm_router.wire.codec import WireError
from llm_router.wire.error_body import failure_in_answer, request_id
from llm_router.wire.reading import as_count, as_list, as_object, as_text, truncated

_REASONS: Mapping[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
"""Others are `other`: `pause_turn` (a server's tool takes long; the answer goes on when it is sent back), or new."""
_EXTRAS = ("stop_sequence", "stop_details", "container", "context_management")


class Reply:
    """One answer, event by event."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers
        self._blocks = Blocks()
        self._usage = UsageCount()
        self._extras: dict[str, Json] = {}
        self._started = False
        self.finished = False
        self.done = False

    def read(self, event: JsonObject) -> list[StreamEvent]:
        """The events that this one tells; one of a type that isn't known tells nothing. Raises WireError."""
        self._check_error(event)
        read = self._READERS.get(as_text(event.get("type")))
        return [] if read is None or self.done else read(self, event)

    def read_whole(self, message: JsonObject) -> list[StreamEvent]:
        """All events of a whole answer. Raises WireError."""
        self._check_error(message)
        events = self.read({"type": "message_start", "message": {**message, "content": []}})
        for index, block in enumerate(as_list(message.get("content"))):
            events += self.read({"type": "content_block_start", "index": index, "content_block": block})
            events += self.read({"type": "content_block_stop", "index": index})
        return [*events, *self.read({"type": "message_delta", "delta": message, "usage": message.get("usage")})]

    def _check_error(self, said: JsonObject) -> None:
        if said.get("error") or said.get("type") == "error":
            raise WireError(failure_in_answer(said.get("error") or dict(said), self._headers))

    def _start(self, event: JsonObject) -> list[StreamEvent]:
        message = as_object(event.get("message"))
        if self._started:
            return []
        self._started = True
        started = Started(as_text(message.get("model")) or None, request_id(self._headers, message))
        usage = self._usage.read(as_object(message.get("usage")), whole=False)
        return [started, *([] if usage.input is None else [UsageReport(usage)])]

    def _block_start(self, event: JsonObject) -> list[StreamEvent]:
        return self._blocks.start(_index(event), as_object(event.get("content_block")))

    def _block_delta(self, event: JsonObject) -> list[StreamEvent]:
        return self._blocks.add(_index(event), as_object(event.get("delta")))

    def _block_stop(self, event: JsonObject) -> list[StreamEvent]:
        return self._blocks.stop(_index(event))

    def _delta(self, event: JsonObject) -> list[StreamEvent]:
        """The end of the answer: its reason, with the usage of all of it."""
        delta = as_object(event.get("delta"))
        self._extras |= {name: delta[name] for name in _EXTRAS if delta.get(name) is not None}
        reason = as_text(delta.get("stop_reason"))
        usage = self._usage.read(as_object(event.get("usage")), whole=True)
        events = self._finish(reason) if reason and not self.finished else []
        self.done = self.finished and usage.output is not None
        return [*events, UsageReport(usage)] if usage.input is not None or usage.output is not None else events

    def _finish(self, reason: str) -> list[StreamEvent]:
        self.finished = True
        extras = {**self._extras, **self._usage.extras, **self._blocks.extras}
        events: list[StreamEvent] = [*self._blocks.close(), *([Extra(extras)] if extras else [])]
        return [*events, Finished(self._settled(_REASONS.get(reason, "other")))]

    def _settled(self, reason: FinishReason) -> FinishReason:
        """An answer in JSON comes by a tool where the model has no other way, and ends as an answer does."""
        return "stop" if reason == "tool_calls" and not self._blocks.called else reason

    def _stop(self, _: JsonObject) -> list[StreamEvent]:
        """The end marker; without a reason before it the answer is `other`. Raises WireError where nothing came."""
        if not self.finished and not self._blocks.any:
            raise truncated("the stream ended before anything of the answer came")
        events = [] if self.finished else self._finish("")
        self.done = True
        return events

    _READERS: Mapping[str, Callable[[Reply, JsonObject], list[StreamEvent]]] = {
        "message_start": _start,
        "content_block_start": _block_start,
        "content_block_delta": _block_delta,
        "content_block_stop": _block_stop,
        "message_delta": _delta,
        "message_stop": _stop,
    }


def _index(event: JsonObject) -> int:
    return as_count(event.get("index")) or 0
