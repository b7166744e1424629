"""The spec file as pydantic models: the single source of truth for the loader and the JSON Schema.

Sections stand in the order of the file. `when`, `if`, `only` and `never` stay as written: conditions are read by
`llm_router.spec.conditions.when` and `llm_router.spec.conditions.expression`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import Field

from llm_router.spec.constraints import AbsentFitsType, AtLeastOne, ExactlyOne, NotBoth
from llm_router.spec.kinds import ProvidersHaveKinds
from llm_router.spec.model_cases import CaseSpec, ExpectSpec, RequestSpec, TurnSpec
from llm_router.spec.model_embeddings import EmbeddingSpec
from llm_router.spec.model_failures import (
    AfterSpec,
    FailuresSpec,
    FallbackOrNone,
    FallbackSpec,
    FollowSpec,
    GroupSpec,
    HealthSpec,
    HedgeSpec,
    PartsSpec,
    StickyNone,
    Use,
    WaitSpec,
    listed,
)
from llm_router.spec.model_limits import LimitSpec, NamedLimitSpec
from llm_router.spec.model_money import (
    AlertSpec,
    BudgetSpec,
    CacheSpec,
    EmailSpec,
    ExactCacheSpec,
    LedgerSpec,
    State,
    StateSpec,
    WhenSpentSpec,
)
from llm_router.spec.model_providers import (
    DeploymentSpec,
    Pool,
    PoolSpec,
    PriceSpec,
    ProviderSpec,
    SettingsSpec,
    SpeedSpec,
    TimeoutsSpec,
)
from llm_router.spec.section import Constraint, Section, entries, items, key
from llm_router.spec.shapes import AS_LIST, AS_MAPPING, AS_ONE, BY_SHAPE
from llm_router.spec.types import (
    FixedText,
    MetadataName,
    NameKey,
    Placement,
    Prose,
    Value,
    Version,
    When,
    Word,
    words,
)

__all__ = [
    "AfterSpec",
    "AlertSpec",
    "BudgetSpec",
    "CacheSpec",
    "CaseSpec",
    "DeploymentSpec",
    "EmailSpec",
    "EmbeddingSpec",
    "ExactCacheSpec",
    "ExpectSpec",
    "FailuresSpec",
    "FallbackSpec",
    "FollowSpec",
    "GroupSpec",
    "GuardSpec",
    "HealthSpec",
    "HedgeSpec",
    "LedgerSpec",
    "LimitSpec",
    "MetadataSpec",
    "NamedLimitSpec",
    "PartsSpec",
    "Pool",
    "PoolSpec",
    "PriceSpec",
    "ProviderSpec",
    "RequestSpec",
    "RuleSpec",
    "SettingsSpec",
    "Spec",
    "SpeedSpec",
    "StateSpec",
    "TimeoutsSpec",
    "TurnSpec",
    "Use",
    "WaitSpec",
    "WhenSpentSpec",
    "listed",
]

TYPE_HABITS: Mapping[str, str] = {
    **dict.fromkeys(("string", "str"), "text"),
    **dict.fromkeys(("int", "integer", "float"), "number"),
}
"""What other systems call our types of metadata."""

TypeWord: TypeAlias = Annotated[
    Literal["boolean", "number", "text"], words("a type of metadata", ("boolean", "number", "text"), habits=TYPE_HABITS)
]
Words: TypeAlias = Annotated[tuple[Word, ...], Field(min_length=1)]
TypeOrWords: TypeAlias = Annotated[Annotated[TypeWord, AS_ONE] | Annotated[Words, AS_LIST], BY_SHAPE]


class MetadataSpec(Section):
    """A key of metadata that callers may say and conditions may read."""

    constraints: ClassVar[tuple[Constraint, ...]] = (AbsentFitsType(),)

    type: TypeOrWords = key(
        "`boolean`, `number`, `text`, or the list of its words.", "boolean", ["search", "support"], required=True
    )
    absent: Value | None = key("The value that counts where the caller says none.", True)


MetadataDeclaration: TypeAlias = Annotated[
    Annotated[TypeWord, AS_ONE] | Annotated[Words, AS_LIST] | Annotated[MetadataSpec, AS_MAPPING], BY_SHAPE
]


CacheNone: TypeAlias = Annotated[
    Literal["none"],
    words("what `cache` takes on a rule", ("none",), help="write `none`; what is kept is said by `cache:` at the top"),
]


class RuleSpec(Section):
    """Condition and whom to ask. The first rule that holds decides."""

    constraints: ClassVar[tuple[Constraint, ...]] = (
        ExactlyOne(
            ("use", "refuse"), "a rule", "`use: [first, second]` says whom to ask, `refuse: text` that nobody is"
        ),
        *(
            NotBoth("refuse", key, "leave it out: nobody is asked")
            for key in ("settings", "timeouts", "fallback", "sticky", "cache")
        ),
    )

    name: FixedText | None = key("What decisions and tests call it.", "code")
    when: When | None = key("The condition, as features and their values; all must hold.", {"task": "code"})
    if_: Prose | None = key("The condition as one expression.", 'task == "code" and cost == "low"', alias="if")
    use: Use | None = key(
        "Whom to ask: names of deployments and pools or `provider:model`, in order; or a group to rank.",
        ["openai:gpt-4o-mini", "groq:llama-3.3-70b-versatile"],
        {"from": ["a", "b"], "by": "cost"},
    )
    refuse: Prose | None = key("The message with which such requests are refused.", "we give no medical advice")
    settings: SettingsSpec | None = key("Call parameters under this rule.", {"temperature": 0})
    timeouts: TimeoutsSpec | None = key("Timeouts under this rule.", {"first_token": "30s"})
    fallback: FallbackOrNone | None = key(
        "What follows failures under this rule, or `none`.", "none", {"max_attempts": 2}
    )
    sticky: StickyNone | None = key("`none`: a conversation needn't stay with who answered it before.", "none")
    cache: CacheNone | None = key("`none`: answers under this rule are neither kept nor taken from the cache.", "none")


class GuardSpec(Section):
    """Who may receive text of a request for which the condition holds: on every rule, pin and fallback."""

    constraints: ClassVar[tuple[Constraint, ...]] = (
        AtLeastOne(
            ("only", "never"), "a guard", "`only: {labels.region: eu}` says who may serve, `never:` who may not"
        ),
    )

    name: FixedText | None = key("What decisions call it.", "personal data stays in the EU")
    when: When | None = key("The condition, as features and their values; all must hold.", {"metadata.pii": True})
    if_: Prose | None = key("The condition as one expression.", "metadata.pii", alias="if")
    only: Placement | None = key(
        "Who may serve: provider, deployment, model, local, labels.*.", {"labels.region": "eu"}
    )
    never: Placement | None = key(
        "Who may not serve: provider, deployment, model, local, labels.*.", {"provider": "openai"}
    )
    instead: Use | None = key("Who serves when this guard leaves nobody; or `refuse`.", "house", "refuse")


class Spec(Section):
    """A whole routing policy."""

    constraints: ClassVar[tuple[Constraint, ...]] = (ProvidersHaveKinds(),)

    version: Version = key("The version of the language.", 1, required=True)
    name: FixedText | None = key("What this policy is called.", "support-desk")
    timezone: FixedText | None = key(
        "For `hour`, `weekday` and the windows of budgets.", "Europe/Berlin", default="UTC"
    )
    metadata: dict[MetadataName, MetadataDeclaration] = entries(
        "What callers may say beyond the built-in hints; conditions may read only these.",
        {"pii": {"type": "boolean", "absent": True}, "team": ["search", "support"], "tenant": "text"},
    )
    tasks: tuple[Word, ...] = items(
        "The closed set that `task` ranges over. Default: what the rules name.", ["code", "chat"]
    )
    settings: SettingsSpec | None = key("Call parameters for all requests.", {"max_output_tokens": "4k"})
    timeouts: TimeoutsSpec | None = key("Timeouts of attempts.", {"first_token": "10s"})
    providers: dict[NameKey, ProviderSpec] = entries(
        "Who answers HTTP and bills. Providers of the catalogue need no entry.",
        {"openai": {"labels": {"region": "us"}}},
    )
    deployments: dict[NameKey, DeploymentSpec] = entries(
        "What can be chosen: provider, model and facts.", {"mini": {"provider": "openai", "model": "gpt-4o-mini"}}
    )
    pools: dict[NameKey, Pool] = entries("Deployments that are interchangeable.", {"cheap": {"of": ["mini", "llama"]}})
    rules: tuple[RuleSpec, ...] = items(
        "The first that holds decides; the last has no condition.", [{"use": "openai:gpt-4o-mini"}], required=True
    )
    guards: tuple[GuardSpec, ...] = items(
        "Who may receive what, whatever the rules say.",
        [{"when": {"metadata.pii": True}, "only": {"labels.region": "eu"}}],
    )
    fallback: FallbackOrNone | None = key("What follows failures, or `none`.", {"max_attempts": 6, "deadline": "5m"})
    health: HealthSpec | None = key(
        "When a failing deployment isn't asked for a while.", {"failures": 5, "within": "30s"}
    )
    budgets: tuple[BudgetSpec, ...] = items(
        "The most that is spent, by what and over which time.",
        [{"name": "monthly", "amount": "50 USD", "every": "month"}],
    )
    limits: tuple[NamedLimitSpec, ...] = items(
        "The most requests and tokens, by whom and over which time.",
        [{"name": "each-user", "requests": 100, "every": "1m", "per": "user"}],
    )
    cache: CacheSpec | None = key("Answers that aren't paid for twice.", {"exact": {"keep": "1h"}})
    ledger: LedgerSpec | None = key("What is kept of every attempt.", {"keep": "400d"})
    state: State | None = key(
        "Where counters, ledger and cache live: `memory`, `sqlite:…`, `redis://…`, `postgresql://…`.",
        "sqlite:router.db",
        {"url": "redis://${env:REDIS_HOST}:6379", "fail": "closed"},
        default="memory",
    )
    alerts: tuple[AlertSpec, ...] = items(
        "Who is told of which events.", [{"events": ["budget_spent"], "webhook": "${env:SLACK_WEBHOOK}"}]
    )
    embeddings: dict[NameKey, EmbeddingSpec] = entries(
        "Who turns texts into vectors: by name, deployments of one embedding model.",
        {"docs": {"use": ["local:nomic-embed-text"], "dimensions": 768}},
    )
    tests: tuple[CaseSpec, ...] = items(
        "Cases that `llm-router test` runs without network.",
        [{"request": {"task": "code"}, "expect": {"deployment": "mini"}}],
    )
