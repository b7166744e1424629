"""The compiled spec: immutable values that deciding, the engine and `plan` read. Nothing here computes.

A program never holds a key: `api_keys` are references (`${env:…}` as written) or the mark that the catalogue's
variables are to be read. Binding resolves them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from llm_router.catalog.cards import ModelCard, VectorFacts
from llm_router.catalog.price import Price
from llm_router.catalog.providers import Api, Auth
from llm_router.errors import FailureClass
from llm_router.messages import Settings
from llm_router.spec.conditions.condition import ALWAYS, Condition
from llm_router.spec.conditions.feature_types import Declarations
from llm_router.spec.refs import Reference

Balance = Literal["order", "round-robin", "random", "weighted", "least-busy"]
By = Literal["order", "cost", "speed", "quality", "auto", "weights"]
Part = Literal["cost", "speed", "quality"]
Next = Literal["any", "larger-context", "stop"]
OnBreak = Literal["continue", "hold", "error"]
Unit = Literal["requests", "tokens", "concurrent"]
AlertEvent = Literal["budget_warning", "budget_spent", "deployment_down", "deployment_up", "authentication_failed"]

UNSET = Settings()
"""The settings of a place that sets nothing."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Durations in seconds; `None` leaves a matter to the layer below."""

    connect_s: float | None = None
    first_token_s: float | None = None
    stall_s: float | None = None
    total_s: float | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """Pauses between retries of one deployment: `first_s`, times `factor` each time, at most `longest_s`."""

    first_s: float = 0.5
    factor: float = 2.0
    longest_s: float = 8.0


@dataclass(frozen=True, slots=True)
class After:
    """What follows one failure class; `None` leaves a matter to the layer below.

    `next` is a word, or the tiers that replace the remaining ones.
    """

    retry: int | None = None
    wait: Wait | None = None
    next: Next | tuple[Tier, ...] | None = None
    cooldown_s: float | None = None
    longest_wait_s: float | None = None


@dataclass(frozen=True, slots=True)
class Hedge:
    """A second attempt, started when the first has shown no content after a while.

    The while is `after_s`, or a percentile (1 to 99) of the times to the first token measured for that deployment;
    one of them is `None`. All hedges together cost at most `extra_cost` of what the answers cost.
    """

    after_s: float | None
    percentile: int | None
    extra_cost: Fraction


@dataclass(frozen=True, slots=True)
class Fallback:
    """What follows failures, as the spec says at this place: `follow` merges the layers key by key, when asked.

    `enabled` is False for `fallback: none`; `None` leaves a matter to the layer below.
    """

    enabled: bool | None = None
    max_attempts: int | None = None
    deadline_s: float | None = None
    on_break: OnBreak | None = None
    after: Mapping[FailureClass, After] = field(default_factory=dict)
    hedge: Hedge | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """A deployment with `failures` within `within_s` cools for `cooldown_s`, then `probes` requests may try it.

    The failures must be what it mostly does: see `llm_router.state.breaker`. With `check_every_s` one that cools is
    asked itself at that interval, whether or not requests come.
    """

    failures: int = 5
    within_s: float = 30.0
    cooldown_s: float = 15.0
    probes: int = 1
    check_every_s: float | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """The time that a budget or limit looks back on.

    Days, weeks (from Monday) and months are those of the program's timezone, durations are counted from the epoch;
    a rolling one ends now. `length_s` belongs to `duration` and `rolling`.
    """

    kind: Literal["day", "week", "month", "duration", "rolling"]
    length_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Limit:
    """A cap on requests or tokens in a window, or on requests under way, which have no window.

    `name` is the spec's at the top, else `<provider or deployment>/<n>`, from 1. `wait_s` is how long a request waits
    for it before the next candidate is asked. `covers` reads the request's features and `provider`, `deployment`,
    `model`, `rule`; `per` is a feature, each of whose values is counted apart.
    """

    name: str
    unit: Unit
    amount: int
    window: Window | None
    wait_s: float = 0.0
    covers: Condition = ALWAYS
    per: str | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """A cap on cost over a window, in picodollars; `covers` and `per` as a limit's.

    `warn_at` is the share at which an alert goes out. `when_spent`: covered candidates are out until the window ends,
    or go on (`warn`), or these tiers are asked, up to the amount `hard` where there is one.
    """

    name: str
    amount: int
    window: Window
    covers: Condition = ALWAYS
    per: str | None = None
    warn_at: Fraction | None = None
    when_spent: Literal["out", "warn"] | tuple[Tier, ...] = "out"
    hard: int | None = None


