"""How an answer goes on that broke off after some of it was passed on: whom what is said to, and how it is joined.

Who goes on is shown the text so far: as the beginning of its own answer where it can take one (prefill), else as an
answer that was cut off, with an instruction behind it. What it says again is cut (`seam`), and so is what it thinks
about it: the consumer saw one train of thought already. Usage is that of all who wrote the answer, added up: what one
of them didn't report is missing in the sum.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace

from llm_router.engine.caching.replay import events_of
from llm_router.engine.serving.seam import Seam
from llm_router.messages import (
    Assembly,
    ChatRequest,
    ChatResponse,
    Extra,
    Finished,
    Reasoning,
    ReasoningDelta,
    Started,
    StreamEvent,
    Text,
    TextDelta,
    Usage,
    UsageReport,
    assistant,
    user,
)

INSTRUCTION = (
    "Your answer was cut off. Go on with it from exactly where it stops: write only what comes next, beginning with "
    "the very next character, without repeating anything and without an introduction."
)
"""What is said where no beginning can be given."""


@dataclass(frozen=True, slots=True)
class GoingOn:
    """A request to go on. `trimmed` is white space at the end of the text so far that it doesn't show."""

    request: ChatRequest
    trimmed: str = ""


def going_on(request: ChatRequest, said: str, *, prefill: bool) -> GoingOn:
    """The request to go on from `said`; the request itself where that has nothing to go on from.

    A prefill ends without white space (anthropic: a 400 otherwise, 2025; others go on worse from it).
    """
    shown = said.rstrip()
    if not shown:
        return GoingOn(request)
    if prefill:
        return GoingOn(replace(request, messages=(*request.messages, assistant(shown))), said[len(shown) :])
    return GoingOn(replace(request, messages=(*request.messages, assistant(said), user(INSTRUCTION))))


def can_go_on(request: ChatRequest, spoken: ChatResponse) -> bool:
    """Whether somebody else can go on from there: from plain text, not from calls, a refusal or structured output."""
    return request.response_format is None and all(isinstance(part, Text | Reasoning) for part in spoken.message.parts)


@dataclass(slots=True)
class Joint:
    """Joins the events of one attempt to what was passed on before it."""

    before: ChatResponse = field(repr=False)
    trimmed: str = ""
    _whole: Assembly = field(init=False, repr=False)
    _seam: Seam = field(init=False, repr=False)
    _phase: str | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._whole = Assembly()
        for event in events_of(self.before):
            if not isinstance(event, Finished):
                self._whole.add(event)
        self._seam = Seam(self.before.text, trimmed=self.trimmed)

    def fit(self, event: StreamEvent) -> list[StreamEvent]:
        """What of the event is to be passed on, and what it sets free."""
        fit = list(self._fit(event))
        for each in fit:
            self._whole.add(each)
        return fit

    def response(self) -> ChatResponse:
        """The whole answer so far."""
        return self._whole.response()

    def _fit(self, event: StreamEvent) -> Iterator[StreamEvent]:
        match event:
            case ReasoningDelta():
                return
            case TextDelta(text, phase):
                self._phase = phase
                yield from _told(self._seam.feed(text), phase)
            case UsageReport(usage):
                yield UsageReport(added(self.before.usage, usage))
            case Started() | Extra():
                yield event
            case _:
                yield from _told(self._seam.end(), self._phase)
                yield event


def added(one: Usage, other: Usage) -> Usage:
    """Both together, by kind; what neither reported is not reported."""
    kinds = [each.name for each in fields(Usage)]
    counts = {kind: (getattr(one, kind), getattr(other, kind)) for kind in kinds}
    return Usage(**{kind: _sum(*both) for kind, both in counts.items()})


def _sum(one: int | None, other: int | None) -> int | None:
    return other if one is None else one + (other or 0)


def _told(text: str, phase: str | None) -> Iterator[StreamEvent]:
    if text:
        yield TextDelta(text, phase)
