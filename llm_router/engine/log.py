"""The lines that a request leaves in the log: who, when, how long, how many; never a prompt, never a key.

A deployment that begins to cool is a WARNING, since somebody may have to act; that it is back, and that a request is
answered by another than the first, is INFO; all else is DEBUG.
"""

from __future__ import annotations

import logging

from llm_router.engine.events import (
    AttemptFinished,
    AttemptStarted,
    BudgetSpent,
    BudgetWarning,
    CacheHit,
    DecisionMade,
    DeploymentChecked,
    Event,
    FellBack,
    HealthChanged,
    PassedOver,
    RequestDone,
    Retrying,
    StoreFailed,
    StoreRecovered,
    Waiting,
)
from llm_router.messages import Usage
from llm_router.state.health import StateChange
from llm_router.units import format_money

logger = logging.getLogger("llm_router")


def log_event(event: Event) -> None:
    """Write the event's line, if anybody reads such lines."""
    level = _level(event)
    if logger.isEnabledFor(level):
        logger.log(level, "%s", _line(event))


def _level(event: Event) -> int:
    match event:
        case StoreFailed():
            return logging.ERROR
        case HealthChanged(change=change) if change.after == "cooling":
            return logging.WARNING
        case HealthChanged(change=change) if change.before == "cooling":
            return logging.INFO
        case FellBack() | StoreRecovered() | BudgetWarning() | BudgetSpent():
            return logging.INFO
        case _:
            return logging.DEBUG


def _line(event: Event) -> str:
    match event:
        case HealthChanged():
            return f"{event.deployment}: {_change(event.change)}"
        case DeploymentChecked():
            return f"{event.deployment}: checked, {event.verdict} ({event.said}), {event.duration_s:.3f}s"
        case StoreFailed(reason):
            return reason
        case StoreRecovered(store):
            return f"the store `{store}` can be reached again"
        case BudgetWarning() | BudgetSpent():
            what = "warns" if isinstance(event, BudgetWarning) else "is spent"
            return f"the budget {event.budget!r} {what}: {format_money(event.spent)} of {format_money(event.amount)}"
        case DecisionMade(decision):
            names = ", ".join(candidate.deployment for candidate in decision.candidates)
            return f"{decision.id}: rule {decision.rule!r} asks {names or 'nobody'}"
        case _:
            return f"{event.decision_id}: {_step(event)}"


def _step(
    event: AttemptStarted | AttemptFinished | Retrying | FellBack | PassedOver | Waiting | CacheHit | RequestDone,
) -> str:
    match event:
        case AttemptStarted():
            notes = ("" if event.admitted_as == "ready" else event.admitted_as, event.mark)
            return ", ".join((f"attempt {event.number} at {event.deployment}", *filter(None, notes)))
        case AttemptFinished(report=report):
            said = f"{report.failure or report.outcome}, {report.duration_s:.3f}s"
            return f"attempt {report.number} at {report.deployment}: {said}{_tokens(event.usage)}"
        case Retrying():
            return f"{event.deployment} again in {event.wait_s:.3f}s after {event.failure}"
        case FellBack():
            return f"{event.next} instead of {event.deployment} after {event.failure}"
        case PassedOver():
            wait = "" if event.wait_s is None else f" for {event.wait_s:.3f}s"
            return f"{event.deployment} is passed over: {event.reason}{f' `{event.name}`' if event.name else ''}{wait}"
        case Waiting():
            return f"waiting {event.wait_s:.3f}s for {event.deployment}{_room(event)}"
        case CacheHit():
            return f"what {event.deployment} gave before is given again, {format_money(event.saved)} saved"
        case RequestDone():
            return _done(event)


def _room(event: Waiting) -> str:
    return "" if event.reason == "limited" else f", until the {event.reason} `{event.name}` has room"


def _done(event: RequestDone) -> str:
    how = f" by {event.deployment}" if event.deployment else f" ({event.failure})" if event.failure else ""
    attempts = "1 attempt" if event.attempts == 1 else f"{event.attempts} attempts"
    return f"{event.outcome}{how} after {attempts}, {event.duration_s:.3f}s"


def _change(change: StateChange) -> str:
    said = f"{change.before} → {change.after}"
    if change.cooldown_s is not None:
        said += f" for {change.cooldown_s:.1f}s"
    return f"{said} after {change.failure}" if change.failure else said


def _tokens(usage: Usage | None) -> str:
    return "" if usage is None else f", {usage.input} tokens in, {usage.output} out"