@dataclass(frozen=True, slots=True)
class Cache:
    """Whole answers are kept for `keep_s`, in memory at most `entries` of them and `bytes` in all.

    They are the user's own unless `share`; `vary` are features whose values tell requests apart.
    """

    keep_s: float
    entries: int
    share: bool = False
    vary: tuple[str, ...] = ()
    bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Ledger:
    """Entries are kept for `keep_s` (`None`: for ever), their totals always; prompts only with `keep_prompts`."""

    keep_s: float | None = None
    keep_prompts: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """Where counters, ledger and cache live, and what holds without it; no `fail`: budgets closed, the rest open."""

    url: str | Reference = "memory"
    fail: Literal["open", "closed"] | None = None


@dataclass(frozen=True, slots=True)
class Email:
    """Whom to write to, through which server (`smtp://` or `smtps://`)."""

    to: tuple[str, ...]
    smtp: str | Reference


@dataclass(frozen=True, slots=True)
class Alert:
    """Where `events` are told: a webhook, signed where there is a `secret`, or email, or the log."""

    events: tuple[AlertEvent, ...]
    webhook: str | Reference | None = None
    secret: Reference | None = None
    email: Email | None = None
    log: bool = False


@dataclass(frozen=True, slots=True)
class Provider:
    """Who answers HTTP and bills.

    `api_keys` are the spec's; where it names none, the first of `key_variables` that is set is read. A `base_url` that
    is `None` is the catalogue's, and so is an `auth`. `path` is where the spec speaks of it.
    """

    name: str
    kind: str
    base_url: str | Reference | None
    api_keys: tuple[Reference, ...]
    key_variables: tuple[str, ...]
    organization: str | Reference | None = None
    query: Mapping[str, str | Reference] = field(default_factory=dict)
    default_model: str | None = None
    enabled: bool = True
    local: bool = False
    auth: Auth | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    limits: tuple[Limit, ...] = ()
    path: tuple[str | int, ...] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Speed:
    """Expected speed: time to the first token in seconds, and tokens per second."""

    first_token_s: float | None = None
    tokens_per_second: float | None = None


@dataclass(frozen=True, slots=True)
class Deployment:
    """One place that serves one model: the unit that is chosen, limited, priced, cooled down.

    `member` is its name in the spec; where the provider has several keys there is one of these for each, `name` is
    `gpt#2`, and `key` is the place in the provider's keys, from 0. `context` and `max_output` are in tokens, `quality`
    is 0 to 100 by task, with `any`; `supports` is `None` where neither spec nor card speaks. `api` is the one it is
    asked through, where its provider has several, and `usual_name` what the model is called elsewhere, where its wire
    name isn't that. `settings` and `timeouts` are this deployment's over its provider's; `after` are these two layers,
    the deployment's first.
    """

    name: str
    member: str
    provider: Provider
    model: str
    identity: str
    card: ModelCard | None
    price: Price | None
    context: int | None
    max_output: int | None
    supports: frozenset[str] | None
    labels: Mapping[str, str]
    quality: Mapping[str, float] = field(default_factory=dict)
    speed: Speed = Speed()
    expected_output: int | None = None
    enabled: bool = True
    key: int = 0
    api: Api | None = None
    usual_name: str = ""
    settings: Settings = UNSET
    timeouts: Timeouts = Timeouts()
    after: tuple[Mapping[FailureClass, After], ...] = ()
    limits: tuple[Limit, ...] = ()

    @property
    def local(self) -> bool:
        """Whether the provider runs on this machine."""
        return self.provider.local


