"""Reads the events of a streamed response. A whole one is read as its own last event: both give equal values."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from llm_router.messages import (
    CONTENT,
    Finished,
    FinishReason,
    Json,
    JsonObject,
    Started,
    StreamEvent,
    Usage,
    UsageReport,
)
from llm_router.wire.codec import Failure, WireError
from llm_router.wire.error_body import failure_in_answer, request_id
from llm_router.wire.openai.extras import Extras
from llm_router.wire.openai.usage import read_usage
from llm_router.wire.reading import as_list, as_object, as_text, look_up, truncated
from llm_router.wire.responses.items import Items

_REASONS: Mapping[str, FinishReason] = {"max_output_tokens": "length", "content_filter": "content_filter"}
"""Why a response is incomplete; others (as `steered`, `max_messages`) have no word of ours."""


class Reply:
    """One response, event by event."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers
        self._items = Items()
        self._extras = Extras()
        self._started = False
        self.has_content = False
        self.finished = False
        self.done = False
        self._readers: Mapping[str, Callable[[JsonObject], list[StreamEvent]]] = {
            "response.created": self._start,
            "response.queued": self._start,
            "response.in_progress": self._start,
            "response.output_item.added": self._items.opened,
            "response.output_text.delta": self._items.piece,
            "response.refusal.delta": self._items.piece,
            "response.reasoning_text.delta": self._items.piece,
            "response.reasoning_summary_text.delta": self._items.piece,
            "response.function_call_arguments.delta": self._items.piece,
            "response.output_item.done": self._items.closed,
            "response.completed": self._end,
            "response.incomplete": self._end,
            "response.failed": self._end,
            "response.cancelled": self._end,
        }

    def read(self, event: JsonObject) -> list[StreamEvent]:
        """The events of one of theirs. Raises WireError for an error in it."""
        if self.finished:
            return []
        _check_error(event, self._headers)
        read = self._readers.get(as_text(event.get("type")))
        events = read(event) if read else []
        self.has_content = self.has_content or any(isinstance(each, CONTENT) for each in events)
        return events

    def end(self) -> list[StreamEvent]:
        """Nothing more, at the end of the bytes. Raises WireError (truncated) where the response didn't end."""
        if not self.finished:
            raise truncated("the stream ended before the response was completed")
        return []

    def _start(self, event: JsonObject) -> list[StreamEvent]:
        response = as_object(event.get("response"))
        if self._started:
            return []
        self._started = True
        return [Started(as_text(response.get("model")) or None, request_id(self._headers, response))]

    def _end(self, event: JsonObject) -> list[StreamEvent]:
        """The end of the response, with all that wasn't told of it. Raises WireError where it failed."""
        response = as_object(event.get("response"))
        output = [as_object(item) for item in as_list(response.get("output"))]
        events = [*self._start(event)]
        for place, item in enumerate(output):
            events += self._items.whole(item, place)
        reason = self._reason(response, events)
        self.finished = self.done = True
        return [*events, *self._extra(response, output), Finished(reason), *_usage(response)]

    def _reason(self, response: JsonObject, events: list[StreamEvent]) -> FinishReason:
        status = as_text(response.get("status"))
        if status == "incomplete":
            return _REASONS.get(as_text(look_up(response, "incomplete_details.reason")), "other")
        if status in ("failed", "cancelled"):
            failure = Failure("unavailable", f"the provider broke off: the response is {status}", code=status)
            raise WireError(failure, tuple(events))
        if status in ("queued", "in_progress"):
            raise WireError(truncated(f"the response is still {status}").failure, tuple(events))
        return "tool_calls" if self._items.called else "stop"

    def _extra(self, response: JsonObject, output: list[JsonObject]) -> list[StreamEvent]:
        self._extras.read_reply(response)
        for part in (as_object(part) for item in output for part in as_list(item.get("content"))):
            chosen: Json = {"content": part.get("logprobs")}
            self._extras.read_choice({"logprobs": chosen}, {"annotations": part.get("annotations")})
        self._extras.read_choice({}, {"output_items": self._items.others})
        return [*self._extras.tell()]


def _usage(response: JsonObject) -> list[StreamEvent]:
    usage = read_usage(response)
    return [] if usage is None or usage == Usage() else [UsageReport(usage)]


def _check_error(event: JsonObject, headers: Mapping[str, str]) -> None:
    """Errors stand in an event of their own, in a failed response, or where a whole response should be."""
    said = event.get("error") or look_up(event, "response.error")
    if not said and event.get("type") == "error":
        said = event
    if said:
        raise WireError(failure_in_answer(said, headers))
