"""Reads chunks of a streamed reply into events. A whole reply is read as one chunk, so that both give equal values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from llm_router.errors import FailureClass
from llm_router.messages import (
    CONTENT,
    Finished,
    FinishReason,
    Json,
    JsonObject,
    ReasoningDelta,
    RefusalDelta,
    Started,
    StreamEvent,
    TextDelta,
    Usage,
    UsageReport,
)
from llm_router.wire.codec import Failure, WireError
from llm_router.wire.error_body import failure_in_answer, request_id
from llm_router.wire.framing import gather
from llm_router.wire.openai.calls import Calls
from llm_router.wire.openai.extras import Extras
from llm_router.wire.openai.thoughts import Thoughts
from llm_router.wire.openai.usage import read_usage
from llm_router.wire.reading import as_list, as_object, as_text, first_text, look_up

_REASONS: Mapping[str, FinishReason] = {
    "stop": "stop",
    "eos": "stop",  # together
    "eos_token": "stop",  # text-generation-inference
    "end_turn": "stop",
    "stop_sequence": "stop",
    "completed": "stop",
    "length": "length",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "model_length": "length",  # mistral
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "tool_use": "tool_calls",
    "content_filter": "content_filter",
    "safety": "content_filter",
    "recitation": "content_filter",
    "refusal": "content_filter",
}
_FAILURES: Mapping[str, FailureClass] = {
    "error": "unavailable",
    "network_error": "unavailable",
    "insufficient_system_resource": "overloaded",  # deepseek: cut off by its own want of resources; docs, 2025
}
"""Finish reasons that say that the answer is not whole."""


class Reply:
    """One answer, chunk by chunk."""

    def __init__(self, headers: Mapping[str, str], *, whole: bool) -> None:
        self._headers = headers
        self._places = ("message", "delta") if whole else ("delta", "message")
        self._calls = Calls()
        self._extras = Extras()
        self._thoughts = Thoughts()
        self._model = ""
        self._usage: Usage | None = None
        self._started = False
        self._content = False
        self.finished = False
        self.done = False

    def read(self, chunk: JsonObject) -> list[StreamEvent]:
        """The events of one chunk. Raises WireError for an error in it."""
        self._check_error(chunk)
        events = gather((self._start, self._read_choices, self._read_usage), lambda step: step(chunk))
        self._content = self._content or any(isinstance(event, CONTENT) for event in events)
        return events

    def end(self) -> list[StreamEvent]:
        """The last events, at an end marker or the end of the bytes.

        Without a finish reason the answer is `other`: some models send the marker alone (openai's gpt-audio, recorded
        2026).
        """
        self.done = True
        events: list[StreamEvent] = [] if self.finished else self._finish("other")
        return [*events, *self._thoughts.seal(self._model), *self._extras.tell()]

    @property
    def has_content(self) -> bool:
        """Whether anything of the answer came."""
        return self._content

    def _check_error(self, chunk: JsonObject) -> None:
        error = chunk.get("error")
        if not error and chunk.get("object") == "error":  # mistral, vllm: the error is the object itself
            error = chunk
        if error and not self.finished:
            raise WireError(failure_in_answer(error, self._headers))

    def _start(self, chunk: JsonObject) -> list[StreamEvent]:
        """Begins at the first chunk that names its model or has something of an answer: Azure sends an empty one."""
        if self._started or not (chunk.get("model") or chunk.get("choices")):
            return []
        self._started = True
        self._model = first_text(self._headers.get("x-litellm-model-group"), chunk.get("model"))
        return [Started(as_text(chunk.get("model")) or None, request_id(self._headers, chunk))]

    def _read_choices(self, chunk: JsonObject) -> list[StreamEvent]:
        self._extras.read_reply(chunk)
        choices = [choice for choice in map(as_object, as_list(chunk.get("choices"))) if not choice.get("index")]
        return gather(choices, lambda choice: self._read_choice(choice, as_text(chunk.get("id"))))

    def _read_choice(self, choice: JsonObject, reply_id: str) -> list[StreamEvent]:
        if choice.get("error") and not self.finished:  # openrouter: the upstream broke off in mid-answer
            raise WireError(failure_in_answer(choice["error"], self._headers))
        delta = self._delta(choice)
        self._extras.read_choice(choice, delta)
        thought, said = self._thoughts.read(delta), [*_said(delta), *self._calls.read(delta, reply_id)]
        events = [*thought, *(self._thoughts.seal(self._model) if said else ()), *said]
        reason = first_text(choice.get("finish_reason"), as_object(choice.get("finish_details")).get("type")).lower()
        if reason in _FAILURES and not self.finished:
            broke_off = f"the provider broke off: finish reason `{reason}`"
            raise WireError(Failure(_FAILURES[reason], broke_off, code=reason), tuple(events))
        return events + self._finish(reason) if reason and not self.finished else events

    def _delta(self, choice: JsonObject) -> JsonObject:
        found = (choice[place] for place in self._places if isinstance(choice.get(place), Mapping))
        return as_object(next(found, None))

    def _finish(self, reason: str) -> list[StreamEvent]:
        self.finished = True
        events = [*self._thoughts.seal(self._model), *self._calls.close()]
        return [*events, *self._extras.tell(), Finished(self._settled(_REASONS.get(reason, "other")))]

    def _settled(self, reason: FinishReason) -> FinishReason:
        """One meaning across providers: an answer that asks for tools ends so, whichever of the two words came."""
        if self._calls.any and reason in ("stop", "other"):
            return "tool_calls"
        return "stop" if reason == "tool_calls" and not self._calls.any else reason

    def _read_usage(self, chunk: JsonObject) -> list[StreamEvent]:
        usage = read_usage(chunk)
        told = self._extras.tell() if self.finished else []
        if usage is None:
            return [*told]
        self.done = self.done or self.finished
        if usage == self._usage:
            return [*told]
        self._usage = usage
        return [*told, UsageReport(usage)]


def _said(delta: JsonObject) -> Iterator[StreamEvent]:
    """Text and refusal of a delta, in this order."""
    yield from _content(delta)
    refusal = first_text(
        delta.get("refusal"), look_up(delta, "provider_specific_fields.refusal")
    )  # litellm: the latter
    if refusal:
        yield RefusalDelta(refusal)


def _content(delta: JsonObject) -> Iterator[StreamEvent]:
    """The content: a text, or a list of parts; where there is none, the transcript of spoken sound."""
    content = delta.get("content")
    if isinstance(content, list):
        for part in content:
            yield from _part(part)
        return
    text = as_text(content) or as_text(as_object(delta.get("audio")).get("transcript"))
    if text:
        yield TextDelta(text)


def _part(part: Json) -> Iterator[StreamEvent]:
    if isinstance(part, str):
        yield from [TextDelta(part)] if part else []
        return
    said = as_object(part)
    if said.get("type") == "thinking":  # mistral: a list of texts, or one text
        thinking = said.get("thinking")
        texts = [as_text(as_object(piece).get("text")) for piece in as_list(thinking)] or [as_text(thinking)]
        yield from [ReasoningDelta("".join(texts))] if any(texts) else []
    elif refusal := as_text(said.get("refusal")):
        yield RefusalDelta(refusal)
    elif text := as_text(said.get("text")):
        yield TextDelta(text)
