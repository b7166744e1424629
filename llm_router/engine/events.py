"""What observers hear of a request's life: frozen values, without prompts and keys.

An observer is a plain callable that takes one event. It runs where the request runs, so it must be quick; what it
raises is logged and harms no request. Durations are in seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from llm_router.errors import AttemptReport, FailureClass
from llm_router.policy.decision import Decision
from llm_router.state.health import StateChange


@dataclass(frozen=True, slots=True)
class DecisionMade:
    """It is known who is asked, in which order."""

    decision: Decision


@dataclass(frozen=True, slots=True)
class AttemptStarted:
    """An attempt is about to be sent; `number` counts the request's attempts from 1."""

    decision_id: str
    number: int
    deployment: str
    provider: str


@dataclass(frozen=True, slots=True)
class AttemptFinished:
    """An attempt is over: answered, failed or cancelled."""

    decision_id: str
    report: AttemptReport


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
class Waiting:
    """Nobody may be asked at once: the request waits for `deployment`."""

    decision_id: str
    deployment: str
    wait_s: float


@dataclass(frozen=True, slots=True)
class HealthChanged:
    """A deployment's health changed."""

    deployment: str
    change: StateChange


Event: TypeAlias = DecisionMade | AttemptStarted | AttemptFinished | Retrying | FellBack | Waiting | HealthChanged
Observer: TypeAlias = Callable[[Event], object]
