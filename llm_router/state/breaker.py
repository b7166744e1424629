"""When a deployment begins to cool, and what ends it: a circuit breaker over a sliding window of outcomes.

A deployment cools once `failures` failures lie within the window, and they are what it mostly does:

- at least half of the window's outcomes are failures, or
- nobody was answered for a tenth of the window, while `failures` attempts failed.

A bare count would be wrong at both ends: a deployment that answers 10,000 requests in 30 seconds and fails 5 is well,
one that fails 5 of 6 is not. The share alone would be slow: a busy deployment that goes down has a window full of
answers, and half of it would have to pass first; that it has fallen silent shows sooner. The tenth keeps one broken
connection, with the several requests on it, from counting as a silence.

Cooling lasts `cooldown`, always the same: a time that grew with each failed probe would keep traffic away from a
provider that is back. Then at most `probes` attempts at a time may try it, however many requests wait. Only the end of
a probe speaks while it cools: an answer ends the cooling, a failure begins it anew. Attempts that were under way
before tell of the time before.

Before its time it is only asked as a best guess, where nobody else is left; such a guess is a probe, and there is one
in a tenth of the cooldown at most. So whoever asks now and then is answered as soon as the provider is back, and one
that is down is left in peace by whoever asks without a pause.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Literal

from llm_router.policy.program import Health

Condition = Literal["ok", "degraded", "cooling"]

PROBE_LOST_S = 600.0
"""An attempt that nobody has reported for so long no longer counts: it was dropped with its process's thread."""

GUESSES = 10
"""How many best guesses there are in one cooldown at most."""

_SPANS = 60
"""Outcomes within a 60th of the window are counted together, so that a busy deployment's window stays small."""


@dataclass(slots=True)
class _Span:
    """Outcomes that came close together, counted from the first on."""

    start: float
    answers: int = 0
    failures: int = 0


@dataclass(slots=True)
class Window:
    """The outcomes of the last seconds."""

    spans: deque[_Span] = field(default_factory=deque)
    answered_at: float | None = None
    failures_since: int = 0

    def add(self, now: float, within_s: float, *, failed: bool) -> None:
        """Count one outcome."""
        if not self.spans or now - self.spans[-1].start > within_s / _SPANS:
            self.spans.append(_Span(now))
        if failed:
            self.spans[-1].failures += 1
            self.failures_since += 1
        else:
            self.spans[-1].answers += 1
            self.failures_since, self.answered_at = 0, now

    def failures(self, now: float, within_s: float) -> int:
        """How many failures count; what the window has left behind is forgotten."""
        while self.spans and self.spans[0].start <= now - within_s:
            self.spans.popleft()
        return sum(span.failures for span in self.spans)

    def is_down(self, now: float, health: Health) -> bool:
        """Whether failing is what the deployment mostly does."""
        failures = self.failures(now, health.within_s)
        if failures < health.failures:
            return False
        answers = sum(span.answers for span in self.spans)
        if self.answered_at is None or failures >= answers:
            return True
        return self.failures_since >= health.failures and now - self.answered_at >= health.within_s / 10

    def clear(self) -> None:
        """Begin anew."""
        self.spans.clear()
        self.failures_since, self.answered_at = 0, None


@dataclass(slots=True)
class Breaker:
    """Closed, open or half-open: `cooling_until` is `None`, to come, or past.

    `declared` says that the spec's `cooldown` for a class of failures opened it, which no check ends early. The next
    best guess isn't made before `guess_from`.
    """

    window: Window = field(default_factory=Window)
    cooling_until: float | None = None
    declared: bool = False
    probes: list[float] = field(default_factory=list)
    guess_from: float = 0.0

    def condition(self, now: float, health: Health) -> Condition:
        """How the deployment is at `now`."""
        if self.cooling_until is not None:
            return "cooling"
        return "degraded" if self.window.failures(now, health.within_s) else "ok"

    def admits_probe(self, now: float, health: Health, *, force: bool) -> bool:
        """Whether one that cools may be tried; counts the probe if so. `force` tries it before its time."""
        self.probes = [started for started in self.probes if now - started < PROBE_LOST_S]
        left_s = (self.cooling_until or 0.0) - now
        if len(self.probes) >= health.probes or (left_s > 0 and not (force and now >= self.guess_from)):
            return False
        if left_s > 0:
            self.guess_from = now + max(left_s, health.cooldown_s) / GUESSES
        self.probes.append(now)
        return True

    def next_guess(self, health: Health) -> float | None:
        """The instant from which on a best guess may be made; `None` while as many probes as may be are under way."""
        return None if len(self.probes) >= health.probes else self.guess_from

    def probe_ended(self, *, asked: bool = True) -> None:
        """Leave room for the next probe; one that wasn't `asked` after all was none."""
        if self.probes:
            self.probes.pop(0)
        if not asked:
            self.guess_from = 0.0

    def answered(self, now: float, health: Health, *, probe: bool) -> None:
        """Count an answer; that of a probe ends the cooling."""
        if self.cooling_until is None:
            self.window.add(now, health.within_s, failed=False)
        elif probe:
            self.window.clear()
            self.cooling_until, self.declared = None, False

    def failed(self, now: float, health: Health, *, probe: bool) -> None:
        """Count a failure that speaks of health."""
        if self.cooling_until is not None:
            if probe:
                self.cool(now + health.cooldown_s)
            return
        self.window.add(now, health.within_s, failed=True)
        if self.window.is_down(now, health):
            self.cool(now + health.cooldown_s)

    def cool(self, until: float, *, declared: bool = False) -> None:
        """Keep the deployment back until then at least."""
        self.declared = self.declared or declared
        self.cooling_until = max(self.cooling_until or 0.0, until)

    def half_open(self, now: float) -> None:
        """Let the next request be the probe."""
        if self.cooling_until is not None:
            self.cooling_until = min(self.cooling_until, now)
