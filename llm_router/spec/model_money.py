"""The sections about money and memory: budgets, cache, ledger, state, alerts."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import Field

from llm_router.spec.addresses import Hook, MailAddress, SmtpUrl, StoreUrl
from llm_router.spec.constraints import ExactlyOne, HardBesideUse, OnlyBeside
from llm_router.spec.model_failures import Use
from llm_router.spec.periods import Every, FixedCount, FixedDuration, FixedMoney, Per, Size
from llm_router.spec.refs import Reference
from llm_router.spec.scalars import Scalar, Unreadable, shown
from llm_router.spec.section import Constraint, Section, items, key
from llm_router.spec.shapes import AS_LIST, AS_MAPPING, AS_ONE, BY_SHAPE
from llm_router.spec.types import Coverage, Credential, Flag, Name, Share, Word, words

EVENTS = ("budget_warning", "budget_spent", "deployment_down", "deployment_up", "authentication_failed")

EventWord: TypeAlias = Annotated[
    Literal["budget_warning", "budget_spent", "deployment_down", "deployment_up", "authentication_failed"],
    words(
        "an event",
        EVENTS,
        habits={
            **dict.fromkeys(
                ("budget_alerts", "threshold_crossed", "budget_threshold", "soft_budget"), "budget_warning"
            ),
            **dict.fromkeys(("budget_exceeded", "budget_crossed", "over_budget"), "budget_spent"),
            **dict.fromkeys(("outage", "outage_alerts", "cooldown_deployment", "down"), "deployment_down"),
            **dict.fromkeys(("recovered", "up"), "deployment_up"),
            **dict.fromkeys(("auth_failed", "unauthorized", "invalid_key"), "authentication_failed"),
        },
    ),
]
SpentWord: TypeAlias = Annotated[
    Literal["out", "warn"],
    words(
        "what follows when a budget is spent",
        ("out", "warn"),
        help="write `out`, `warn`, or `{use: name}`",
        habits={
            **dict.fromkeys(("block", "stop", "reject", "deny", "refuse", "error", "hard"), "out"),
            **dict.fromkeys(("allow", "log", "soft", "alert", "continue"), "warn"),
        },
    ),
]
ShareAll: TypeAlias = Annotated[
    Literal["all"], words("whom answers are shared with", ("all",), help="write `all`, or leave it out")
]
FailWord: TypeAlias = Annotated[Literal["open", "closed"], words("what holds without the store", ("open", "closed"))]


def _yes(value: object) -> bool:
    if value is True:
        return True
    raise Unreadable("LR203", f"expected `true`, found {shown(value)}", "write `true`, or leave the alert out")


Yes: TypeAlias = Annotated[Literal[True], Scalar("`true`", _yes, {"const": True}, late=False, typed=True)]


class WhenSpentSpec(Section):
    """Who is asked when the budget is spent."""

    use: Use = key("Whom to ask instead: free, unless the budget has a `hard` amount too.", "house", required=True)


WhenSpent: TypeAlias = Annotated[Annotated[SpentWord, AS_ONE] | Annotated[WhenSpentSpec, AS_MAPPING], BY_SHAPE]


class BudgetSpec(Section):
    """A cap on cost over a window."""

    constraints: ClassVar[tuple[Constraint, ...]] = (
        ExactlyOne(
            ("every", "within"), "a budget", "write `every: month` (or day, week, a duration), or `within: 24h`"
        ),
        HardBesideUse(),
    )

    name: Name = key("What `spent.<name>` and alerts call it; limits share the names.", "monthly", required=True)
    amount: FixedMoney = key("The most that is spent in the window.", "50 USD", required=True)
    every: Every | None = key(
        "Windows that follow each other, in `timezone`: `day`, `week`, `month` or a duration.", "month", "12h"
    )
    within: FixedDuration | None = key("A window that ends now.", "24h")
    for_: Coverage | None = key(
        "What it pays for: features of the request, and `provider`, `deployment`, `model`, `rule`. "
        "Default: everything.",
        {"provider": "openai"},
        alias="for",
    )
    per: Per | None = key("One account for each: `user`, `session` or `metadata.key`.", "user", "metadata.tenant")
    warn_at: Share | None = key("The share at which an alert goes out, once a window.", "80%")
    when_spent: WhenSpent | None = key(
        "`out`: what it covers isn't asked until the window ends (default); `warn`; or whom to ask instead.",
        "warn",
        {"use": "house"},
    )
    hard: FixedMoney | None = key("The most that is spent with what `when_spent: {use: …}` asks.", "2 USD")


class ExactCacheSpec(Section):
    """Whole answers to equal requests."""

    keep: FixedDuration = key("How long an answer is kept.", "1h", required=True)
    entries: FixedCount | None = key(
        "How many are kept in memory; a store that processes share keeps all until they expire.", "10k", default="10k"
    )
    share: ShareAll | None = key("`all`: also between users. Default: to each user the own ones.", "all")
    vary: tuple[Word, ...] = items("Features whose values tell requests apart.", ["metadata.tenant"])
    bytes: Size | None = key("How much those in memory may take in all.", "100M")


class CacheSpec(Section):
    """Answers that aren't paid for twice."""

    exact: ExactCacheSpec = key("Answers to equal requests.", {"keep": "1h", "entries": "10k"}, required=True)


