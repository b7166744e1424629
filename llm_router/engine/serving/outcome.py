"""What a request that nobody answered is told: one error, of the class that matters, with every attempt in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite

from llm_router.engine.results import Answered, Failed
from llm_router.engine.serving.line import Held, HeldReason
from llm_router.engine.serving.retry import most_telling
from llm_router.errors import (
    PROVIDER_ERRORS,
    AttemptReport,
    FailureClass,
    NoCandidate,
    ProviderError,
    Refused,
    RouterError,
)
from llm_router.messages import Usage
from llm_router.policy.decision import Decision
from llm_router.units import format_wait


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
    last failure nobody else may be asked. `passed_on` is the text that the consumer has, once some of an answer that
    broke off was passed on. `spared` were not asked because their provider had been silent.
    """

    reports: list[AttemptReport] = field(default_factory=list)
    misses: list[Miss] = field(default_factory=list)
    unable: dict[str, str] = field(default_factory=dict)
    stopped: bool = False
    passed_on: str | None = None
    spared: list[str] = field(default_factory=list)


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
        return _of_miss(decision, miss, tried, held, now)
    if held:
        return _of_held(decision, held, now)
    if tried.unable:
        reasons = {**decision.reasons(), **tried.unable}
        return NoCandidate("no candidate's dialect can say what is asked for", reasons=reasons, decision_id=decision.id)
    return PROVIDER_ERRORS["timeout"]("the deadline passed before anybody was asked", decision_id=decision.id)


def report_of(blank: AttemptReport, result: Answered | Failed | None, *, duration: float) -> AttemptReport:
    """How one attempt went: `blank`, filled in. `result` is `None` for one that nobody wanted any more.

    `duration` is in seconds.
    """
    if result is None:
        return replace(blank, duration_s=duration)
    first, usage = result.first_content, usage_of(result)
    done = replace(
        blank,
        duration_s=duration,
        first_content_s=None if first is None else first - (result.ended - duration),
        input_tokens=usage.input,
        output_tokens=usage.output,
    )
    if isinstance(result, Answered):
        return replace(done, outcome="ok", provider_request_id=result.response.provider_request_id)
    said = result.failure
    return replace(
        done,
        outcome="failed",
        failure=said.kind,
        message=said.message,
        status=said.status,
        code=said.code,
        provider_request_id=said.provider_request_id,
    )


def usage_of(result: Answered | Failed) -> Usage:
    """What the attempt reported to have used."""
    response = result.response if isinstance(result, Answered) else result.partial
    return Usage() if response is None else response.usage


def reported(result: Answered | Failed | None) -> Usage | None:
    """As `usage_of`; `None` where there is no answer to report any."""
    response = result.response if isinstance(result, Answered) else result.partial if result else None
    return None if response is None else response.usage


def _most_telling(misses: Sequence[Miss]) -> Miss:
    failure = most_telling([miss.failed.failure for miss in misses])
    return next(miss for miss in misses if miss.failed.failure is failure)


def _of_miss(decision: Decision, miss: Miss, tried: Tried, held: Sequence[Held], now: float) -> ProviderError:
    said = miss.failed.failure
    times = [*_waits(held, now).values(), *([said.retry_after_s] if said.retry_after_s is not None else [])]
    return PROVIDER_ERRORS[said.kind](
        _headline(miss, tried) + _kept_back(held, now) + _spared(tried),
        provider=miss.provider,
        deployment=miss.deployment,
        status=said.status,
        code=said.code,
        provider_request_id=said.provider_request_id,
        retry_after_s=min(times, default=None),
        attempts=tried.reports,
        partial_text=_partial_text(miss, tried),
        body=miss.failed.body,
        decision_id=decision.id,
    )


def _partial_text(miss: Miss, tried: Tried) -> str:
    """What the consumer has; where nothing was passed on, what had come."""
    if tried.passed_on is not None:
        return tried.passed_on
    return miss.failed.partial.text if miss.failed.partial is not None else ""


def _headline(miss: Miss, tried: Tried) -> str:
    said = f"`{miss.deployment}` failed: {miss.failed.failure.message}"
    if miss.failed.committed:
        said = f"`{miss.deployment}` broke off after its first content: {miss.failed.failure.message}"
    elif tried.passed_on is not None:
        said = f"the answer broke off after its first content, and nobody went on; {said}"
    if len(tried.reports) > 1:
        said = f"none of {len(tried.reports)} attempts gave an answer; {said}"
    return said


def _spared(tried: Tried) -> str:
    names = ", ".join(f"`{name}`" for name in tried.spared)
    return f"; not asked, as their provider was silent: {names}" if names else ""


def _kept_back(held: Sequence[Held], now: float) -> str:
    """Who could not be asked beside those that failed, and why."""
    waits = "".join(f"; `{name}` may be asked in {_seconds(wait)}" for name, wait in _waits(held, now).items())
    full = [each for each in held if each.reason != "limited"]
    return waits + "".join(
        f"; `{each.place.candidate.deployment}` was not asked: {_reason(each, now)}" for each in full
    )


def _waits(held: Sequence[Held], now: float) -> dict[str, float]:
    """How long each of those who are limited must still be left alone, in seconds."""
    limited = [each for each in held if each.reason == "limited" and each.until > now]
    return {each.place.candidate.deployment: each.until - now for each in limited}


def _of_held(decision: Decision, held: Sequence[Held], now: float) -> ProviderError:
    """Nobody could be asked in time: they are limited, or cool and are being tried already, or there is no room."""
    first = min(held, key=lambda each: (_WEIGHT[each.reason], each.until))
    soonest = min(each.soonest for each in held)
    wait = max(0.0, soonest - now) if isfinite(soonest) else None
    kind = _CLASS.get(first.reason) or first.failure or "unavailable"
    reasons = "".join(f"\n  {each.place.candidate.deployment}: {_reason(each, now)}" for each in held)
    return PROVIDER_ERRORS[kind](
        f"nobody can be asked at the moment{reasons}",
        provider=first.place.candidate.provider,
        deployment=first.place.candidate.deployment,
        retry_after_s=wait,
        decision_id=decision.id,
    )


_WEIGHT: Mapping[HeldReason, int] = {"limited": 0, "limit": 0, "cooling": 1, "budget": 2, "store": 3}
"""What ends soonest tells most."""

_CLASS: Mapping[HeldReason, FailureClass] = {
    "limited": "rate_limit",
    "limit": "rate_limit",
    "budget": "quota_exhausted",
    "store": "unavailable",
}


def _reason(held: Held, now: float) -> str:
    if held.reason == "store":
        return f"nothing is spent without the store, which can't be reached: {held.name}"
    if held.reason in ("limit", "budget"):
        when = f" for another {_seconds(max(0.0, held.until - now))}" if isfinite(held.until) else " at the moment"
        return f"the {held.reason} `{held.name}` has no room for it{when}"
    wait = _seconds(max(0.0, held.until - now))
    if held.reason == "limited":
        return f"its provider asks to wait for another {wait}"
    if held.until <= now:
        return "it is being tried already"
    return f"it cools for another {wait} after `{held.failure}`{_guessed(held, now)}"


def _guessed(held: Held, now: float) -> str:
    """When one that cools is asked all the same."""
    if held.tried:
        return ", and is being tried already"
    return f", and is tried again before that in {_seconds(held.guess_at - now)}" if held.guess_at else ""


def _seconds(wait: float) -> str:
    return format_wait(wait)
