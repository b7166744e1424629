"""What follows a failure: the same deployment again, the next one, or the end. A table read by one pure function.

`TELLING` orders the failure classes by how much they tell: when nobody answered, the error is of the first class in it
that any attempt failed with (of several, the earliest attempt), so that "your key was not accepted" is never hidden
behind a later "no connection". First what only the caller can change, then what waiting cures and says so, then what
an operator must mend, and last what may be the network's mood.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from llm_router.errors import FailureClass
from llm_router.policy.program import After, Wait
from llm_router.wire.codec import Failure

TELLING: tuple[FailureClass, ...] = (
    "content_filter",
    "bad_request",
    "context_length",
    "invalid_output",
    "rate_limit",
    "quota_exhausted",
    "authentication",
    "permission",
    "not_found",
    "timeout",
    "overloaded",
    "truncated",
    "malformed",
    "unavailable",
    "connection_lost",
)


@dataclass(frozen=True, slots=True)
class Again:
    """Ask the same deployment once more, after `wait_s` seconds."""

    wait_s: float


@dataclass(frozen=True, slots=True)
class Onward:
    """Ask the next one."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Nobody else is asked."""


Step = Again | Onward | Stop


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a request stands after a failure.

    `tries_here` counts the attempts at the deployment that failed, `attempts_left` those that the request may still
    make, `others` the ready candidates that were not asked yet. `time_left_s` runs to the deadline. `chance` is in
    [0, 1); `affordable` says whether what the request may cost allows another attempt here, `kept_back` whether the
    deployment began to cool meanwhile, or has no room.
    """

    tries_here: int
    attempts_left: int
    others: int
    time_left_s: float
    chance: float
    affordable: bool = True
    kept_back: bool = False


def what_follows(after: After, failure: Failure, standing: Standing) -> Step:
    """The step that `after`, complete, prescribes. A retry never takes a ready candidate's only attempt."""
    if _may_retry(after, failure, standing):
        wait = pause(after.wait or Wait(), standing.tries_here, standing.chance)
        wait = max(wait, failure.retry_after_s or 0.0)
        if wait < standing.time_left_s:
            return Again(wait)
    return Stop() if after.next == "stop" else Onward()


def _may_retry(after: After, failure: Failure, standing: Standing) -> bool:
    """A provider that was silent isn't asked again in the request, and none is waited for longer than a pause lasts."""
    patience = (after.wait or Wait()).longest_s
    return (
        standing.tries_here <= (after.retry or 0)
        and standing.attempts_left > standing.others
        and standing.affordable
        and not standing.kept_back
        and failure.kind != "timeout"
        and (failure.retry_after_s or 0.0) <= patience
    )


def pause(wait: Wait, tries: int, chance: float) -> float:
    """Seconds before the retry that follows the `tries`-th failure: full jitter under a growing bound."""
    return chance * min(wait.longest_s, wait.first_s * wait.factor ** (tries - 1))


def chance(request_id: str, draw: int) -> float:
    """The `draw`-th chance of a request, in [0, 1); drawn from its id, so that it can be replayed."""
    return random.Random(f"{request_id}:{draw}").random()


F = TypeVar("F", bound="Failure")


def most_telling(failures: Sequence[F]) -> F:
    """The failure that matters most; of several of a class the earliest."""
    return min(failures, key=lambda failure: TELLING.index(failure.kind))
