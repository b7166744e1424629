"""The provider-neutral conversation: what a codec encodes and what it decodes to.

Everything is a frozen value. An answer arrives whole (`ChatResponse`) or as `StreamEvent`s; `Assembly` folds the
events into the same response, so that both ways give equal values.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias, assert_never

Json: TypeAlias = "str | int | float | bool | Sequence[Json] | Mapping[str, Json] | None"
JsonObject: TypeAlias = Mapping[str, Json]

Role = Literal["system", "user", "assistant", "tool"]
FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "other"]
ReasoningEffort = Literal["none", "minimal", "low", "medium", "high"]
Thinking: TypeAlias = ReasoningEffort | int
"""How much a model shall think: an effort, or a budget in tokens, at least 1. `wire.thinking` translates."""
CacheLife = Literal["5m", "1h"]
"""How long a provider shall keep the prompt up to a marked place: a hint, left out where caching needs no marks."""


@dataclass(frozen=True, slots=True)
class Text:
    """A run of text. `cache` marks the end of a prompt's part that will be sent again.

    `phase` is what the provider that wrote it says of its place in the answer (openai: `commentary`, `final_answer`),
    and wants to be told again; to others it means nothing.
    """

    text: str = field(repr=False)
    cache: CacheLife | None = None
    phase: str | None = None


@dataclass(frozen=True, slots=True)
class Media:
    """An image, file or sound: by `url`, or as `data` (raw bytes) with its `media_type` (as `image/png`).

    `detail` is a hint to those who know such: how closely an image is looked at.
    """

    kind: Literal["image", "file", "audio"]
    url: str | None = field(default=None, repr=False)
    data: bytes | None = field(default=None, repr=False)
    media_type: str | None = None
    name: str | None = None
    detail: Literal["auto", "low", "high"] | None = None
    cache: CacheLife | None = None


@dataclass(frozen=True, slots=True)
class Reasoning:
    """What a model thought before it answered; `signature` proves it to the provider that wrote it.

    A `redacted` one is hidden: it has no text, and `signature` is all of it, readable to its provider alone.
    """

    text: str = field(repr=False)
    signature: str | None = field(default=None, repr=False)
    redacted: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """A model's own words for not answering."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that the model asks for; `arguments` is its JSON text as the model wrote it."""

    id: str
    name: str
    arguments: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool answered to the call `call_id`."""

    call_id: str
    parts: tuple[Text | Media, ...] = field(repr=False)
    name: str | None = None
    is_error: bool = False
    cache: CacheLife | None = None


Part: TypeAlias = Text | Media | Reasoning | Refusal | ToolCall | ToolResult


@dataclass(frozen=True, slots=True)
class Message:
    """One message. A `tool` message holds ToolResult parts only; only an `assistant` one holds calls or reasoning.

    `deployment` names who wrote an assistant message, where that is known; messages that say the same are equal.
    """

    role: Role
    parts: tuple[Part, ...]
    name: str | None = None
    deployment: str | None = field(default=None, compare=False)

    @property
    def text(self) -> str:
        """All plain text of the message, joined as it stands."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))


def system(text: str) -> Message:
    """A system message."""
    return Message("system", (Text(text),))


def user(*parts: str | Part) -> Message:
    """A user message of texts and media."""
    return Message("user", tuple(Text(part) if isinstance(part, str) else part for part in parts))


def assistant(*parts: str | Part) -> Message:
    """An assistant message of texts, reasoning and tool calls."""
    return Message("assistant", tuple(Text(part) if isinstance(part, str) else part for part in parts))


def tool_result(call_id: str, text: str, *, is_error: bool = False) -> Message:
    """A tool message that answers one call with text."""
    return Message("tool", (ToolResult(call_id, (Text(text),), is_error=is_error),))


def phases_of(parts: Iterable[Part]) -> list[JsonObject]:
    """The phases of the parts' text, where it has some: of each its name and how many characters are of it, in order.

    For those who keep the text in one piece; `with_phases` gives it its phases again.
    """
    texts = [part for part in parts if isinstance(part, Text)]
    named = any(part.phase for part in texts)
    return [{"phase": part.phase, "characters": len(part.text)} for part in texts] if named else []


