"""What a dialect is: pure functions between neutral values and bytes. No I/O, no clock, no environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from llm_router.errors import FailureClass
from llm_router.messages import ChatRequest, ChatResponse, StreamEvent


@dataclass(frozen=True, slots=True)
class Target:
    """Where an attempt goes: everything a codec must know of the deployment.

    `base_url` has no trailing slash; `headers` hold credentials and so are never shown; `quirks` are the catalogue
    row's named deviations (as `max_tokens_name`), which a codec reads by name; of a custom kind there are none but
    `json` (`tool` or `object`), where the model is known not to follow a JSON Schema. `max_output` is the most tokens
    that the model can answer with, for dialects that must be told a cap; `context` those that it can read and write.
    """

    base_url: str
    model: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    quirks: Mapping[str, str] = field(default_factory=dict)
    max_output: int | None = None
    context: int | None = None


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One HTTP request, ready to be sent."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attempt failed, in the provider's words. `retry_after_s` is in seconds from the reply."""

    kind: FailureClass
    message: str
    status: int | None = None
    code: str | None = None
    provider_request_id: str | None = None
    retry_after_s: float | None = None


CallIds = Literal["any", "short", "word", "nine"]
"""Ids of tool calls: any; of at most 40 characters; of letters, digits, `_` and `-`; of nine letters and digits."""


@dataclass(frozen=True, slots=True)
class HistoryForm:
    """What a dialect takes of what was said before: see `llm_router.wire.history`, which fits conversations to it.

    `thoughts` says which can be sent back: `any`, those with `text`, those that are `signed`, or `none`. `blanks` tells
    whether text of nothing but white space is taken. `marks` is the number of cache marks that a request may have.
    `names` tells whether messages say who speaks, `tools` whether calls and results have a place, `user_first` whether
    nobody may speak before the user, `bridged` whether results must be answered before the user speaks, `prefill`
    whether an assistant message at the end is gone on with.
    """

    call_ids: CallIds = "any"
    thoughts: Literal["any", "text", "signed", "none"] = "text"
    blanks: bool = True
    marks: int = 0
    names: bool = False
    tools: bool = True
    user_first: bool = False
    bridged: bool = False
    prefill: bool = False


class WireError(Exception):
    """Bytes that carry a failure instead of an answer: an error object, something unreadable, or a cut stream.

    `events` are those that the same bytes of a stream gave before the failure: text that came is not lost.
    """

    def __init__(self, failure: Failure, events: tuple[StreamEvent, ...] = ()) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.events = events


class Unsupported(Exception):
    """The dialect has no way to say this; the message names it. Raised before anything is sent."""


class Decoder(Protocol):
    """Turns the bytes of one streamed answer, cut anywhere, into events."""

    def feed(self, data: bytes) -> list[StreamEvent]:
        """Events that these bytes complete. Raises WireError for an error in the stream."""

    @property
    def done(self) -> bool:
        """Whether the answer is whole and nothing more need be read (end marker, or finish reason and usage)."""

    def close(self) -> list[StreamEvent]:
        """Last events, at the end of the bytes.

        Raises WireError (truncated) unless a finish reason or an end marker came.
        """


class Codec(Protocol):
    """One dialect."""

    def history(self, target: Target, /) -> HistoryForm:
        """What the target takes of what was said before."""

    def encode(self, request: ChatRequest, target: Target, *, stream: bool) -> HttpRequest:
        """The HTTP request. `request.settings` are the merged ones, its history is fitted. Raises Unsupported."""

    def decode(self, headers: Mapping[str, str], body: bytes) -> ChatResponse:
        """A whole answer. Raises WireError: malformed, truncated (no finish reason), or an error sent with a 200."""

    def decode_error(self, status: int, headers: Mapping[str, str], body: bytes) -> Failure:
        """What a status of 400 and above says. Total: any bytes give a failure."""

    def decoder(self, headers: Mapping[str, str]) -> Decoder:
        """A decoder for one streamed answer. Header names are lower case here as everywhere."""
