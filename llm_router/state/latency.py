"""How fast a deployment is, as measured: a mean that forgets, for ranking, and the newest samples, for people."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from llm_router.policy.snapshot import Latency

NEWEST_SHARE = 0.3
"""The least weight of the newest measurement in the mean."""

HALF_LIFE_S = 120.0
"""What was measured so long ago weighs half at most against the newest measurement, however often it was measured."""

_SAMPLES = 200


@dataclass(slots=True)
class Latencies:
    """What was measured of one deployment: times to the first token in seconds, and tokens per second.

    An answer that isn't streamed shows only how many tokens a second it had over its whole time.
    """

    first_token_s: deque[float] = field(default_factory=lambda: deque(maxlen=_SAMPLES))
    tokens_per_second: deque[float] = field(default_factory=lambda: deque(maxlen=_SAMPLES))
    whole_s: deque[float] = field(default_factory=lambda: deque(maxlen=_SAMPLES))
    mean: Latency = field(default_factory=Latency)

    def add(
        self, now: float, first_token_s: float | None, tokens_per_second: float | None, whole: float | None = None
    ) -> None:
        """Take an answer's speed; `None` is what it doesn't tell. `whole` is tokens per second over its whole time."""
        if first_token_s is None and tokens_per_second is None and whole is None:
            return
        share = self._share(now)
        self.mean = Latency(
            _mean(self.mean.first_token_s, first_token_s, share),
            _mean(self.mean.tokens_per_second, tokens_per_second, share),
            now,
            _mean(self.mean.whole_tokens_per_second, whole, share),
        )
        if first_token_s is not None:
            self.first_token_s.append(first_token_s)
        if tokens_per_second is not None:
            self.tokens_per_second.append(tokens_per_second)

    def add_whole(self, whole_s: float | None) -> None:
        """Take the time of an answer that wasn't streamed."""
        if whole_s is not None:
            self.whole_s.append(whole_s)

    def _share(self, now: float) -> float:
        """The newest measurement's weight: the older the mean, the more."""
        age_s = 0.0 if self.mean.at is None else max(0.0, now - self.mean.at)
        return max(NEWEST_SHARE, 1 - 2 ** (-age_s / HALF_LIFE_S))


def percentile(samples: Sequence[float], percent: int) -> float | None:
    """The smallest sample that `percent` of them don't exceed; `None` without samples."""
    if not samples:
        return None
    ordered = sorted(samples)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def _mean(known: float | None, newest: float | None, share: float) -> float | None:
    if known is None or newest is None:
        return newest if known is None else known
    return known + share * (newest - known)
