"""What alerts say of events: the word that specs know it by, a sentence for people, and fields for programs.

Names of budgets, deployments and providers, amounts, instants and failure classes are in it; never a prompt, a key, or
a value of a budget's `per`.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from llm_router.engine.events import AttemptFinished, BudgetSpent, BudgetWarning, Event, HealthChanged
from llm_router.policy.program import AlertEvent
from llm_router.units import format_money

Fact: TypeAlias = str | int | float | None


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell. `at` is in epoch seconds.

    `subject` is whom or what it is about, where the same may be noticed again and again; "" for what is told once
    anyway.
    """

    event: AlertEvent
    text: str
    at: float
    fields: Mapping[str, Fact] = field(default_factory=dict)
    subject: str = ""


class Undelivered(Exception):
    """A notice didn't arrive; the message says where and why, and shows no address and no password.

    `again` says that it may arrive if it is sent once more.
    """

    def __init__(self, message: str, *, again: bool = True) -> None:
        super().__init__(message)
        self.again = again


def notice_of(event: Event, at: float) -> Notice | None:
    """What is to be told of an event; nothing of most."""
    match event:
        case BudgetWarning() | BudgetSpent():
            return _of_budget(event, at)
        case HealthChanged(change=change) if change.after == "cooling":
            return _down(event, at)
        case HealthChanged(change=change) if change.before == "cooling":
            text = f"deployment `{event.deployment}` answers again"
            return Notice("deployment_up", text, at, {"deployment": event.deployment}, change.identity)
        case AttemptFinished(report=report) if report.failure == "authentication":
            return _refused(event, at)
        case _:
            return None


def instant(seconds: float) -> str:
    """`2026-11-21T05:00:00Z` for epoch seconds."""
    return datetime.datetime.fromtimestamp(int(seconds), datetime.UTC).isoformat().replace("+00:00", "Z")


def _of_budget(event: BudgetWarning | BudgetSpent, at: float) -> Notice:
    share = event.spent / event.amount if event.amount else 1.0
    ends = None if event.until is None else instant(event.until)
    what = f"{share:.0%} of {format_money(event.amount)} is spent"
    kept_out = "" if isinstance(event, BudgetWarning) or event.spent >= event.amount else ", too little is left"
    window = "" if ends is None else f"; the window ends at {ends}"
    fields: dict[str, Fact] = {
        "budget": event.budget,
        "share": round(share, 4),
        "spent_usd": _usd(event.spent),
        "amount_usd": _usd(event.amount),
        "window_ends": ends,
    }
    if event.account:
        fields["account"] = event.account
    word: AlertEvent = "budget_warning" if isinstance(event, BudgetWarning) else "budget_spent"
    return Notice(word, f"budget `{event.budget}`: {what}{kept_out}{window}", at, fields)


def _usd(picodollars: int) -> str:
    return format_money(picodollars).removesuffix(" USD")


def _down(event: HealthChanged, at: float) -> Notice:
    change = event.change
    why = f" after {change.failure}" if change.failure else ""
    cooldown = f", for {change.cooldown_s:.0f} s at least" if change.cooldown_s is not None else ""
    fields: Mapping[str, Fact] = {
        "deployment": event.deployment,
        "failure": change.failure,
        "cooldown_s": None if change.cooldown_s is None else round(change.cooldown_s, 1),
    }
    text = f"deployment `{event.deployment}` isn't asked any more{why}{cooldown}"
    return Notice("deployment_down", text, at, fields, change.identity)


def _refused(event: AttemptFinished, at: float) -> Notice:
    """A provider's keys fail one by one, so the number of the key is in the subject."""
    report = event.report
    text = f"provider `{report.provider}` refused the key of `{report.deployment}`"
    fields: Mapping[str, Fact] = {"provider": report.provider, "deployment": report.deployment}
    key = report.deployment.rpartition("#")[2] if "#" in report.deployment else ""
    return Notice("authentication_failed", text, at, fields, f"{report.provider}#{key}")
