"""The facts about the world at the moment of deciding, taken from live state as one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Latency:
    """Measured speed: time to the first token in seconds, and tokens per second; `None` where never measured.

    `whole_tokens_per_second` is that of answers that weren't streamed, over all of their time. `at` is the instant of
    the newest measurement; `None` counts as just now.
    """

    first_token_s: float | None = None
    tokens_per_second: float | None = None
    at: float | None = None
    whole_tokens_per_second: float | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """How full an account is: what is settled, and what attempts under way hold. `until` is when settled charges begin
    to leave (seconds since the epoch)."""

    settled: int = 0
    open: int = 0
    until: float = 0.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What deciding may know of the world.

    `now` is seconds since the epoch. `cooling` (health) and `limited` (a provider's Retry-After) map a deployment's
    identity to the instant at which it ends. `latencies` are by identity as well. `turns` counts, by the name of a
    round-robin tier or of a deployment with several keys, the turns that were taken. `unbound` maps deployment names
    to the reason why the environment leaves them without key or address. `in_flight` counts, by identity, the attempts
    that are under way. `previous` is the deployment that answered last in the request's session.
    `standings` are by the key of an account, those that this request may charge; `spent` is, by the name of a budget,
    the share that is gone of its account: 1 is all of it.
    """

    now: float = 0.0
    cooling: Mapping[str, float] = field(default_factory=dict)
    limited: Mapping[str, float] = field(default_factory=dict)
    latencies: Mapping[str, Latency] = field(default_factory=dict)
    turns: Mapping[str, int] = field(default_factory=dict)
    unbound: Mapping[str, str] = field(default_factory=dict)
    in_flight: Mapping[str, int] = field(default_factory=dict)
    previous: str | None = None
    standings: Mapping[str, Standing] = field(default_factory=dict)
    spent: Mapping[str, float] = field(default_factory=dict)