class LedgerSpec(Section):
    """What is kept of every attempt."""

    keep: FixedDuration | None = key("How long entries are kept; totals always are. Default: for ever.", "400d")
    keep_prompts: Flag | None = key("Whether what was asked is kept as well.", True, default=False)


class StateSpec(Section):
    """Where counters, ledger and cache live, and what holds without it."""

    url: StoreUrl = key("`memory`, `sqlite:…`, `redis://…` or `postgresql://…`.", "sqlite:router.db", required=True)
    fail: FailWord | None = key(
        "Without the store: `closed`, nobody is asked; `open`, nothing is counted. Default: budgets are closed, the "
        "rest is open.",
        "closed",
    )


State: TypeAlias = Annotated[Annotated[StoreUrl, AS_ONE] | Annotated[StateSpec, AS_MAPPING], BY_SHAPE]
MailAddresses: TypeAlias = Annotated[
    Annotated[MailAddress, AS_ONE] | Annotated[tuple[MailAddress, ...], Field(min_length=1), AS_LIST], BY_SHAPE
]


class EmailSpec(Section):
    """Whom to write to, through which server."""

    to: MailAddresses = key("Who gets it.", "ops@example.com", ["ops@example.com", "cfo@example.com"], required=True)
    smtp: SmtpUrl = key("The server.", "smtp://router:${env:SMTP_PASSWORD}@mail.example.com:587", required=True)

    @property
    def addresses(self) -> tuple[str | Reference, ...]:
        """Everybody who gets it."""
        return self.to if isinstance(self.to, tuple) else (self.to,)


class AlertSpec(Section):
    """Who is told of which events."""

    constraints: ClassVar[tuple[Constraint, ...]] = (
        ExactlyOne(
            ("webhook", "email", "log"),
            "an alert",
            'write `webhook: "${env:SLACK_WEBHOOK}"`, `email: {to: …, smtp: …}` or `log: true`',
        ),
        OnlyBeside("secret", "webhook", "it signs what a webhook is sent; leave it out"),
    )

    events: tuple[EventWord, ...] = items(
        "What is told: budget_warning, budget_spent, deployment_down, deployment_up, authentication_failed.",
        ["budget_warning", "budget_spent", "deployment_down"],
        required=True,
    )
    webhook: Hook | None = key("The address that gets JSON as Slack takes it.", "${env:SLACK_WEBHOOK}")
    secret: Credential | None = key("What webhooks are signed with.", "${env:WEBHOOK_SECRET}")
    email: EmailSpec | None = key("Mail.", {"to": "ops@example.com", "smtp": "smtp://mail.example.com:587"})
    log: Yes | None = key("`true`: a line in the log.", True)
