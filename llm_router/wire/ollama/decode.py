"""Decodes Ollama's answers: whole, and streamed as lines of JSON. A whole answer is read as a stream of one line.

Content that may be a call that had to be made (see `forced.py`) is held back until it shows, and a call to its end.
"""

from __future__ import annotations

from collections.abc import Mapping

from llm_router.messages import (
    Assembly,
    ChatResponse,
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
    Usage,
    UsageReport,
)
from llm_router.wire.codec import WireError
from llm_router.wire.error_body import failure_in_answer, request_id
from llm_router.wire.framing import JsonLines, gather
from llm_router.wire.ollama.forced import may_be_call, read_call
from llm_router.wire.reading import (
    as_count,
    as_json_text,
    as_list,
    as_object,
    as_text,
    malformed,
    parse_object,
    truncated,
)
from llm_router.wire.tool_calls import made_call_id

_REASONS: Mapping[str, FinishReason] = {"stop": "stop", "length": "length", "": "stop"}
_TIMES = ("total_duration", "load_duration", "prompt_eval_duration", "eval_duration")
"""In nanoseconds; kept in `extra`."""


def decode(headers: Mapping[str, str], body: bytes) -> ChatResponse:
    """A whole answer. Raises WireError."""
    answer = _Answer(headers)
    assembly = Assembly()
    for event in answer.read(parse_object(body)):
        assembly.add(event)
    if not answer.done:
        raise truncated("the reply isn't marked as done")
    return assembly.response()


class StreamDecoder:
    """Turns the bytes of one streamed answer into events."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._lines = JsonLines()
        self._answer = _Answer(headers)

    def feed(self, data: bytes) -> list[StreamEvent]:
        """Events that these bytes complete. Raises WireError."""
        return gather(self._lines.feed(data), self._read)

    @property
    def done(self) -> bool:
        """Whether the last line came."""
        return self._answer.done

    def close(self) -> list[StreamEvent]:
        """Last events. Raises WireError (truncated) unless the last line came."""
        events = gather(self._lines.close(), self._read_last)
        if not self._answer.done:
            raise WireError(truncated("the stream ended before its last line").failure, tuple(events))
        return events

    def _read(self, line: str) -> list[StreamEvent]:
        return [] if self._answer.done else self._answer.read(parse_object(line))

    def _read_last(self, line: str) -> list[StreamEvent]:
        try:
            return self._read(line)
        except WireError as error:
            if error.failure.kind != "malformed":
                raise
            raise truncated("the stream was cut inside a line") from error


class _Answer:
    """One answer, line by line."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers
        self._started = False
        self._calls = 0
        self._texted = False
        self._held = ""
        self._logprobs: list[Json] = []
        self.done = False

    def read(self, line: JsonObject) -> list[StreamEvent]:
        """The events of one line. Raises WireError for an error in it."""
        if line.get("error"):
            raise WireError(failure_in_answer(line["error"], self._headers))
        if "message" not in line and "done" not in line:
            raise malformed("the reply has no message")
        return [*self._start(line), *self._said(line), *self._finish(line)]

    def _start(self, line: JsonObject) -> list[StreamEvent]:
        if self._started:
            return []
        self._started = True
        return [Started(as_text(line.get("model")) or None, request_id(self._headers, {}))]

    def _said(self, line: JsonObject) -> list[StreamEvent]:
        message = as_object(line.get("message"))
        thought, text = as_text(message.get("thinking")), as_text(message.get("content"))
        events: list[StreamEvent] = [ReasoningDelta(thought)] if thought else []
        calls = [as_object(call) for call in as_list(message.get("tool_calls"))]
        when = as_text(line.get("created_at"))
        events += self._content(text, when, last=bool(calls) or line.get("done") is True)
        return [*events, *(self._call(call, when) for call in calls)]

    def _content(self, text: str, when: str, *, last: bool) -> list[StreamEvent]:
        """The events of more content: text, unless all of it is, or may still become, a call that had to be made."""
        held, self._held = self._held + text, ""
        if not held or self._texted or not may_be_call(held):
            self._texted = self._texted or bool(held.strip())
            return [TextDelta(held)] if held else []
        if not last:
            self._held = held
            return []
        call = read_call(held)
        return [TextDelta(held)] if call is None else [self._made(made_call_id(when, *call), *call)]

    def _call(self, call: JsonObject, when: str) -> ToolCallDelta:
        """A whole call; older servers give no id, and the index that some give isn't reliable."""
        function = as_object(call.get("function"))
        name, arguments = as_text(function.get("name")), as_json_text(function.get("arguments"))
        return self._made(as_text(call.get("id")) or made_call_id(when, self._calls, name, arguments), name, arguments)

    def _made(self, call_id: str, name: str, arguments: str) -> ToolCallDelta:
        index, self._calls = self._calls, self._calls + 1
        return ToolCallDelta(index, call_id, name, arguments)

    def _finish(self, line: JsonObject) -> list[StreamEvent]:
        self._logprobs += as_list(line.get("logprobs"))  # each line has those of its own tokens (0.12.11, 2025)
        if line.get("done") is not True:
            return []
        self.done = True
        events: list[StreamEvent] = [Finished(self._reason(as_text(line.get("done_reason"))))]
        usage = Usage(as_count(line.get("prompt_eval_count")), as_count(line.get("eval_count")))
        extra = {name: line[name] for name in _TIMES if line.get(name) is not None}
        extra |= {"logprobs": list(self._logprobs)} if self._logprobs else {}
        events += [UsageReport(usage)] if usage != Usage() else []
        return [*events, *([Extra(extra)] if extra else [])]

    def _reason(self, reason: str) -> FinishReason:
        """An answer that asks for tools ends with `stop` here."""
        settled = _REASONS.get(reason, "other")
        return "tool_calls" if self._calls and settled == "stop" else settled
