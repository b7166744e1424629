"""How deployments do, in memory: cooling after failures, probes that end it, measured speed, turns.

A deployment with `failures` failures within a sliding window cools. When its cooldown is over, at most `probes`
attempts at a time may try it: an answer ends the cooling, a failure begins it anew. What a provider asks for
(Retry-After) is kept apart, because it says nothing about health and nobody may ignore it.

Deployments are known by their identity, so that a reload keeps what is known. Instants are seconds on the monotonic
clock of whoever asks; nothing here reads a clock. Every method is one short critical section: threads and event loops
share a book.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from llm_router.errors import FailureClass
from llm_router.policy.program import Health
from llm_router.policy.snapshot import Latency, Snapshot

Condition = Literal["ok", "degraded", "cooling"]

UNHEALTHY: frozenset[FailureClass] = frozenset(
    {"unavailable", "overloaded", "connection_lost", "truncated", "malformed", "timeout"}
)
"""Failures that speak of the deployment's health. Not those of the request, the key, or a limit."""

DECAY = 0.3
"""The weight of the newest measurement in a mean that forgets."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended.

    `failure` is `None` for an answer, and for an attempt that was cancelled (`answered` tells them apart).
    `cooldown_s` keeps the deployment back for all requests; `retry_after_s` is what the provider asked for.
    """

    answered: bool
    failure: FailureClass | None = None
    cooldown_s: float | None = None
    retry_after_s: float | None = None
    first_token_s: float | None = None
    tokens_per_second: float | None = None


@dataclass(frozen=True, slots=True)
class Admission:
    """Whether an attempt may be made now, and if not, from when on. `probe` marks a trial of a cooling deployment."""

    granted: bool
    until: float = 0.0
    reason: Literal["", "limited", "cooling"] = ""
    probe: bool = False


@dataclass(frozen=True, slots=True)
class StateChange:
    """A deployment, known by its identity, went from one state of health to another."""

    identity: str
    before: Condition
    after: Condition


@dataclass(slots=True)
class _Record:
    """What is known of one deployment; guarded by the book's lock."""

    failures: deque[float] = field(default_factory=deque)
    cooling_until: float | None = None
    limited_until: float = 0.0
    probing: int = 0
    latency: Latency = Latency()

    def condition(self) -> Condition:
        if self.cooling_until is not None:
            return "cooling"
        return "degraded" if self.failures else "ok"


class HealthBook:
    """What is known of all deployments of one router."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: dict[str, _Record] = {}
        self._turns: dict[str, int] = {}

    def observe(self, now: float, wall: float) -> Snapshot:
        """The state of all deployments at `now`; instants in it are moved to the clock on which it is `wall`."""
        shift = wall - now
        with self._lock:
            records = tuple(self._records.items())
            cooling = {key: one.cooling_until + shift for key, one in records if _is_cooling(one, now)}  # type: ignore[operator]  # cooling has an end
            limited = {key: one.limited_until + shift for key, one in records if one.limited_until > now}
            latencies = {key: one.latency for key, one in records}
            return Snapshot(wall, cooling, limited, latencies, dict(self._turns))

    def take_turns(self, names: Iterable[str]) -> None:
        """Count one turn for each name."""
        with self._lock:
            for name in names:
                self._turns[name] = self._turns.get(name, 0) + 1

    def admit(self, identity: str, now: float, health: Health, *, force: bool = False) -> Admission:
        """Whether `identity` may be asked at `now`; what is granted must be reported.

        `force` asks it although it cools, as the best guess where everybody does; a provider's own time is kept.
        """
        raise NotImplementedError

    def report(self, identity: str, now: float, health: Health, outcome: Outcome) -> StateChange | None:
        """Take note of how an admitted attempt ended."""
        raise NotImplementedError
