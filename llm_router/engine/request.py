"""The order of one request, written once: look, decide, then serve. `serve` is the script that every driver runs."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial

from llm_router.engine.accounting.thresholds import tell_left_out
from llm_router.engine.answer import Answer
from llm_router.engine.asking import asked
from llm_router.engine.caching.lookup import cached, lookup_of
from llm_router.engine.effects import Decided, Now, Observe, Remember, TakeTurns, Tell, WallTime
from llm_router.engine.events import DecisionMade, RequestDone
from llm_router.engine.health.sharing import hear
from llm_router.engine.job import Job
from llm_router.engine.serving.outcome import nobody
from llm_router.engine.serving.output import check_schema
from llm_router.engine.serving.under_way import Serving
from llm_router.engine.storing import Look
from llm_router.errors import ProviderError, StoreDown
from llm_router.policy.charges import accounts_of, spent_of
from llm_router.policy.decide import decide
from llm_router.policy.decision import Decision
from llm_router.policy.explain import Explanation, explain
from llm_router.policy.features import Call, Features, compute
from llm_router.policy.snapshot import Snapshot
from llm_router.state.frames import frame
from llm_router.state.sessions import SessionKey


async def serve(job: Job) -> Answer:
    """The answer. For a stream, its events are emitted on the way.

    Raises Refused, NoCandidate, and ProviderError when providers were asked and none answered. Whom it asks is known
    (`Decided`) before anything is awaited that takes time.
    """
    started = await Now()
    check_schema(job.request.response_format)
    features, snapshot, decision = await decided(job)
    await _announced(decision, started)
    fresh = partial(_fresh, job, started, features, snapshot, decision)
    lookup = lookup_of(job, started, features, snapshot, decision)
    answer = await (fresh() if lookup is None else cached(lookup, fresh))
    if (session := _session(job)) is not None:
        await Remember(session, answer.deployment)
    return answer


async def _announced(decision: Decision, started: float) -> None:
    """Nothing, once observers and consumer know who is asked. Raises Refused and NoCandidate."""
    await Tell(DecisionMade(decision))
    try:
        if decision.refused is not None or not decision.candidates:
            raise nobody(decision)
        await Decided(decision)
    except GeneratorExit:
        raise
    except BaseException as error:
        await Tell(replace(_unanswered(decision, error), duration_s=await Now() - started))
        raise


async def _fresh(job: Job, started: float, features: Features, snapshot: Snapshot, decision: Decision) -> Answer:
    """The answer of whoever is asked for it."""
    with suppress(StoreDown):  # it was told
        await tell_left_out(job.wiring.accounts, job.program.timezone, decision.candidates)
    return await _told(Serving.of(job, started, features, snapshot, decision), started)


async def _told(serving: Serving, started: float) -> Answer:
    """The answer, with word of how the request ended, whatever way it did."""
    try:
        answer = await serving.answer()
    except GeneratorExit:
        raise
    except BaseException as error:
        await _tell_end(serving, started, _unanswered(serving.decision, error))
        raise
    done = RequestDone(serving.decision.id, "answered", answer.deployment, first_content_s=answer.first_content_s)
    await _tell_end(serving, started, done)
    return answer


def _unanswered(decision: Decision, error: BaseException) -> RequestDone:
    failure = error.failure if isinstance(error, ProviderError) else None
    return RequestDone(decision.id, "failed" if isinstance(error, Exception) else "cancelled", failure=failure)


async def _tell_end(serving: Serving, started: float, done: RequestDone) -> None:
    duration_s = await Now() - started
    await Tell(replace(done, attempts=len(serving.tried.reports), duration_s=duration_s))


async def explained(job: Job) -> Explanation:
    """Why the request would be decided as it would; no turn is taken."""
    await hear(job.wiring.accounts)
    now, wall = await Now(), await WallTime()
    features = _features(job, wall)
    return explain(job.program, features, await _snapshot(job, features, now, wall))


async def decided(job: Job) -> tuple[Features, Snapshot, Decision]:
    """What is known of request and world, and the decision that follows.

    A decision stands once its turns are taken. Who finds that another request took one of them meanwhile looks anew.
    """
    await hear(job.wiring.accounts)
    now, wall = await Now(), await WallTime()
    features = _features(job, wall)
    while True:
        snapshot = await _snapshot(job, features, now, wall)
        decision = decide(job.program, features, snapshot)
        if not decision.turns or await TakeTurns(decision.turns, snapshot.turns):
            return features, snapshot, decision


def _features(job: Job, wall: float) -> Features:
    call = Call(job.request, job.hints, job.request_id, wall, job.stream, job.wiring.exactly)
    return compute(job.program, call, variables=job.wiring.variables, given=job.given)


async def _snapshot(job: Job, features: Features, now: float, wall: float) -> Snapshot:
    seen = replace(await Observe(now, wall, _session(job)), unbound=job.wiring.unbound)
    accounts = accounts_of(job.program, features)
    if not accounts:
        return seen
    frames = {each.key: frame(each.window, job.program.timezone, wall) for each in accounts}
    try:
        standings = await asked(Look(job.wiring.accounts, frames, wall))
    except StoreDown:
        return seen
    return replace(seen, standings=standings, spent=spent_of(accounts, standings))


def _session(job: Job) -> SessionKey | None:
    return None if job.hints.session is None else (job.hints.user, job.hints.session)
