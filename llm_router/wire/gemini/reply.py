"""Reads chunks of a reply into events. A whole reply is read as one chunk, so that both give equal values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

from llm_router.errors import FailureClass
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
    Usage,
    UsageReport,
)
from llm_router.wire.codec import Failure, WireError
from llm_router.wire.error_body import request_id
from llm_router.wire.gemini.calls import Calls
from llm_router.wire.gemini.failures import failure_of_error
from llm_router.wire.gemini.usage import read_usage, usage_extras
from llm_router.wire.reading import as_list, as_object, as_text, first_text

_REASONS: Mapping[str, FinishReason] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
    "MODEL_ARMOR": "content_filter",
    "ESCALATION": "content_filter",
}
"""What isn't here (`OTHER`, `LANGUAGE`, `NO_IMAGE`, words to come) ends an answer for a reason of its own."""

_FAILURES: Mapping[str, FailureClass] = {
    "MALFORMED_FUNCTION_CALL": "invalid_output",
    "MALFORMED_RESPONSE": "invalid_output",
    "UNEXPECTED_TOOL_CALL": "invalid_output",
    "TOO_MANY_TOOL_CALLS": "invalid_output",
    "MISSING_THOUGHT_SIGNATURE": "bad_request",
}
"""Finish reasons that say that there is no answer."""

_NUMBERED = ("", "STOP", "MAX_TOKENS", "SAFETY", "RECITATION", "OTHER", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT",
             "SPII", "MALFORMED_FUNCTION_CALL", "IMAGE_SAFETY")  # fmt: skip
"""Finish reasons by number, as `$alt=json;enum-encoding=int` has them (recordings, 2025)."""

_OF_REPLY = ("promptFeedback", "modelStatus")
_OF_CANDIDATE = (
    "safetyRatings",
    "citationMetadata",
    "groundingMetadata",
    "groundingAttributions",
    "urlContextMetadata",
    "avgLogprobs",
    "finishMessage",
)
_LOGPROBS = ("topCandidates", "chosenCandidates")


class Reply:
    """One answer, chunk by chunk."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers
        self._calls = Calls()
        self._usage: Usage | None = None
        self._started = False
        self._id = ""
        self._extra: dict[str, Json] = {}
        self._lists: dict[str, list[Json]] = {}
        self._told: JsonObject = {}
        self.finished = False

    @property
    def done(self) -> bool:
        """Whether a finish reason and usage came."""
        return self.finished and self._usage is not None

    def read(self, chunk: JsonObject) -> list[StreamEvent]:
        """The events of one chunk. Raises WireError for an error or a blocked prompt in it."""
        if chunk.get("error") and not self.finished:
            raise WireError(failure_of_error(chunk["error"], self._headers))
        self._id = self._id or as_text(chunk.get("responseId"))
        events = self._start(chunk)
        self._check_prompt(chunk)
        for candidate in map(as_object, as_list(chunk.get("candidates"))):
            if candidate.get("index") in (0, None):
                events += self._candidate(candidate)
        return [*events, *self._more(chunk)]

    def end(self) -> list[StreamEvent]:
        """The last events, at the end of the bytes."""
        return self._tell()

    def _start(self, chunk: JsonObject) -> list[StreamEvent]:
        if self._started or not (chunk.get("modelVersion") or chunk.get("candidates")):
            return []
        self._started = True
        wanted = request_id(self._headers, {}) or self._id or None
        return [Started(as_text(chunk.get("modelVersion")) or None, wanted)]

    def _check_prompt(self, chunk: JsonObject) -> None:
        """A prompt that was stopped gets no candidate, only the reason."""
        feedback = as_object(chunk.get("promptFeedback"))
        reason = feedback.get("blockReason")
        if reason and not chunk.get("candidates") and not self.finished:
            words = first_text(feedback.get("blockReasonMessage")) or f"the prompt was blocked: `{reason}`"
            raise WireError(Failure("content_filter", words, code=str(reason), provider_request_id=self._id or None))

    def _candidate(self, candidate: JsonObject) -> list[StreamEvent]:
        events: list[StreamEvent] = []
        for part in map(as_object, as_list(as_object(candidate.get("content")).get("parts"))):
            events += self._part(part)
        self._keep_all(candidate, _OF_CANDIDATE)
        for key in _LOGPROBS:
            self._grow(key, as_list(as_object(candidate.get("logprobsResult")).get(key)))
        reason = _reason(candidate.get("finishReason"))
        return events + self._finish(reason, candidate) if reason and not self.finished else events

    def _part(self, part: JsonObject) -> list[StreamEvent]:
        """The events of one part; its signature comes before it, and behind a thought."""
        signature = as_text(part.get("thoughtSignature")) or None
        text = as_text(part.get("text"))
        if part.get("thought") is True:
            return [ReasoningDelta(text, signature)] if text or signature else []
        signed: list[StreamEvent] = [ReasoningDelta("", signature)] if signature else []
        if isinstance(part.get("functionCall"), Mapping):
            return [*signed, *self._calls.read(as_object(part["functionCall"]), self._id)]
        if text:
            return [*signed, TextDelta(text)]
        rest = {key: value for key, value in part.items() if key not in ("text", "thoughtSignature", "thought")}
        self._grow("parts", [rest] if rest else [])
        return signed

    def _finish(self, reason: str, candidate: JsonObject) -> list[StreamEvent]:
        if reason in _FAILURES:
            _break_off(reason, as_text(candidate.get("finishMessage")))
        self.finished = True
        settled = _REASONS.get(reason, "other")
        if settled in ("content_filter", "other"):
            self._extra["finishReason"] = reason
        events = self._calls.close(self._id)
        if self._calls.any and settled == "stop":
            settled = "tool_calls"
        return [*events, Finished(settled)]

    def _more(self, chunk: JsonObject) -> list[StreamEvent]:
        """Usage that changed, and, once the answer is finished, all that was said beside it."""
        self._keep_all(chunk, _OF_REPLY)
        self._extra |= usage_extras(chunk)
        usage = read_usage(chunk)
        told = self._tell() if self.finished else []
        if usage is None or usage == self._usage:
            return told
        self._usage = usage
        return [*told, UsageReport(usage)]

    def _keep_all(self, values: JsonObject, names: tuple[str, ...]) -> None:
        for name in names:
            if values.get(name) not in (None, [], {}):
                self._extra[name] = values[name]

    def _grow(self, name: str, values: list[Json] | object) -> None:
        if isinstance(values, list) and values:
            self._lists.setdefault(name, []).extend(values)

    def _tell(self) -> list[StreamEvent]:
        """What was found beyond the neutral form and not told yet."""
        fields: dict[str, Json] = dict(self._extra)
        if "parts" in self._lists:
            fields["parts"] = list(self._lists["parts"])
        logprobs = {key: list(self._lists[key]) for key in _LOGPROBS if key in self._lists}
        if logprobs:
            fields["logprobsResult"] = logprobs
        new = {key: value for key, value in fields.items() if self._told.get(key) != value}
        self._told = fields
        return [Extra(new)] if new else []


def _reason(said: Json) -> str:
    """The finish reason as a word, empty where there is none."""
    if isinstance(said, int) and not isinstance(said, bool):
        return _NUMBERED[said] if 0 <= said < len(_NUMBERED) else "OTHER"
    return "" if said == "FINISH_REASON_UNSPECIFIED" else as_text(said)


def _break_off(reason: str, words: str) -> NoReturn:
    raise WireError(Failure(_FAILURES[reason], words or f"the model broke off: finish reason `{reason}`", code=reason))
