"""How deployments do, in memory: cooling after failures, probes that end it, measured speed, load, turns.

When a deployment cools is told in `breaker`. What a provider asks for (Retry-After, a quota of which nothing remains)
is kept apart, because it says nothing about health and nobody may ignore it.

Deployments are known by their identity, so that a reload keeps what is known. Instants are seconds on the monotonic
clock of whoever asks; nothing here reads a clock. Every method is one short critical section: threads and event loops
share a book.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from llm_router.errors import FailureClass
from llm_router.policy.program import Health, Wait
from llm_router.policy.snapshot import Latency, Snapshot
from llm_router.state.breaker import PROBE_LOST_S, Breaker, Condition
from llm_router.state.facts import Facts
from llm_router.state.hedges import HedgeCount
from llm_router.state.latency import Latencies, percentile
from llm_router.state.sessions import SessionKey, Sessions

Verdict = Literal["up", "down", "unsure"]
"""What a check found: it answers, it doesn't, or what it says tells nothing of its health."""

UNHEALTHY: frozenset[FailureClass] = frozenset(
    {"unavailable", "overloaded", "connection_lost", "truncated", "malformed", "timeout"}
)
"""Failures that speak of a deployment's health; the others speak of the request, the key or a limit."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended: with an answer, with a `failure`, or with neither because nobody wanted it any more.

    `probe` is that of its admission. `cooldown_s` keeps the deployment back for all requests; `retry_after_s` is what
    the provider asked for, which a reply that is an answer may do too. Measured speed is `None` where it can't be told;
    `whole_s` is the time of an answer that wasn't streamed.
    `asked` is False where nothing was sent after all. `unsaid` are the pauses after a rate limit of which the provider
    doesn't say when it is over.
    """

    answered: bool = False
    probe: bool = False
    failure: FailureClass | None = None
    cooldown_s: float | None = None
    retry_after_s: float | None = None
    first_token_s: float | None = None
    tokens_per_second: float | None = None
    whole_tokens_per_second: float | None = None
    whole_s: float | None = None
    asked: bool = True
    unsaid: Wait | None = None


@dataclass(frozen=True, slots=True)
class Admission:
    """Whether an attempt may be made now; if not, why, and the instant from which on it may.

    `probe` marks the trial of a deployment that cools; `failure` is what it cools for, else what it last failed with.
    Where a best guess was wanted, `guess_at` is the instant of the next one, `None` while others try it.
    """

    granted: bool
    until: float = 0.0
    reason: Literal["", "limited", "cooling"] = ""
    probe: bool = False
    failure: FailureClass | None = None
    guess_at: float | None = None


GRANTED = Admission(granted=True)


