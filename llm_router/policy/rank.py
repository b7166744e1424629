"""How candidates are ordered inside a tier.

A candidate's score depends on itself alone, so that taking one away never reorders the others:

    score = w_cost * log2(cost / 0.001 USD) + w_speed * log2(seconds) - w_quality * quality / 10

The lower, the earlier. Where something that the ranking needs isn't known there is no score, and the candidate comes
last in its tier, in the order written. `auto` weighs by the hints `cost` and `speed` (`AUTO`); it names nothing, so
what isn't known counts as middling there (`MIDDLING_SECONDS`, `MIDDLING_QUALITY`), except for a price.

Balance spreads over members whose scores round to the same tenth. It gives each member a key of its own, drawn from
the request id and the member's name, so that here, too, one member's absence leaves the others as they were.
`least-busy` counts the attempts under way at each; those with as many come in the order that the request id draws.

Speed is measured only of those who are asked, so who was slow once, or never asked, would stay behind for ever. Two
things bring it back. What was measured longer ago than `BELIEVED_S` isn't believed: what the spec says counts again.
And where a tier weighs speed by half or more, a member that wasn't measured for `EXPLORED_AFTER_S`, while another was,
goes first for a share of the requests, `EXPLORED_SHARE` of them for all such members together; the request id draws
which. Tiers that are about cost or quality send nobody elsewhere to measure.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from hashlib import blake2b
from types import MappingProxyType
from typing import TypeAlias

from llm_router.messages import Usage
from llm_router.policy.decision import Estimate, Score
from llm_router.policy.defaults import EXPECTED_OUTPUT
from llm_router.policy.features import Features
from llm_router.policy.hints import CostHint, SpeedHint
from llm_router.policy.program import Balance, Deployment, Part, Tier
from llm_router.policy.snapshot import Latency, Snapshot

Weights: TypeAlias = Mapping[Part, Fraction]

PICODOLLARS_PER_POINT = 10**9
"""The cost whose part is 0: a tenth of a cent."""

LEAST_COST = 10**6
"""Anything cheaper, free included, counts as this much: a millionth of a dollar."""

LEAST_SECONDS = 0.001
MIDDLING_SECONDS = 5.0
MIDDLING_QUALITY = 70.0

BELIEVED_S = 3600.0
EXPLORED_AFTER_S = 300.0
EXPLORED_SHARE = 0.05


def _weights(cost: int, speed: int, quality: int) -> Weights:
    shares: dict[Part, int] = {"cost": cost, "speed": speed, "quality": quality}
    return MappingProxyType({part: Fraction(share, 100) for part, share in shares.items() if share})


AUTO: Mapping[tuple[CostHint, SpeedHint], Weights] = MappingProxyType(
    {
        ("low", "slow"): _weights(80, 0, 20),
        ("low", "normal"): _weights(65, 15, 20),
        ("low", "fast"): _weights(45, 40, 15),
        ("low", "critical"): _weights(25, 65, 10),
        ("medium", "slow"): _weights(50, 0, 50),
        ("medium", "normal"): _weights(40, 20, 40),
        ("medium", "fast"): _weights(30, 40, 30),
        ("medium", "critical"): _weights(15, 65, 20),
        ("high", "slow"): _weights(10, 0, 90),
        ("high", "normal"): _weights(10, 15, 75),
        ("high", "fast"): _weights(10, 40, 50),
        ("high", "critical"): _weights(5, 65, 30),
    }
)
"""The weights of `by: auto`, by the hints `cost` and `speed`; unsaid they are `medium` and `normal`."""

_WHOLE: Mapping[str, Weights] = MappingProxyType(
    {"cost": _weights(100, 0, 0), "speed": _weights(0, 100, 0), "quality": _weights(0, 0, 100)}
)


def estimate(
    deployment: Deployment, features: Features, snapshot: Snapshot, cap: int | None, *, closely: bool = False
) -> Estimate:
    """What is expected of one deployment that may answer with `cap` tokens at most.

    `closely` counts as well as can be what may be billed at most, which takes microseconds: for bounded money.
    """
    expected = expected_output(deployment, cap)
    most = _most_input(deployment, features) if closely else features.input_tokens.upper
    cost, bound = _costs(deployment, features, (expected, most, cap), now=snapshot.now)
    return Estimate(
        cost=cost,
        cost_bound=bound,
        seconds=_seconds(deployment, _believed(deployment, snapshot), expected),
        quality=_quality(deployment, features.hints.task),
        input_bound=most,
        closely=closely,
    )


def expected_output(deployment: Deployment, cap: int | None) -> int:
    """The tokens with which a deployment probably answers."""
    return deployment.expected_output or min(cap or EXPECTED_OUTPUT, EXPECTED_OUTPUT)


def weights_of(tier: Tier, features: Features) -> Weights | None:
    """How the tier weighs cost, speed and quality for this request; `None` where it keeps the order written."""
    if tier.by == "order":
        return None
    if tier.by == "auto":
        return AUTO[features.hints.cost or "medium", features.hints.speed or "normal"]
    return tier.score if tier.by == "weights" else _WHOLE[tier.by]


def score(tier: Tier, weights: Weights, known: Estimate) -> Score:
    """The score of a candidate of which `known` is expected."""
    values = _points(known, lenient=tier.by == "auto")
    parts = {part: float(weight) * value for part, weight in weights.items() if (value := values[part]) is not None}
    whole = len(parts) == len(weights)
    return Score(sum(parts.values()) if whole else None, parts)


@dataclass(frozen=True, slots=True)
class Draw:
    """What a tier's balance may draw its keys from; `busy` counts the attempts under way, by member."""

    tier: Tier
    request_id: str
    turn: int
    busy: Mapping[str, int] = field(default_factory=dict)

    def key(self, member: str) -> float:
        """The place of `member` among equals: the lower, the earlier."""
        drawn = _KEYS.get(self.tier.balance)
        return drawn(self, member) if drawn else 0.0

    def explores(self, member: str) -> bool:
        """Whether this request is one of those that try a member whose speed nobody knows."""
        return _chance(f"{self.request_id}\0explore", member) * len(self.tier.members) < EXPLORED_SHARE


