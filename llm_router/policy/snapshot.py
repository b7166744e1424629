"""The facts about the world at the moment of deciding, taken from live state as one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Latency:
    """Measured speed: time to the first token in seconds, and tokens per second; `None` where never measured."""

    first_token_s: float | None = None
    tokens_per_second: float | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What deciding may know of the world.

    `now` is seconds since the epoch. `cooling` (health) and `limited` (a provider's Retry-After) map a deployment's
    identity to the instant at which it ends. `latencies` are by identity as well. `turns` counts, by the name of a
    round-robin tier or of a deployment with several keys, the turns that were taken. `unbound` maps deployment names
    to the reason why the environment leaves them without key or address.
    """

    now: float = 0.0
    cooling: Mapping[str, float] = field(default_factory=dict)
    limited: Mapping[str, float] = field(default_factory=dict)
    latencies: Mapping[str, Latency] = field(default_factory=dict)
    turns: Mapping[str, int] = field(default_factory=dict)
    unbound: Mapping[str, str] = field(default_factory=dict)
