"""Reads a reply into events: the events of a stream, or a whole message as if it were a stream of few pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from llm_router.messages import (
    Extra,
    Finished,
    FinishReason,
    Json,
    JsonObject,
    ReasoningDelta,
    Started,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    UsageReport,
)
from llm_router.wire.codec import WireError
from llm_router.wire.cohere.failures import failure_at_end
from llm_router.wire.cohere.usage import read_usage
from llm_router.wire.error_body import failure_in_answer, request_id
from llm_router.wire.reading import as_count, as_json_text, as_list, as_object, as_text, look_up
from llm_router.wire.tool_calls import made_call_id

_REASONS: Mapping[str, FinishReason] = {
    "COMPLETE": "stop",
    "STOP_SEQUENCE": "stop",
    "MAX_TOKENS": "length",
    "TOOL_CALL": "tool_calls",
    "ERROR_TOXIC": "content_filter",
}
_BROKEN = frozenset({"ERROR", "TIMEOUT", "ERROR_LIMIT", "USER_CANCEL"})
"""Finish reasons that say that the answer is not whole."""


class Reply:
    """One answer, event by event. `done` once its end came."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers
        self._id = ""
        self._started = False
        self._calls: dict[int, int] = {}
        self._silent: set[int] = set()
        self._citations: list[Json] = []
        self._logprobs: list[Json] = []
        self._told = 0
        self.done = False

    def read_whole(self, body: JsonObject) -> list[StreamEvent]:
        """The events of a whole reply. Raises WireError for one that says an error."""
        message = as_object(body.get("message"))
        self._citations += as_list(message.get("citations"))
        self._logprobs += as_list(body.get("logprobs"))
        calls = enumerate(map(as_object, as_list(message.get("tool_calls"))))
        return [
            *self._start(body),
            *_thought(as_text(message.get("tool_plan"))),
            *_content(message.get("content")),
            *(event for index, call in calls for event in self._call(index, call)),
            *self._end(body),
        ]

    def read(self, event: JsonObject) -> list[StreamEvent]:
        """The events of one event of a stream. Raises WireError for one that says an error."""
        kind = as_text(event.get("type"))
        if not kind and event.get("message"):
            raise WireError(failure_in_answer(event, self._headers))
        read = _EVENTS.get(kind)
        return [] if read is None else read(self, event)

    def _start(self, event: JsonObject) -> list[StreamEvent]:
        if self._started:
            return []
        self._started = True
        self._id = as_text(event.get("id"))
        return [Started(None, request_id(self._headers, event))]

    def _content(self, event: JsonObject) -> list[StreamEvent]:
        if logprobs := as_object(event.get("logprobs")):
            self._logprobs.append(logprobs)
        return list(_content(look_up(event, "delta.message.content")))

    def _plan(self, event: JsonObject) -> list[StreamEvent]:
        return list(_thought(as_text(look_up(event, "delta.message.tool_plan"))))

    def _begin_call(self, event: JsonObject) -> list[StreamEvent]:
        return self._call(as_count(event.get("index")), as_object(look_up(event, "delta.message.tool_calls")))

    def _more_call(self, event: JsonObject) -> list[StreamEvent]:
        arguments = as_json_text(look_up(event, "delta.message.tool_calls.function.arguments"))
        index = self._calls.get(as_count(event.get("index")) or 0)
        if not arguments or index is None:
            return []
        self._silent.discard(index)
        return [ToolCallDelta(index, arguments=arguments)]

    def _end_call(self, event: JsonObject) -> list[StreamEvent]:
        """A call without arguments gets the `{}` that it has in a whole reply."""
        index = self._calls.get(as_count(event.get("index")) or 0)
        if index is None or index not in self._silent:
            return []
        self._silent.discard(index)
        return [ToolCallDelta(index, arguments="{}")]

    def _call(self, place: int | None, call: JsonObject) -> list[StreamEvent]:
        """A call, whole or its beginning; one with a place that is taken is another."""
        index = len(self._calls)
        self._calls[index if place is None or place in self._calls else place] = index
        function = as_object(call.get("function"))
        name, arguments = as_text(function.get("name")), as_json_text(function.get("arguments"))
        call_id = as_text(call.get("id")) or made_call_id(self._id, index, name)
        if not arguments:
            self._silent.add(index)
        return [ToolCallDelta(index, call_id, name, arguments)]

    def _cite(self, event: JsonObject) -> list[StreamEvent]:
        citation = look_up(event, "delta.message.citations")
        self._citations += citation if isinstance(citation, list) else [citation] if citation else []
        return []

    def _end_content(self, _: JsonObject) -> list[StreamEvent]:
        """The citations so far, once the text that they cite is whole."""
        if self._told == len(self._citations):
            return []
        self._told = len(self._citations)
        return [Extra({"citations": list(self._citations)})]

    def _end_stream(self, event: JsonObject) -> list[StreamEvent]:
        return self._end(as_object(event.get("delta")))

    def _end(self, said: JsonObject) -> list[StreamEvent]:
        """The end, if there is a reason for it. Raises WireError for one that says that the answer isn't whole."""
        reason = as_text(said.get("finish_reason")).upper()
        if reason in _BROKEN:
            raise WireError(failure_at_end(reason, said, self._headers))
        if not reason:
            return []
        self.done = True
        counted = as_object(said.get("usage"))
        usage = read_usage(counted)
        events = [*self._end_content(said), *self._rest(counted), Finished(self._settled(reason))]
        return events if usage is None else [*events, UsageReport(usage)]

    def _rest(self, usage: JsonObject) -> Iterator[StreamEvent]:
        extra: dict[str, Json] = {"usage": usage} if usage else {}
        if self._logprobs:
            extra["logprobs"] = self._logprobs
        if extra:
            yield Extra(extra)

    def _settled(self, reason: str) -> FinishReason:
        """One meaning across providers: an answer that asks for tools ends so, and none without."""
        settled = _REASONS.get(reason, "other")
        if settled == "tool_calls" and not self._calls:
            return "stop"
        return "tool_calls" if self._calls and settled in ("stop", "other") else settled


_EVENTS: Mapping[str, Callable[[Reply, JsonObject], list[StreamEvent]]] = {
    "message-start": Reply._start,
    "content-start": Reply._content,
    "content-delta": Reply._content,
    "content-end": Reply._end_content,
    "tool-plan-delta": Reply._plan,
    "tool-call-start": Reply._begin_call,
    "tool-call-delta": Reply._more_call,
    "tool-call-end": Reply._end_call,
    "citation-start": Reply._cite,
    "message-end": Reply._end_stream,
}
"""What each event of a stream is read by; the others say nothing more."""


def _thought(text: str) -> Iterator[StreamEvent]:
    if text:
        yield ReasoningDelta(text)


def _content(content: Json) -> Iterator[StreamEvent]:
    """The pieces of a content: a text, one part, or a list of parts."""
    for part in content if isinstance(content, list) else [content]:
        if isinstance(part, str):
            yield from [TextDelta(part)] if part else []
            continue
        yield from _thought(as_text(as_object(part).get("thinking")))
        if text := as_text(as_object(part).get("text")):
            yield TextDelta(text)