@dataclass(frozen=True, slots=True)
class StateChange:
    """A deployment, known by its identity, went from one state of health to another.

    `failure` is what led to it; one that cools does so for `cooldown_s` seconds at least.
    """

    identity: str
    before: Condition
    after: Condition
    failure: FailureClass | None = None
    cooldown_s: float | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of one deployment at one moment.

    `cooling_s` and `limited_s` are the seconds for which it is still kept back, `None` where it isn't; 0 for one that
    may be tried. `failure` is what it failed with last, `cooled_by` what it cools for. `failed` counts by class.
    """

    condition: Condition = "ok"
    cooling_s: float | None = None
    limited_s: float | None = None
    failure: FailureClass | None = None
    attempts: int = 0
    answered: int = 0
    failed: Mapping[FailureClass, int] = field(default_factory=dict)
    in_flight: int = 0
    first_token_median_s: float | None = None
    first_token_p95_s: float | None = None
    tokens_per_second_median: float | None = None
    cooled_by: FailureClass | None = None


@dataclass(slots=True)
class _Known:
    """What is known of one deployment; guarded by the book's lock."""

    breaker: Breaker = field(default_factory=Breaker)
    latencies: Latencies = field(default_factory=Latencies)
    limited_until: float = 0.0
    failure: FailureClass | None = None
    cooled_by: FailureClass | None = None
    unsaid: int = 0
    under_way: deque[float] = field(default_factory=deque)
    attempts: int = 0
    answered: int = 0
    failed: Counter[FailureClass] = field(default_factory=Counter)

    def admit(self, now: float, health: Health, *, force: bool) -> Admission:
        if self.limited_until > now:
            return Admission(granted=False, until=self.limited_until, reason="limited", failure=self.failure)
        cooling_until = self.breaker.cooling_until
        if cooling_until is not None and not self.breaker.admits_probe(now, health, force=force):
            guess_at = self.breaker.next_guess(health) if force else None
            return Admission(
                granted=False,
                until=max(now, cooling_until),
                reason="cooling",
                failure=self.cooled_by,
                guess_at=guess_at,
            )
        self.under_way.append(now)
        return GRANTED if cooling_until is None else Admission(granted=True, probe=True)

    def take(self, outcome: Outcome, now: float, health: Health) -> None:
        self._count(outcome)
        cooling_until = self.breaker.cooling_until
        if outcome.probe:
            self.breaker.probe_ended(asked=outcome.asked)
        self.failure = outcome.failure or self.failure
        if outcome.retry_after_s is not None:
            self.limited_until = max(self.limited_until, now + outcome.retry_after_s)
        elif outcome.unsaid is not None and now >= self.limited_until:
            self.unsaid += 1
            self.limited_until = now + _pause_s(outcome.unsaid, self.unsaid)
        if outcome.answered:
            self.unsaid = 0
            self.breaker.answered(now, health, probe=outcome.probe)
            whole = outcome.whole_tokens_per_second
            self.latencies.add(now, outcome.first_token_s, outcome.tokens_per_second, whole)
            self.latencies.add_whole(outcome.whole_s)
        elif outcome.failure in UNHEALTHY:
            self.breaker.failed(now, health, probe=outcome.probe)
        if outcome.cooldown_s is not None:
            self.breaker.cool(now + outcome.cooldown_s, declared=True)
        if self.breaker.cooling_until != cooling_until:
            self.cooled_by = outcome.failure

    def facts(self) -> Facts:
        limited = self.limited_until or None
        return Facts(self.breaker.cooling_until, self.breaker.declared, limited, self.cooled_by or self.failure)

    def adopt(self, facts: Facts) -> None:
        if facts.cooling_until is None and self.breaker.cooling_until is not None:
            self.breaker.window.clear()
        self.breaker.cooling_until, self.breaker.declared = facts.cooling_until, facts.declared
        self.limited_until = max(self.limited_until, facts.limited_until or 0.0)
        self.failure = facts.failure or self.failure
        self.cooled_by = None if facts.cooling_until is None else facts.failure

    def _count(self, outcome: Outcome) -> None:
        if self.under_way:
            self.under_way.popleft()
        self.attempts += outcome.asked
        self.answered += outcome.answered
        if outcome.failure is not None:
            self.failed[outcome.failure] += 1

    def in_flight(self, now: float) -> int:
        while self.under_way and now - self.under_way[0] >= PROBE_LOST_S:
            self.under_way.popleft()
        return len(self.under_way)

    def checked(self, verdict: Verdict, now: float, health: Health) -> None:
        if self.breaker.cooling_until is None or self.breaker.declared:
            return
        if verdict == "up":
            self.breaker.half_open(now)
        elif verdict == "down":
            self.breaker.cool(now + health.cooldown_s)

    def record(self, now: float, health: Health) -> Record:
        cooling_until, first = self.breaker.cooling_until, self.latencies.first_token_s
        return Record(
            self.breaker.condition(now, health),
            None if cooling_until is None else max(0.0, cooling_until - now),
            self.limited_until - now if self.limited_until > now else None,
            self.failure,
            self.attempts,
            self.answered,
            dict(self.failed),
            self.in_flight(now),
            percentile(first, 50),
            percentile(first, 95),
            percentile(self.latencies.tokens_per_second, 50),
            self.cooled_by,
        )


