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
"""Failures that speak of a deployment's health; the others speak of the request, the key or a limit."""

NEWEST_SHARE = 0.3
"""The weight of the newest measurement in a mean that forgets."""

PROBE_LOST_S = 600.0
"""A probe that nobody has reported for so long no longer counts: its attempt was dropped with its process's thread."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended: with an answer, with a `failure`, or with neither because nobody wanted it any more.

    `probe` is that of its admission. `cooldown_s` keeps the deployment back for all requests; `retry_after_s` is what
    the provider asked for. Measured speed is `None` where it can't be told.
    """

    answered: bool = False
    probe: bool = False
    failure: FailureClass | None = None
    cooldown_s: float | None = None
    retry_after_s: float | None = None
    first_token_s: float | None = None
    tokens_per_second: float | None = None


@dataclass(frozen=True, slots=True)
class Admission:
    """Whether an attempt may be made now; if not, why, and the instant from which on it may.

    `probe` marks the trial of a deployment that cools; `failure` is what it last failed with.
    """

    granted: bool
    until: float = 0.0
    reason: Literal["", "limited", "cooling"] = ""
    probe: bool = False
    failure: FailureClass | None = None


GRANTED = Admission(granted=True)


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
    probes: list[float] = field(default_factory=list)
    latency: Latency = field(default_factory=Latency)
    failure: FailureClass | None = None

    def condition(self, now: float, health: Health) -> Condition:
        if self.cooling_until is not None:
            return "cooling"
        while self.failures and self.failures[0] <= now - health.within_s:
            self.failures.popleft()
        return "degraded" if self.failures else "ok"

    def admit(self, now: float, health: Health, *, force: bool) -> Admission:
        if self.limited_until > now:
            return Admission(granted=False, until=self.limited_until, reason="limited", failure=self.failure)
        if self.cooling_until is None:
            return GRANTED
        self.probes = [started for started in self.probes if now - started < PROBE_LOST_S]
        if len(self.probes) >= health.probes or (now < self.cooling_until and not force):
            return Admission(granted=False, until=max(now, self.cooling_until), reason="cooling", failure=self.failure)
        self.probes.append(now)
        return Admission(granted=True, probe=True)

    def take(self, outcome: Outcome, now: float, health: Health) -> None:
        if outcome.probe and self.probes:
            self.probes.pop(0)
        self.failure = outcome.failure or self.failure
        if outcome.retry_after_s is not None:
            self.limited_until = max(self.limited_until, now + outcome.retry_after_s)
        if outcome.answered:
            self._answered(outcome)
        elif outcome.failure in UNHEALTHY:
            self._failed(now, health)
        if outcome.cooldown_s is not None:
            self._cool(now + outcome.cooldown_s)

    def _answered(self, outcome: Outcome) -> None:
        if self.cooling_until is not None:
            self.failures.clear()
            self.cooling_until = None
        self.latency = Latency(
            _mean(self.latency.first_token_s, outcome.first_token_s),
            _mean(self.latency.tokens_per_second, outcome.tokens_per_second),
        )

    def _failed(self, now: float, health: Health) -> None:
        self.failures.append(now)
        if self.condition(now, health) == "cooling" or len(self.failures) >= health.failures:
            self._cool(now + health.cooldown_s)

    def _cool(self, until: float) -> None:
        self.cooling_until = max(self.cooling_until or 0.0, until)


class HealthBook:
    """What is known of all deployments of one router."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: dict[str, _Record] = {}
        self._turns: dict[str, int] = {}

    def observe(self, now: float, wall: float) -> Snapshot:
        """The state of all deployments at `now`; instants in it are moved to the clock on which it is `wall`."""
        shift = wall - now
        cooling: dict[str, float] = {}
        limited: dict[str, float] = {}
        latencies: dict[str, Latency] = {}
        with self._lock:
            for identity, record in self._records.items():
                latencies[identity] = record.latency
                if record.cooling_until is not None and record.cooling_until > now:
                    cooling[identity] = record.cooling_until + shift
                if record.limited_until > now:
                    limited[identity] = record.limited_until + shift
            turns = dict(self._turns)
        return Snapshot(wall, cooling, limited, latencies, turns)

    def take_turns(self, names: Iterable[str], seen: Mapping[str, int]) -> bool:
        """Count one turn for each name, if none was taken since the counts were as `seen`; whether that was so."""
        with self._lock:
            taken = {name: self._turns.get(name, 0) for name in names}
            if any(seen.get(name, 0) != count for name, count in taken.items()):
                return False
            self._turns.update((name, count + 1) for name, count in taken.items())
        return True

    def admit(self, identity: str, now: float, health: Health, *, force: bool = False) -> Admission:
        """Whether `identity` may be asked at `now`; what is granted must be reported.

        `force` asks it although it cools, as the best guess where everybody does; a provider's own time is kept, and
        so is the number of probes.
        """
        with self._lock:
            record = self._records.get(identity)
            if record is None:
                return GRANTED
            return record.admit(now, health, force=force)

    def report(self, identity: str, now: float, health: Health, outcome: Outcome) -> StateChange | None:
        """Take note of how an admitted attempt ended; the change of state that it brings, if any."""
        with self._lock:
            record = self._records.setdefault(identity, _Record())
            before = record.condition(now, health)
            record.take(outcome, now, health)
            after = record.condition(now, health)
        return StateChange(identity, before, after) if before != after else None

    def after_fork(self) -> None:
        """Start with a free lock in a child process: a thread of the parent's may have held it."""
        self._lock = threading.Lock()


def _mean(known: float | None, newest: float | None) -> float | None:
    if known is None or newest is None:
        return newest if known is None else known
    return known + NEWEST_SHARE * (newest - known)
