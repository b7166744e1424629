"""The lines that a request leaves in the log, at DEBUG: who, when, how long, how many; never a prompt, never a key."""

from __future__ import annotations

import logging

from llm_router.engine.events import (
    AttemptFinished,
    AttemptStarted,
    DecisionMade,
    Event,
    FellBack,
    HealthChanged,
    Retrying,
    Waiting,
)

logger = logging.getLogger("llm_router")


def log_event(event: Event) -> None:
    """Write the event's line, if anybody reads such lines."""
    if logger.isEnabledFor(logging.DEBUG):
        logger.debug("%s", _line(event))


def _line(event: Event) -> str:
    match event:
        case DecisionMade(decision):
            names = ", ".join(candidate.deployment for candidate in decision.candidates)
            return f"{decision.id}: rule {decision.rule!r} asks {names or 'nobody'}"
        case AttemptStarted():
            return f"{event.decision_id}: attempt {event.number} at {event.deployment}"
        case AttemptFinished():
            report = event.report
            told = report.failure or report.outcome
            return (
                f"{event.decision_id}: attempt {report.number} at {report.deployment}: {told}, {report.duration_s:.3f}s"
            )
        case Retrying():
            return f"{event.decision_id}: {event.deployment} again in {event.wait_s:.3f}s after {event.failure}"
        case FellBack():
            return f"{event.decision_id}: {event.next} instead of {event.deployment} after {event.failure}"
        case Waiting():
            return f"{event.decision_id}: waiting {event.wait_s:.3f}s for {event.deployment}"
        case HealthChanged():
            return f"{event.deployment}: {event.change.before} → {event.change.after}"
