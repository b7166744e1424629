"""The pure answer for one request: who is asked, in which order, and why nobody else is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from llm_router.policy.charges import Charge
from llm_router.policy.program import Part

Via = Literal["rule", "name", "instead"]
"""What chose the candidates: a rule's `use`, the caller's `model=`, or a guard's `instead`."""

DeferralCode = Literal["limited", "cooling", "limit", "budget"]
"""`limited`: the provider said when to come back. `cooling`: health keeps it back for a while. `limit` and `budget`:
one of the spec's own is used up."""

RejectionCode = Literal[
    "disabled",
    "unbound",
    "guard",
    "not_named",
    "tools",
    "images",
    "files",
    "audio",
    "json",
    "context",
    "capability",
    "parameter",
    "unknown_price",
    "max_cost",
    "max_latency",
    "limit",
    "budget",
    "unbounded_cost",
]
"""Why a deployment may not serve a request: the need it doesn't meet, or what bars it."""


Moved = Literal["", "sticky", "tool loop", "explored"]
"""Why a candidate stands further ahead than its rank: it answered last in this conversation, and so goes first in its
tier, or ahead of all inside a tool loop; or its speed is to be measured again."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What is expected of one candidate; `None` is unknown.

    `cost` is the expected one and `cost_bound` what it can't exceed under the cap, in picodollars; `input_bound` are
    the input tokens of that, counted `closely` where money is bounded. `seconds` is the time of the whole answer.
    `quality` is 0 to 100.
    """

    cost: int | None = None
    cost_bound: int | None = None
    seconds: float | None = None
    quality: float | None = None
    input_bound: int = 0
    closely: bool = False


@dataclass(frozen=True, slots=True)
class Score:
    """A candidate's place in a ranked tier: the lower, the earlier. `parts` are the weighted terms of the sum.

    `total` is `None` where a part that the ranking needs isn't known: such candidates come last in their tier.
    """

    total: float | None
    parts: Mapping[Part, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Deferral:
    """Not at the moment: why, and the instant (seconds since the epoch) at which it ends.

    `name` is the limit's or budget's, for those codes.
    """

    code: DeferralCode
    until: float
    name: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A deployment that may be asked.

    `tier` counts from 0. `cap` is the largest number of output tokens, to be sent on the wire where it isn't `None`.
    `left_out` names settings of the spec that it can't take, and that are therefore not sent. `turns` names the
    counters that move on when this candidate is the first of the request to be asked. `charges` is what an attempt
    asks of limits and budgets; `relieves` is the spent budget whose `use` brought the candidate.
    """

    deployment: str
    provider: str
    tier: int
    estimate: Estimate = Estimate()
    score: Score | None = None
    cap: int | None = None
    left_out: tuple[str, ...] = ()
    turns: tuple[str, ...] = ()
    deferral: Deferral | None = None
    moved: Moved = ""
    charges: tuple[Charge, ...] = ()
    relieves: str | None = None


@dataclass(frozen=True, slots=True)
class Rejection:
    """Not for this request, and why. `guard` names the guard that bars it, for code `guard`."""

    deployment: str
    code: RejectionCode
    reason: str
    guard: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """Who is asked for one request.

    `candidates` are in the order in which they are asked: the ready ones, then the deferred ones, first to be free
    first. `rule` and `place` (in `program.rules`) tell which rule decided; both are `None` where the caller's name
    acted as `use`, or where no rule holds. `refused` is the message of a rule that refuses. `guard` is the guard whose
    `instead` serves. `pinned` says that nothing outside of what the caller named may be tried.
    """

    id: str
    program_hash: str
    rule: str | None = None
    place: int | None = None
    via: Via = "rule"
    candidates: tuple[Candidate, ...] = ()
    rejections: tuple[Rejection, ...] = ()
    refused: str | None = None
    guard: str | None = None
    pinned: bool = False

    @property
    def turns(self) -> tuple[str, ...]:
        """The counters of the snapshot that this decision uses up one turn of: those of the first candidate."""
        return self.candidates[0].turns if self.candidates else ()

    @property
    def ready(self) -> tuple[Candidate, ...]:
        """The candidates that may be asked at once, in order."""
        return tuple(candidate for candidate in self.candidates if candidate.deferral is None)

    @property
    def deferred(self) -> tuple[Candidate, ...]:
        """The candidates that must be waited for, the first to be free first."""
        return tuple(candidate for candidate in self.candidates if candidate.deferral is not None)

    def reasons(self) -> dict[str, str]:
        """Why each rejected deployment may not serve, in words: what `NoCandidate` tells."""
        found: dict[str, str] = {}
        for rejection in self.rejections:
            said = found.get(rejection.deployment)
            found[rejection.deployment] = f"{said}; {rejection.reason}" if said else rejection.reason
        return found