class HealthBook:
    """What is known of all deployments of one router."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, _Known] = {}
        self._turns: dict[str, int] = {}
        self._sessions = Sessions()
        self.hedges = HedgeCount()

    def observe(self, now: float, wall: float, session: SessionKey | None = None) -> Snapshot:
        """The state of all deployments at `now`; instants in it are moved to the clock on which it is `wall`.

        `previous` is who answered last in `session`.
        """
        shift = wall - now
        cooling: dict[str, float] = {}
        limited: dict[str, float] = {}
        latencies: dict[str, Latency] = {}
        in_flight: dict[str, int] = {}
        with self._lock:
            for identity, known in self._known.items():
                latencies[identity] = _shifted(known.latencies.mean, shift)
                if known.breaker.cooling_until is not None and known.breaker.cooling_until > now:
                    cooling[identity] = known.breaker.cooling_until + shift
                if known.limited_until > now:
                    limited[identity] = known.limited_until + shift
                if count := known.in_flight(now):
                    in_flight[identity] = count
            turns, previous = dict(self._turns), self._sessions.previous(session)
        return Snapshot(wall, cooling, limited, latencies, turns, in_flight=in_flight, previous=previous)

    def take_turns(self, names: Iterable[str], seen: Mapping[str, int]) -> bool:
        """Count one turn for each name, if none was taken since the counts were as `seen`; whether that was so."""
        with self._lock:
            taken = {name: self._turns.get(name, 0) for name in names}
            if any(seen.get(name, 0) != count for name, count in taken.items()):
                return False
            self._turns.update((name, count + 1) for name, count in taken.items())
        return True

    def return_turns(self, names: Iterable[str], seen: Mapping[str, int]) -> None:
        """Take back what `take_turns` counted, unless turns were taken since."""
        with self._lock:
            before = {name: seen.get(name, 0) for name in names}
            if all(self._turns.get(name, 0) == count + 1 for name, count in before.items()):
                self._turns.update(before)

    def admit(self, identity: str, now: float, health: Health, *, force: bool = False) -> Admission:
        """Whether `identity` may be asked at `now`; what is granted must be reported.

        `force` asks it although it cools, as the best guess where everybody does; a provider's own time is kept, and
        so are the number of probes and the time between two guesses.
        """
        with self._lock:
            return self._known.setdefault(identity, _Known()).admit(now, health, force=force)

    def report(self, identity: str, now: float, health: Health, outcome: Outcome) -> StateChange | None:
        """Take note of how an admitted attempt ended; the change of state that it brings, if any."""
        with self._lock:
            known = self._known.setdefault(identity, _Known())
            before = known.breaker.condition(now, health)
            known.take(outcome, now, health)
            after, until = known.breaker.condition(now, health), known.breaker.cooling_until
        if before == after:
            return None
        return StateChange(identity, before, after, outcome.failure, None if until is None else until - now)

    def facts(self, identity: str) -> Facts:
        """What other processes should know of one deployment."""
        with self._lock:
            known = self._known.get(identity)
            return Facts() if known is None else known.facts()

    def adopt(self, identity: str, facts: Facts) -> None:
        """Take over what another process found of a deployment."""
        with self._lock:
            self._known.setdefault(identity, _Known()).adopt(facts)

    def cooling(self) -> tuple[str, ...]:
        """Who cools for its failures, and not because the spec says for how long: those whom a check may tell of."""
        with self._lock:
            return tuple(
                identity
                for identity, known in self._known.items()
                if known.breaker.cooling_until is not None and not known.breaker.declared
            )

    def checked(self, identity: str, now: float, health: Health, verdict: Verdict) -> None:
        """Take note of a check of one that cools: the next request is its probe, or its cooldown begins anew."""
        with self._lock:
            if identity in self._known:
                self._known[identity].checked(verdict, now, health)

    def answered(self, session: SessionKey, deployment: str) -> None:
        """Remember who answered in this session."""
        with self._lock:
            self._sessions.answered(session, deployment)

    def first_token_s(self, identity: str, percent: int, *, whole: bool = False) -> float | None:
        """The time to the first token that `percent` of the newest answers didn't exceed; `None` if never measured.

        `whole`: the time to the end, of answers that weren't streamed.
        """
        with self._lock:
            known = self._known.get(identity)
            if known is None:
                return None
            return percentile(known.latencies.whole_s if whole else known.latencies.first_token_s, percent)

    def record(self, identity: str, now: float, health: Health) -> Record:
        """What is known of one deployment."""
        with self._lock:
            known = self._known.get(identity)
            return Record() if known is None else known.record(now, health)

    def after_fork(self) -> None:
        """Start anew in a child process: a thread of the parent's may have held the lock, and its attempts go on
        there."""
        self._lock = threading.Lock()
        self.hedges.after_fork()
        for known in self._known.values():
            known.under_way.clear()
            known.breaker.probes.clear()


def _pause_s(wait: Wait, times: int) -> float:
    """How long to leave one alone that asked for it so many `times` in a row, and never said for how long."""
    return min(wait.longest_s, wait.first_s * wait.factor ** min(times - 1, 30))


def _shifted(latency: Latency, shift: float) -> Latency:
    return latency if latency.at is None else replace(latency, at=latency.at + shift)
