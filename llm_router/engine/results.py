"""What came of one attempt: an answer, or a failure. Instants are the clock's, as `Now` gives it."""

from __future__ import annotations

from dataclasses import dataclass, field

from llm_router.messages import ChatResponse, StreamEvent
from llm_router.wire.codec import Failure


@dataclass(frozen=True, slots=True)
class Answered:
    """The attempt gave a whole answer; `events` are those that are still to be passed on.

    `first_content` is an instant, `writing_s` the time from there to the end without what the consumer took. Until
    `limited_until` nothing remains of the sender's quota, as the reply's headers say.
    """

    response: ChatResponse
    ended: float
    first_content: float | None = None
    writing_s: float | None = None
    events: tuple[StreamEvent, ...] = field(default=(), repr=False)
    limited_until: float | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The attempt gave none. `partial` is what had come of it; `committed` says that some was passed on.

    `billed` says that the provider may bill it: it was reached, and didn't refuse. `first_content` is an instant;
    `limited_until` is that of an answer. `body` is what came in place of an answer, as it came; nobody may keep or show
    it unless the spec says `keep_prompts`.
    """

    failure: Failure
    ended: float
    partial: ChatResponse | None = field(default=None, repr=False)
    committed: bool = False
    billed: bool = False
    first_content: float | None = None
    limited_until: float | None = None
    body: str = field(default="", repr=False)