def with_phases(parts: Iterable[Part], phases: Iterable[Mapping[str, Any]]) -> Iterator[Part]:
    """The parts with the first text cut into phases, as `phases_of` told them; what is left over has none."""
    parts = list(parts)
    place = next((place for place, part in enumerate(parts) if isinstance(part, Text)), len(parts))
    yield from parts[:place]
    for part in parts[place : place + 1]:
        assert isinstance(part, Text)
        read = 0
        for each in phases:
            end = read + int(each["characters"])
            if part.text[read:end]:
                yield replace(part, text=part.text[read:end], phase=each["phase"])
            read = end
        if part.text[read:]:
            yield replace(part, text=part.text[read:])
    yield from parts[place + 1 :]


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may call; `parameters` is a JSON Schema of an object.

    `strict` sharpens what the model is told anyway: providers that decode by schemas then do so, others can't.
    """

    name: str
    description: str = ""
    parameters: JsonObject = field(default_factory=lambda: {"type": "object", "properties": {}})
    strict: bool | None = None
    cache: CacheLife | None = None


@dataclass(frozen=True, slots=True)
class NamedTool:
    """A tool choice: this tool, and no other."""

    name: str


ToolChoice: TypeAlias = Literal["auto", "none", "required"] | NamedTool


@dataclass(frozen=True, slots=True)
class JsonFormat:
    """The answer shall be JSON; with `schema`, JSON that this JSON Schema accepts."""

    schema: JsonObject | None = None
    name: str = "answer"
    strict: bool | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """Call parameters; `None` leaves a matter to the layer below, and at last to the provider.

    `logprobs` asks for the log probability of each token written, with so many alternatives to it (0: none); what
    comes stands in `ChatResponse.extra` as the provider says it. `user` names the end user to the provider, which may
    want it against misuse: nothing else does. `headers` and `extra` are added to the HTTP request and to its JSON body
    as they stand.
    """

    temperature: float | None = None
    top_p: float | None = None
    max_output_tokens: int | None = None
    stop: tuple[str, ...] | None = None
    seed: int | None = None
    reasoning: Thinking | None = None
    logprobs: int | None = None
    user: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    extra: JsonObject = field(default_factory=dict, repr=False)

    def over(self, below: Settings) -> Settings:
        """These settings, filled up key by key from `below`."""
        return Settings(
            temperature=below.temperature if self.temperature is None else self.temperature,
            top_p=below.top_p if self.top_p is None else self.top_p,
            max_output_tokens=below.max_output_tokens if self.max_output_tokens is None else self.max_output_tokens,
            stop=below.stop if self.stop is None else self.stop,
            seed=below.seed if self.seed is None else self.seed,
            reasoning=below.reasoning if self.reasoning is None else self.reasoning,
            logprobs=below.logprobs if self.logprobs is None else self.logprobs,
            user=below.user if self.user is None else self.user,
            headers={**below.headers, **self.headers},
            extra={**below.extra, **self.extra},
        )


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One request for an answer, as the caller made it."""

    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: JsonFormat | None = None
    settings: Settings = Settings()

    @classmethod
    def of(cls, conversation: str | Message | Iterable[Message] | ChatRequest) -> ChatRequest:
        """A request from a prompt, a message, messages, or a request itself."""
        match conversation:
            case ChatRequest():
                return conversation
            case str():
                return cls((user(conversation),))
            case Message():
                return cls((conversation,))
            case _:
                return cls(tuple(conversation))


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens by kind, as the provider reported them; `None` is not reported, never zero.

    `input` and `output` are totals: `cache_read` and `cache_creation` are parts of input, `reasoning` of output, and
    the audio kinds are parts of their side. Of `cache_creation`, `cache_creation_1h` is what is kept for an hour.
    """

    input: int | None = None
    output: int | None = None
    cache_read: int | None = None
    cache_creation: int | None = None
    reasoning: int | None = None
    input_audio: int | None = None
    output_audio: int | None = None
    cache_creation_1h: int | None = None

    @property
    def total(self) -> int | None:
        """Input and output together, where both are known."""
        return None if self.input is None or self.output is None else self.input + self.output


@dataclass(frozen=True, slots=True)
class ChatResponse:
    """One whole answer.

    `model` is the name that the provider says it served; `extra` keeps what the dialect reports beyond the neutral
    form (citations, logprobs, system fingerprint), under the provider's names.
    """

    message: Message
    finish_reason: FinishReason
    usage: Usage = Usage()
    model: str | None = None
    provider_request_id: str | None = None
    extra: JsonObject = field(default_factory=dict, repr=False)

    @property
    def text(self) -> str:
        """All plain text of the answer."""
        return self.message.text

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The calls that the model asks for, in order."""
        return tuple(part for part in self.message.parts if isinstance(part, ToolCall))

    def json(self) -> Json:
        """The answer's text read as JSON. Raises ValueError where it is none."""
        answer: Json = json.loads(self.text)
        return answer


