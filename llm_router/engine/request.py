"""The order of one request, written once: look, decide, then serve. `serve` is the script that every driver runs."""

from __future__ import annotations

from dataclasses import replace

from llm_router.engine.answer import Answer
from llm_router.engine.effects import Decided, Now, Observe, TakeTurns, Tell, WallTime
from llm_router.engine.events import DecisionMade
from llm_router.engine.outcome import nobody
from llm_router.engine.output import check_schema
from llm_router.engine.serving import Job, Serving
from llm_router.policy.decide import decide
from llm_router.policy.decision import Decision
from llm_router.policy.explain import Explanation, explain
from llm_router.policy.features import Call, Features, compute
from llm_router.policy.snapshot import Snapshot

__all__ = ["Job", "decided", "explained", "serve"]


async def serve(job: Job) -> Answer:
    """The answer. For a stream, its events are emitted on the way.

    Raises Refused, NoCandidate, and ProviderError when providers were asked and none answered. Whom it asks is known
    (`Decided`) before anything is awaited that takes time.
    """
    started = await Now()
    check_schema(job.request.response_format)
    features, snapshot, decision = await decided(job)
    await Tell(DecisionMade(decision))
    if decision.refused is not None or not decision.candidates:
        raise nobody(decision)
    await Decided(decision)
    return await Serving.of(job, started, features, snapshot, decision).answer()


async def explained(job: Job) -> Explanation:
    """Why the request would be decided as it would; no turn is taken."""
    now, wall = await Now(), await WallTime()
    return explain(job.program, _features(job, wall), await _snapshot(job, now, wall))


async def decided(job: Job) -> tuple[Features, Snapshot, Decision]:
    """What is known of request and world, and the decision that follows.

    A decision stands once its turns are taken. Who finds that another request took one of them meanwhile looks anew.
    """
    now, wall = await Now(), await WallTime()
    features = _features(job, wall)
    while True:
        snapshot = await _snapshot(job, now, wall)
        decision = decide(job.program, features, snapshot)
        if not decision.turns or await TakeTurns(decision.turns, snapshot.turns):
            return features, snapshot, decision


def _features(job: Job, wall: float) -> Features:
    call = Call(job.request, job.hints, job.request_id, wall, job.stream)
    return compute(job.program, call, variables=job.wiring.variables, given=job.given)


async def _snapshot(job: Job, now: float, wall: float) -> Snapshot:
    return replace(await Observe(now, wall), unbound=job.wiring.unbound)
