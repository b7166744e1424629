"""What is told of an event: the spec's word, a sentence, fields; and of most events nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from llm_router.alerts.notice import Notice, notice_of
from llm_router.engine.events import (
    AttemptFinished,
    BudgetSpent,
    BudgetWarning,
    Event,
    HealthChanged,
    RequestDone,
    StoreFailed,
)
from llm_router.errors import AttemptReport, FailureClass
from llm_router.state.health import StateChange

USD = 10**12
AT = 1_790_000_000.0
ENDS = 1_790_006_400.0


def finished(failure: FailureClass | None, deployment: str = "gpt") -> AttemptFinished:
    report = AttemptReport(1, deployment, "openai", "ok", failure, "sk-secret said the provider")
    return AttemptFinished("d", report if failure is None else replace(report, outcome="failed"))


TOLD: list[tuple[Event, Notice]] = [
    (
        BudgetWarning("monthly", 41 * USD, 50 * USD, ENDS),
        Notice(
            "budget_warning",
            "budget `monthly`: 82% of 50 USD is spent; the window ends at 2026-09-21T16:00:00Z",
            AT,
            {
                "budget": "monthly",
                "share": 0.82,
                "spent_usd": "41",
                "amount_usd": "50",
                "window_ends": "2026-09-21T16:00:00Z",
            },
        ),
    ),
    (
        BudgetSpent("each", USD // 3, USD, None, "00ff"),
        Notice(
            "budget_spent",
            "budget `each`: 33% of 1 USD is spent, too little is left",
            AT,
            {
                "budget": "each",
                "share": 0.3333,
                "spent_usd": "0.333333333333",
                "amount_usd": "1",
                "window_ends": None,
                "account": "00ff",
            },
        ),
    ),
    (
        BudgetSpent("none", 0, 0, None),
        Notice(
            "budget_spent",
            "budget `none`: 100% of 0 USD is spent",
            AT,
            {"budget": "none", "share": 1.0, "spent_usd": "0", "amount_usd": "0", "window_ends": None},
        ),
    ),
    (
        HealthChanged("gpt", StateChange("id", "degraded", "cooling", "timeout", 30.04)),
        Notice(
            "deployment_down",
            "deployment `gpt` isn't asked any more after timeout, for 30 s at least",
            AT,
            {"deployment": "gpt", "failure": "timeout", "cooldown_s": 30.0},
            "id",
        ),
    ),
    (
        HealthChanged("gpt", StateChange("id", "cooling", "ok", None, None)),
        Notice("deployment_up", "deployment `gpt` answers again", AT, {"deployment": "gpt"}, "id"),
    ),
    (
        finished("authentication", "gpt#2"),
        Notice(
            "authentication_failed",
            "provider `openai` refused the key of `gpt#2`",
            AT,
            {"provider": "openai", "deployment": "gpt#2"},
            "openai#2",
        ),
    ),
]


@pytest.mark.parametrize(("event", "notice"), TOLD, ids=lambda each: type(each).__name__)
def test_an_event_that_is_told(event: Event, notice: Notice) -> None:
    assert notice_of(event, AT) == notice


@pytest.mark.parametrize(
    "event",
    [
        finished(None),
        finished("rate_limit"),
        finished("permission"),
        HealthChanged("gpt", StateChange("id", "ok", "degraded", "timeout", None)),
        HealthChanged("gpt", StateChange("id", "degraded", "ok", None, None)),
        RequestDone("d", "answered"),
        StoreFailed("it is down"),
    ],
    ids=str,
)
def test_an_event_that_nobody_is_alerted_of(event: Event) -> None:
    assert notice_of(event, AT) is None