def unmeasured(weights: Weights | None, members: Mapping[str, Deployment], snapshot: Snapshot) -> frozenset[str]:
    """Whose speed is to be explored: those of `members` that weren't measured lately, if others were."""
    if weights is None or weights.get("speed", 0) < Fraction(1, 2):
        return frozenset()
    old = frozenset(name for name, each in members.items() if not _measured(each, snapshot, EXPLORED_AFTER_S))
    return old if len(old) < len(members) else frozenset()


def ahead(score: Score | None, balance: Balance) -> tuple[bool, float]:
    """The part of the sorting key that comes before balance: the known before the unknown, the lower before the higher.

    Where load is balanced, scores that round to the same tenth are equal.
    """
    if score is None:
        return False, 0.0
    if score.total is None:
        return True, 0.0
    return False, score.total if balance == "order" else round(score.total, 1)


def _most_input(deployment: Deployment, features: Features) -> int:
    """The most input tokens that an attempt there can be billed for: no model reads more than its context.

    A spec's own address may be a proxy that adds to requests, and texts to embed are no messages: there the bound holds
    that holds for everybody.
    """
    card, provider, general = deployment.card, deployment.provider, features.input_tokens.upper
    own = provider.kind == "azure" or provider.base_url is None
    vectors = card is not None and card.vectors is not None
    model = deployment.model if card is None else card.name
    known = features.bounds.most(provider.kind, model) if own and not vectors else None
    context = max(card.context, deployment.context or 0) if card is not None and card.context else None
    return min(each for each in (general, known, context) if each is not None)


def _costs(
    deployment: Deployment, features: Features, tokens: tuple[int, int, int | None], *, now: float
) -> tuple[int | None, int | None]:
    """Expected and most; `tokens` are the expected output, the most input, and the most output."""
    expected, most, cap = tokens
    price = deployment.price
    if price is None:
        return None, None
    at = datetime.datetime.fromtimestamp(now, datetime.UTC) if price.revisions else None
    cost = price.cost(Usage(input=features.input_tokens.value, output=expected), at)
    bound = None if cap is None else price.upper_bound(most, cap, at, hour=features.needs.hour)
    return None if cost is None else cost.total, bound


def _believed(deployment: Deployment, snapshot: Snapshot) -> Latency | None:
    return _measured(deployment, snapshot, BELIEVED_S)


def _measured(deployment: Deployment, snapshot: Snapshot, within_s: float) -> Latency | None:
    """What was measured of the deployment, if that isn't longer ago."""
    latency = snapshot.latencies.get(deployment.identity)
    if latency is None or latency == Latency(at=latency.at):
        return None
    return latency if latency.at is None or snapshot.now - latency.at <= within_s else None


def _seconds(deployment: Deployment, measured: Latency | None, expected: int) -> float | None:
    """The time of the whole answer: as streams showed it, else answers that weren't streamed, else as the spec says."""
    said = deployment.speed
    if measured and measured.whole_tokens_per_second and not (measured.first_token_s and measured.tokens_per_second):
        return expected / measured.whole_tokens_per_second
    first = measured.first_token_s if measured and measured.first_token_s is not None else said.first_token_s
    rate = measured.tokens_per_second if measured and measured.tokens_per_second else said.tokens_per_second
    return None if first is None or not rate else first + expected / rate


def _quality(deployment: Deployment, task: str | None) -> float | None:
    quality = deployment.quality
    return quality.get(task, quality.get("any")) if task else quality.get("any")


def _points(known: Estimate, *, lenient: bool) -> Mapping[Part, float | None]:
    seconds = MIDDLING_SECONDS if lenient and known.seconds is None else known.seconds
    quality = MIDDLING_QUALITY if lenient and known.quality is None else known.quality
    cost = None if known.cost is None else math.log2(max(known.cost, LEAST_COST) / PICODOLLARS_PER_POINT)
    return {
        "cost": cost,
        "speed": None if seconds is None else math.log2(max(seconds, LEAST_SECONDS)),
        "quality": None if quality is None else -quality / 10,
    }


def _chance(request_id: str, member: str) -> float:
    """A number between 0 and 1, both excluded, that the request id draws for this member alone."""
    digest = blake2b(f"{request_id}\0{member}".encode("utf-8", "surrogatepass"), digest_size=6).digest()
    return (int.from_bytes(digest, "big") + 0.5) / 2**48


def _in_turns(draw: Draw, member: str) -> float:
    members = draw.tier.members
    return (members.index(member) - draw.turn) % len(members)


def _at_random(draw: Draw, member: str) -> float:
    return _chance(draw.request_id, member)


def _least_busy(draw: Draw, member: str) -> float:
    return draw.busy.get(member, 0) + _chance(draw.request_id, member)


def _by_weight(draw: Draw, member: str) -> float:
    """An exponential draw of the weight's rate: the least of several falls on each in proportion to its weight."""
    weight = draw.tier.weights.get(member, Fraction(1)) if draw.tier.weights else Fraction(1)
    return -math.log(_chance(draw.request_id, member)) / float(weight) if weight else math.inf


_KEYS: Mapping[Balance, Callable[[Draw, str], float]] = MappingProxyType(
    {"round-robin": _in_turns, "random": _at_random, "weighted": _by_weight, "least-busy": _least_busy}
)