@dataclass(frozen=True, slots=True)
class Started:
    """The provider has begun; nothing of the answer is in it."""

    model: str | None = None
    provider_request_id: str | None = None


@dataclass(frozen=True, slots=True)
class TextDelta:
    """The next piece of text; never empty. Pieces of one `phase` make one text."""

    text: str = field(repr=False)
    phase: str | None = None


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """The next piece of reasoning, or its signature; a `redacted` one is a part of its own."""

    text: str = field(default="", repr=False)
    signature: str | None = field(default=None, repr=False)
    redacted: bool = False


@dataclass(frozen=True, slots=True)
class RefusalDelta:
    """The next piece of a refusal."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """The next piece of the call at `index`; `id` and `name` come whole, with the first piece."""

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class UsageReport:
    """Usage so far; a later report replaces an earlier one."""

    usage: Usage


@dataclass(frozen=True, slots=True)
class Extra:
    """Fields beyond the neutral form; merged key by key."""

    fields: JsonObject = field(repr=False)


@dataclass(frozen=True, slots=True)
class Finished:
    """The answer is whole, for this reason. Usage may still follow."""

    reason: FinishReason


StreamEvent: TypeAlias = (
    Started | TextDelta | ReasoningDelta | RefusalDelta | ToolCallDelta | UsageReport | Extra | Finished
)

CONTENT = (TextDelta, ReasoningDelta, RefusalDelta, ToolCallDelta)
"""Events that show something of the answer; the first of them commits a stream."""


@dataclass(slots=True)
class _Run:
    """A part under way: its chunks are joined when asked for, so that a long answer costs linear time."""

    kind: type[Text] | type[Reasoning] | type[Refusal] | type[ToolCall]
    chunks: list[str]
    signature: str | None = None
    redacted: bool = False
    phase: str | None = None
    id: str = ""
    name: str = ""

    def part(self) -> Part:
        text = "".join(self.chunks)
        if self.kind is ToolCall:
            return ToolCall(self.id, self.name, text)
        if self.kind is Reasoning:
            return Reasoning(text, self.signature, self.redacted)
        return Refusal(text) if self.kind is Refusal else Text(text, phase=self.phase)


class Assembly:
    """Folds stream events, in order, into the response that they spell."""

    def __init__(self) -> None:
        self._runs: list[_Run] = []
        self._calls: dict[int, _Run] = {}
        self._usage = Usage()
        self._started = Started()
        self._extra: dict[str, Json] = {}
        self.finish_reason: FinishReason | None = None

    @property
    def text(self) -> str:
        """The plain text so far."""
        return "".join(chunk for run in self._runs if run.kind is Text for chunk in run.chunks)

    def add(self, event: StreamEvent) -> None:
        """Take one more event."""
        match event:
            case Started():
                self._started = event
            case TextDelta(text, phase):
                self._run(Text, phase).chunks.append(text)
            case ReasoningDelta():
                self._reason(event)
            case RefusalDelta(text):
                self._run(Refusal).chunks.append(text)
            case ToolCallDelta():
                self._call(event)
            case UsageReport(usage):
                self._usage = usage
            case Extra(fields):
                self._extra.update(fields)
            case Finished(reason):
                self.finish_reason = reason
            case _:
                assert_never(event)

    def response(self) -> ChatResponse:
        """The answer so far; its finish reason is `other` while none has come."""
        return ChatResponse(
            Message("assistant", tuple(run.part() for run in self._runs)),
            self.finish_reason or "other",
            self._usage,
            self._started.model,
            self._started.provider_request_id,
            dict(self._extra),
        )

    def _reason(self, delta: ReasoningDelta) -> None:
        run = _Run(Reasoning, [], redacted=True) if delta.redacted else self._run(Reasoning)
        if delta.redacted:
            self._runs.append(run)
        run.chunks.append(delta.text)
        run.signature = delta.signature

    def _run(self, kind: type[Text] | type[Reasoning] | type[Refusal], phase: str | None = None) -> _Run:
        """The run that a piece of this kind continues; a signature ends its reasoning."""
        last = self._runs[-1] if self._runs else None
        if last is None or last.kind is not kind or last.phase != phase or last.signature is not None:
            last = _Run(kind, [], phase=phase)
            self._runs.append(last)
        return last

    def _call(self, delta: ToolCallDelta) -> None:
        run = self._calls.get(delta.index)
        if run is None:
            run = self._calls[delta.index] = _Run(ToolCall, [])
            self._runs.append(run)
        run.id = run.id or delta.id or ""
        run.name = run.name or delta.name or ""
        run.chunks.append(delta.arguments)