@dataclass(frozen=True, slots=True)
class Tier:
    """Candidates that are tried before the next tier's.

    `members` are names of the spec (`Deployment.member`), none of which an earlier tier of the same rule has. `by`
    orders first, `balance` spreads over equals; `weights` by member name belong to `weighted`. `score` holds the parts
    of `by: weights` (summing to 1). `name` is the pool's, or the place in the file; turns are counted under it.
    """

    members: tuple[str, ...]
    by: By = "order"
    balance: Balance = "order"
    weights: Mapping[str, Fraction] = field(default_factory=dict)
    score: Mapping[Part, Fraction] = field(default_factory=dict)
    max_cost: int | None = None
    max_latency_s: float | None = None
    name: str = ""
    sticky: bool = True


@dataclass(frozen=True, slots=True)
class Rule:
    """Condition and `use`, or condition and `refuse`. `place` counts from 0 in the file's order.

    `sticky` is False for `sticky: none`, `cache` for `cache: none`.
    """

    place: int
    name: str
    condition: Condition
    tiers: tuple[Tier, ...] = ()
    refuse: str | None = None
    settings: Settings = UNSET
    timeouts: Timeouts = Timeouts()
    fallback: Fallback = Fallback()
    sticky: bool = True
    cache: bool = True


@dataclass(frozen=True, slots=True)
class Guard:
    """Who may receive text of a request for which `condition` holds.

    `allowed` are the names of the deployments that pass `only` and `never`. `instead` are tiers, `refuse`, or nothing.
    """

    name: str
    condition: Condition
    allowed: frozenset[str]
    instead: tuple[Tier, ...] | Literal["refuse"] | None = None


@dataclass(frozen=True, slots=True)
class Embedding:
    """Deployments of one embedding model, of whose vectors an index may be made.

    `model` is what they all serve. `dimensions` is how many numbers each vector has, `None` where nobody says; `usual`
    is what the model gives unasked, as far as its card tells. `batch` and `batch_tokens` are the most texts and tokens
    of one request. `place` counts from 0 in the file's order.
    """

    name: str
    place: int
    tiers: tuple[Tier, ...]
    model: str
    dimensions: int | None
    usual: VectorFacts | None
    batch: int
    batch_tokens: int | None = None
    timeouts: Timeouts = Timeouts()


@dataclass(frozen=True, slots=True)
class RuleIndex:
    """Where rules are found: by the value of a hint, or in the residual list that every request walks."""

    by_value: Mapping[str, Mapping[object, tuple[int, ...]]]
    residual: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Program:
    """The whole compiled spec. Amounts are picodollars, durations seconds, counts tokens.

    `reads` are the features that any condition reads; only those are computed. `tasks` and `capabilities` are the
    words that these hints may take; no tasks at all means any. `deployments` are by their own name,
    in the file's order; `members` maps the names that the spec uses to them (one name for several keys). `pools` are
    there for pins. `fallback`, `timeouts` and `settings` are the top's, merged over the defaults, but for
    `fallback.after`, which holds only what the spec says. `limits` are the top's alone. No `cache` means that it is
    off.
    """

    name: str | None
    timezone: str
    declarations: Declarations
    tasks: tuple[str, ...]
    capabilities: tuple[str, ...]
    providers: Mapping[str, Provider]
    deployments: Mapping[str, Deployment]
    members: Mapping[str, tuple[str, ...]]
    pools: Mapping[str, Tier]
    rules: tuple[Rule, ...]
    guards: tuple[Guard, ...]
    fallback: Fallback
    timeouts: Timeouts
    settings: Settings
    health: Health
    index: RuleIndex
    reads: frozenset[str]
    spec_hash: str
    program_hash: str
    limits: tuple[Limit, ...] = ()
    budgets: tuple[Budget, ...] = ()
    cache: Cache | None = None
    ledger: Ledger = Ledger()
    state: State = State()
    alerts: tuple[Alert, ...] = ()
    embeddings: Mapping[str, Embedding] = field(default_factory=dict)
