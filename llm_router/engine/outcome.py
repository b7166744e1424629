"""What a request that nobody answered is told: one error, of the class that matters, with every attempt in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from llm_router.engine.attempt import Answered, Failed
from llm_router.engine.line import Held
from llm_router.engine.retry import most_telling
from llm_router.errors import (
    PROVIDER_ERRORS,
    AttemptReport,
    NoCandidate,
    ProviderError,
    Refused,
    RouterError,
)
from llm_router.policy.decision import Candidate, Decision
from llm_router.units import format_duration


@dataclass(frozen=True, slots=True)
class Miss:
    """An attempt that failed, and at whom."""

    deployment: str
    provider: str
    failed: Failed


@dataclass(slots=True)
class Tried:
    """What a request has tried so far.

    `unable` maps deployments whose dialect can't say what is asked for to the reason. `stopped` says that after the
    last failure nobody else may be asked.
    """

    reports: list[AttemptReport] = field(default_factory=list)
    misses: list[Miss] = field(default_factory=list)
    unable: dict[str, str] = field(default_factory=dict)
    stopped: bool = False


def nobody(decision: Decision) -> RouterError:
    """Why nobody is asked at all."""
    if decision.refused is not None:
        return Refused(decision.refused, rule=decision.rule or "", decision_id=decision.id)
    reasons = decision.reasons()
    if decision.rule is None and decision.via == "rule":
        return NoCandidate("no rule holds for this request", reasons=reasons, decision_id=decision.id)
    where = f"the rule `{decision.rule}` leaves" if decision.rule is not None else "the name in the call leaves"
    return NoCandidate(f"{where} nobody who may serve this request", reasons=reasons, decision_id=decision.id)


def final_error(decision: Decision, tried: Tried, held: Sequence[Held], now: float) -> RouterError:
    """The error of the class that matters: of the failure that stopped the request, else of the most telling one."""
    if tried.misses:
        miss = tried.misses[-1] if tried.stopped else _most_telling(tried.misses)
        return _of_miss(decision, miss, tried.reports, _waits(held, now))
    if held:
        return _of_held(decision, held, now)
    if tried.unable:
        reasons = {**decision.reasons(), **tried.unable}
        return NoCandidate("no candidate's dialect can say what is asked for", reasons=reasons, decision_id=decision.id)
    return PROVIDER_ERRORS["timeout"]("the deadline passed before anybody was asked", decision_id=decision.id)


def report_of(
    candidate: Candidate, result: Answered | Failed | None, number: int, *, started: float, duration: float
) -> AttemptReport:
    """How one attempt went; `result` is `None` for one that nobody wanted any more. Times in seconds."""
    deployment, provider = candidate.deployment, candidate.provider
    if isinstance(result, Failed):
        said = result.failure
        return AttemptReport(
            number, deployment, provider, "failed", said.kind, said.message, said.status, said.code,
            said.provider_request_id, started, duration,
        )  # fmt: skip
    first = None
    if result is not None and result.first_content is not None:
        first = result.first_content - (result.ended - duration)
    return AttemptReport(
        number,
        deployment,
        provider,
        "cancelled" if result is None else "ok",
        provider_request_id=None if result is None else result.response.provider_request_id,
        started_s=started,
        duration_s=duration,
        first_content_s=first,
    )


def _most_telling(misses: Sequence[Miss]) -> Miss:
    failure = most_telling([miss.failed.failure for miss in misses])
    return next(miss for miss in misses if miss.failed.failure is failure)


def _of_miss(
    decision: Decision, miss: Miss, reports: Sequence[AttemptReport], waits: Mapping[str, float]
) -> ProviderError:
    said = miss.failed.failure
    partial = miss.failed.partial
    times = [*waits.values(), *([said.retry_after_s] if said.retry_after_s is not None else [])]
    return PROVIDER_ERRORS[said.kind](
        _headline(miss, reports, waits),
        provider=miss.provider,
        deployment=miss.deployment,
        status=said.status,
        code=said.code,
        provider_request_id=said.provider_request_id,
        retry_after_s=min(times, default=None),
        attempts=reports,
        partial_text=partial.text if partial is not None else "",
        decision_id=decision.id,
    )


def _headline(miss: Miss, reports: Sequence[AttemptReport], waits: Mapping[str, float]) -> str:
    said = f"`{miss.deployment}` failed: {miss.failed.failure.message}"
    if miss.failed.committed:
        said = f"`{miss.deployment}` broke off after its first content: {miss.failed.failure.message}"
    if len(reports) > 1:
        said = f"none of {len(reports)} attempts gave an answer; {said}"
    return said + "".join(f"; `{name}` may be asked in {_seconds(wait)}" for name, wait in waits.items())


def _waits(held: Sequence[Held], now: float) -> dict[str, float]:
    """How long each of those who are limited must still be left alone, in seconds."""
    limited = [each for each in held if each.reason == "limited" and each.until > now]
    return {each.place.candidate.deployment: each.until - now for each in limited}


def _of_held(decision: Decision, held: Sequence[Held], now: float) -> ProviderError:
    """Nobody could be asked in time: all of them are limited, or cool and are being tried by others already."""
    first = min(held, key=lambda each: (each.reason != "limited", each.until))
    wait = max(0.0, first.until - now)
    kind = "rate_limit" if first.reason == "limited" else first.failure or "unavailable"
    reasons = "".join(f"\n  {each.place.candidate.deployment}: {_reason(each, now)}" for each in held)
    return PROVIDER_ERRORS[kind](
        f"nobody can be asked at the moment{reasons}",
        provider=first.place.candidate.provider,
        deployment=first.place.candidate.deployment,
        retry_after_s=wait,
        decision_id=decision.id,
    )


def _reason(held: Held, now: float) -> str:
    wait = _seconds(max(0.0, held.until - now))
    if held.reason == "limited":
        return f"its provider asks to wait for another {wait}"
    return f"it cools for another {wait} after `{held.failure}`" if held.until > now else "it is being tried already"


def _seconds(wait: float) -> str:
    return format_duration(round(wait, 1))
