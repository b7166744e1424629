"""The sections that say what follows a failure, and whom a `use` asks: they name each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Annotated, ClassVar, Literal, TypeAlias, TypeVar

from pydantic import Field

from llm_router.errors import FAILURE_CLASSES, FailureClass
from llm_router.spec.constraints import AtLeastOne
from llm_router.spec.periods import HedgeAfter
from llm_router.spec.refs import Reference
from llm_router.spec.section import Constraint, Section, key
from llm_router.spec.shapes import AS_LIST, AS_MAPPING, AS_ONE, BY_SHAPE
from llm_router.spec.source import Path
from llm_router.spec.types import (
    Duration,
    Factor,
    Money,
    Place,
    Positive,
    PositiveDuration,
    Share,
    Whole,
    words,
)

T = TypeVar("T")

BALANCE_HABITS: Mapping[str, str] = {
    **dict.fromkeys(("least_busy", "least-connections", "least_conn", "least-conn"), "least-busy"),
    **dict.fromkeys(("roundrobin", "round_robin", "rr"), "round-robin"),
    **dict.fromkeys(("shuffle", "simple-shuffle"), "random"),
}
"""What other systems call our balances."""

ByWord: TypeAlias = Annotated[
    Literal["order", "cost", "speed", "quality", "auto"],
    words("a ranking", ("order", "cost", "speed", "quality", "auto"), later=("latency",)),
]
GroupBalance: TypeAlias = Annotated[
    Literal["round-robin", "random", "least-busy"],
    words("a balance", ("round-robin", "random", "least-busy"), habits=BALANCE_HABITS),
]
StickyNone: TypeAlias = Annotated[
    Literal["none"], words("what `sticky` takes", ("none",), help="write `none`, or leave it out: it is on")
]
Places: TypeAlias = Annotated[
    Annotated[Place, AS_ONE] | Annotated[tuple[Place, ...], Field(min_length=1), AS_LIST], BY_SHAPE
]


class PartsSpec(Section):
    """A ranking by several things: shares that sum to 100%."""

    constraints: ClassVar[tuple[Constraint, ...]] = (
        AtLeastOne(("cost", "speed", "quality"), "a ranking by parts", "write `by: {cost: 30%, quality: 70%}`"),
    )

    cost: Share | None = key("How much the expected cost counts.", "30%")
    speed: Share | None = key("How much the expected time counts.", "20%")
    quality: Share | None = key("How much the quality counts.", "50%")

    @property
    def parts(self) -> Mapping[Literal["cost", "speed", "quality"], Fraction]:
        """The parts that are named."""
        named: Mapping[Literal["cost", "speed", "quality"], Fraction | None] = {
            "cost": self.cost,
            "speed": self.speed,
            "quality": self.quality,
        }
        return {name: share for name, share in named.items() if share is not None}


By: TypeAlias = Annotated[Annotated[ByWord, AS_ONE] | Annotated[PartsSpec, AS_MAPPING], BY_SHAPE]


class GroupSpec(Section):
    """Several deployments and pools as one tier, ranked."""

    from_: Places = key(
        "Whom to rank: names of deployments and pools, or `provider:model`.", ["a", "b"], required=True, alias="from"
    )
    by: By | None = key(
        "What ranks them: order, cost, speed, quality, auto (the default: by the hints), or parts in percent.",
        "cost",
        {"cost": "30%", "quality": "70%"},
    )
    balance: GroupBalance | None = key("How load is spread over those that rank equal.", "round-robin")
    max_cost: Money | None = key("Who could cost more for this request isn't asked.", "0.50 USD")
    max_latency: PositiveDuration | None = key("Who is expected to take longer isn't asked.", "5s")

    @property
    def names(self) -> tuple[str, ...]:
        """The names in `from`, in order."""
        return (self.from_,) if isinstance(self.from_, str) else tuple(self.from_)


Tiers: TypeAlias = Annotated[
    tuple[Annotated[Annotated[Place, AS_ONE] | Annotated[GroupSpec, AS_MAPPING], BY_SHAPE], ...], Field(min_length=1)
]
Use: TypeAlias = Annotated[
    Annotated[Place, AS_ONE] | Annotated[Tiers, AS_LIST] | Annotated[GroupSpec, AS_MAPPING], BY_SHAPE
]
"""Whom to ask: a name, names and groups in order, or one group. Words such as `refuse` and `any` read as names."""


def listed(value: str | Mapping[str, Fraction] | tuple[T, ...], path: Path) -> Iterator[tuple[str | T, Path]]:
    """Yields the entries of what may be one name, a list or a mapping by name, each with its place in the file."""
    if isinstance(value, str):
        yield value, path
    elif isinstance(value, tuple):
        yield from ((item, (*path, place)) for place, item in enumerate(value))
    else:
        yield from ((name, (*path, name)) for name in value)


class WaitSpec(Section):
    """Pauses between retries of one deployment."""

    first: PositiveDuration | None = key("The first pause.", "500ms", default="500ms")
    factor: Factor | None = key("How much longer each next pause is.", 2, default=2)
    longest: PositiveDuration | None = key("The longest pause.", "8s", default="8s")


class AfterSpec(Section):
    """What follows one class of failures."""

    retry: Whole | None = key("How often the same deployment is asked again, unless it begins to cool.", 1)
    wait: WaitSpec | None = key("How long to wait before that.", {"first": "500ms", "factor": 2, "longest": "8s"})
    next: Use | None = key(
        "Who is asked then: `any` (the next candidate), `larger-context`, `stop`, or a `use` of its own.",
        "any",
        "larger-context",
        ["a", "b"],
    )
    cooldown: Duration | None = key(
        "How long this deployment isn't asked by any request, once its retries have failed.", "1m"
    )
    longest_wait: Duration | None = key("How long to wait for a limited deployment when nobody else is left.", "20s")


StopWord: TypeAlias = Annotated[
    Literal["stop"], words("what follows a failure", ("stop",), help="write `stop`, or `{retry: 1, next: any}`")
]
StopOrAfter: TypeAlias = Annotated[
    Annotated[StopWord, AS_ONE] | Annotated[AfterSpec, AS_MAPPING],
    BY_SHAPE,
]


class FailuresSpec(Section):
    """What follows each class of failures: `stop`, or a mapping."""

    rate_limit: StopOrAfter | None = key("The provider asks to wait.", {"next": "any", "longest_wait": "20s"})
    quota_exhausted: StopOrAfter | None = key("The account is empty.", {"next": "any", "cooldown": "5m"})
    unavailable: StopOrAfter | None = key(
        "The provider fails: also holds for overloaded, connection_lost, truncated and malformed.", {"retry": 1}
    )
    overloaded: StopOrAfter | None = key("The provider says that it has too much to do.", {"next": "any"})
    connection_lost: StopOrAfter | None = key("No connection, or one that broke.", {"retry": 1})
    truncated: StopOrAfter | None = key("The answer stopped before its end.", {"retry": 1})
    malformed: StopOrAfter | None = key("The answer can't be read.", {"retry": 1})
    timeout: StopOrAfter | None = key("No first token, a stall, or too long in all.", {"next": "any"})
    authentication: StopOrAfter | None = key("The key isn't accepted.", {"next": "any", "cooldown": "5m"})
    permission: StopOrAfter | None = key("The key may not do this.", {"next": "any", "cooldown": "5m"})
    not_found: StopOrAfter | None = key("Model or address isn't known.", {"next": "any", "cooldown": "5m"})
    context_length: StopOrAfter | None = key("The request is too long.", {"next": "larger-context"})
    content_filter: StopOrAfter | None = key("The provider's safety filter stopped it.", "stop")
    bad_request: StopOrAfter | None = key("The provider rejects the request.", "stop")
    invalid_output: StopOrAfter | None = key("The answer doesn't fit the schema.", {"retry": 1})

    @property
    def by_class(self) -> Mapping[FailureClass, Literal["stop"] | AfterSpec]:
        """What the spec says, by failure class."""
        said = {failure: getattr(self, failure) for failure in FAILURE_CLASSES}
        return {failure: after for failure, after in said.items() if after is not None}


class FollowSpec(Section):
    """What follows the failures of one provider or deployment."""

    after: FailuresSpec = key("What follows each class of failures.", {"timeout": {"next": "any"}}, required=True)


class HedgeSpec(Section):
    """A second attempt, started before the first has failed; the first content wins."""

    after: HedgeAfter = key(
        "How long the first may show no content: a duration, or a percentile of what was measured.",
        "2s",
        "p95",
        required=True,
    )
    extra_cost: Share | None = key("The most that all hedges may add to what is spent.", "5%", default="5%")


class FallbackSpec(Section):
    """What follows failures; merged key by key over the defaults, a rule's over the top's."""

    max_attempts: Positive | None = key("The most attempts, retries included. Default: the candidates + 2.", 6)
    deadline: PositiveDuration | None = key("By when the answer must have begun.", "5m", default="5m")
    after: FailuresSpec | None = key("What follows each class of failures.", {"rate_limit": {"next": "any"}})
    on_break: (
        Annotated[
            Literal["continue", "hold", "error"] | Reference,
            words("what follows a break", ("continue", "hold", "error"), late=True),
        ]
        | None
    ) = key(
        "When a stream breaks after its first content: the next candidate goes on (`continue`, the default), nothing "
        "is passed on until it is whole (`hold`), or `error`.",
        "hold",
    )
    hedge: HedgeSpec | None = key("Ask the next candidate too when the first is slow.", {"after": "2s"})


NoneWord: TypeAlias = Annotated[
    Literal["none"], words("a fallback", ("none",), help="write `none`, or `{max_attempts: 3}`")
]
FallbackOrNone: TypeAlias = Annotated[
    Annotated[NoneWord, AS_ONE] | Annotated[FallbackSpec, AS_MAPPING],
    BY_SHAPE,
]


class HealthSpec(Section):
    """When a deployment that fails isn't asked for a while."""

    failures: Positive | None = key("So many failures …", 5, default=5)
    within: PositiveDuration | None = key(
        "… in such a time begin a cooldown, if failing is what it mostly does.", "30s", default="30s"
    )
    cooldown: PositiveDuration | None = key(
        "How long it isn't asked; where nobody else is left, once in a tenth of it all the same.", "15s", default="15s"
    )
    probes: Positive | None = key("How many requests may try it after that.", 1, default=1)
    check_every: PositiveDuration | None = key(
        "Ask who cools for its list of models, which is free, at this interval. Default: never.", "1m"
    )
