"""What observers hear of a request's life: frozen values, without prompts and keys.

An observer is a plain callable that takes one event. It runs where the request runs, so it must be quick; what it
raises is logged and harms no request. Durations are in seconds.

A request is told in this order: `DecisionMade`; for each attempt `AttemptStarted` and `AttemptFinished`, with
`HealthChanged` between where it changes a deployment's health; between attempts `Retrying`, `FellBack`, `PassedOver`
or `Waiting`;
last `RequestDone`, exactly one for each decision, also where nobody may serve the request or the caller goes away. A
`CacheHit` stands in place of attempts.
`BudgetWarning` and `BudgetSpent` come where the money moves: before the `AttemptFinished` that it was, or after the
decision that they keep somebody out of.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from llm_router.errors import AdmittedAs, AttemptMark, AttemptReport, FailureClass
from llm_router.messages import Usage
from llm_router.policy.decision import Decision
from llm_router.state.health import StateChange, Verdict

PassedReason: TypeAlias = Literal["limited", "cooling", "limit", "budget", "store", "extra_cost"]
WaitReason: TypeAlias = Literal["limited", "limit", "budget"]


@dataclass(frozen=True, slots=True)
class DecisionMade:
    """It is known who is asked, in which order."""

    decision: Decision


@dataclass(frozen=True, slots=True)
class AttemptStarted:
    """An attempt is about to be sent; `number` counts the request's attempts from 1. `mark`: why, if not in turn."""

    decision_id: str
    number: int
    deployment: str
    provider: str
    admitted_as: AdmittedAs = "ready"
    mark: AttemptMark = ""

    @classmethod
    def of(cls, decision_id: str, blank: AttemptReport) -> AttemptStarted:
        """The beginning of what this is the report of."""
        return cls(decision_id, blank.number, blank.deployment, blank.provider, blank.admitted_as, blank.mark)


@dataclass(frozen=True, slots=True)
class AttemptFinished:
    """An attempt is over: answered, failed or cancelled. `usage` is what the provider reported of it."""

    decision_id: str
    report: AttemptReport
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class Retrying:
    """The same deployment is asked again, after a pause."""

    decision_id: str
    deployment: str
    failure: FailureClass
    wait_s: float


@dataclass(frozen=True, slots=True)
class FellBack:
    """The next deployment is asked after a failure."""

    decision_id: str
    deployment: str
    next: str
    failure: FailureClass


@dataclass(frozen=True, slots=True)
class CacheHit:
    """The request is answered by what `deployment` gave to an equal one. `saved` is in picodollars, by today's price.

    No attempt is made.
    """

    decision_id: str
    deployment: str
    saved: int = 0


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nobody may be asked at once: the request waits for `deployment`, for `wait_s` at most.

    `reason` is its provider, which said when to come back (`limited`), or the `limit` or `budget` of this `name` that
    has no room.
    """

    decision_id: str
    deployment: str
    wait_s: float
    reason: WaitReason = "limited"
    name: str = ""


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A deployment that the decision had as ready isn't asked when its turn comes: the next one is, if there is one.

    `reason` is its provider, which wants to be left alone (`limited`), its health (`cooling`), the `limit` or `budget`
    of this `name` that has no room, the `store` that can't be reached, or, of a hedge, the share of `extra_cost` that
    hedges may amount to. `wait_s` are the seconds until it may be asked, if known. It is told once for each reason.
    """

    decision_id: str
    deployment: str
    reason: PassedReason
    name: str = ""
    wait_s: float | None = None


@dataclass(frozen=True, slots=True)
class RequestDone:
    """A request is over: `deployment` answered, or `failure` is what it was told, or nobody wanted it any more.

    One that failed without a `failure` may be served by nobody, as its decision says, or the router was closed.
    """

    decision_id: str
    outcome: Literal["answered", "failed", "cancelled"]
    deployment: str | None = None
    failure: FailureClass | None = None
    attempts: int = 0
    duration_s: float = 0.0
    first_content_s: float | None = None


@dataclass(frozen=True, slots=True)
class HealthChanged:
    """A deployment's health changed; `change` says from what, to what, and after which failure."""

    deployment: str
    change: StateChange


@dataclass(frozen=True, slots=True)
class DeploymentChecked:
    """A cooling deployment was asked whether it is there, and said so or not; `said` is in words."""

    deployment: str
    verdict: Verdict
    said: str
    duration_s: float


@dataclass(frozen=True, slots=True)
class StoreFailed:
    """The store of limits, budgets and ledger can't be reached; what holds then is the spec's `state: {fail: …}`.

    It is told once, until the store is back.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class StoreRecovered:
    """The store, by its scheme and host, can be reached again."""

    store: str


@dataclass(frozen=True, slots=True)
class BudgetWarning:
    """A budget has passed its `warn_at`; told once for each account and window, by one process of those that share a
    store.

    Of `amount` picodollars `spent` are gone. `until` is the window's end (epoch seconds), `None` where it rolls.
    `account` tells the values of `per` apart without showing them; "" where the budget has none.
    """

    budget: str
    spent: int
    amount: int
    until: float | None = None
    account: str = ""


@dataclass(frozen=True, slots=True)
class BudgetSpent:
    """A budget is spent, or what is left of it is too little for a request, which others serve or nobody.

    It is told as `BudgetWarning` is, and has the same fields.
    """

    budget: str
    spent: int
    amount: int
    until: float | None = None
    account: str = ""


Event: TypeAlias = (
    DecisionMade
    | AttemptStarted
    | AttemptFinished
    | Retrying
    | FellBack
    | PassedOver
    | Waiting
    | CacheHit
    | RequestDone
    | HealthChanged
    | DeploymentChecked
    | StoreFailed
    | StoreRecovered
    | BudgetWarning
    | BudgetSpent
)
Observer: TypeAlias = Callable[[Event], object]
