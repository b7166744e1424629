"""Answers that were paid for already, and equal requests that wait for one that is being paid for.

It stands after the decision: what is kept counts only where the deployment that gave it is among the candidates, and
would be sent the same settings. So guards bind it like an attempt; limits, budgets and health don't. A hit is an entry
of the ledger at no cost, with what the same usage would cost today. The response is as it was given, usage included.

Kept are whole answers that ended by themselves (`stop`, `tool_calls`) and were written by one deployment; no refusals,
nothing empty. A store that is down is a miss.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TypeVar

from typing_extensions import override

from llm_router.engine.accounting.bill import RequestCost
from llm_router.engine.accounting.booking import Subject, opened
from llm_router.engine.answer import Answer
from llm_router.engine.asking import asked
from llm_router.engine.caching.key import flight_of, key_of, scope_of, sent_by
from llm_router.engine.caching.replay import events_of
from llm_router.engine.effects import Emit, Now, ReturnTurns, Script, Tell, WallTime
from llm_router.engine.events import CacheHit, RequestDone
from llm_router.engine.job import Job
from llm_router.engine.storing import AccountEffect, Park, Record
from llm_router.errors import StoreDown
from llm_router.messages import Refusal
from llm_router.policy.decision import Candidate, Decision
from llm_router.policy.features import Features
from llm_router.policy.follow import fallback_for
from llm_router.policy.program import Cache
from llm_router.policy.snapshot import Snapshot
from llm_router.state.accounts import Accounts
from llm_router.state.cache import Answers, Bounds
from llm_router.state.entry import Entry
from llm_router.state.kept import Kept, from_bytes, to_bytes
from llm_router.state.parking import Spot

T = TypeVar("T")

PATIENCE_S = 60.0
"""So long at most, and for half of its own deadline, a request waits for an equal one; then it asks by itself."""

_WHOLE = ("stop", "tool_calls")


@dataclass(frozen=True, slots=True)
class Fetch(AccountEffect[bytes | None]):
    """What is kept under the key; instants are epoch seconds."""

    key: str
    bounds: Bounds
    now: float

    @override
    def act(self) -> bytes | None:
        with self.accounts.reach.asking(self.now):
            return self.accounts.answers.get(self.key, self.bounds, now=self.now)


@dataclass(frozen=True, slots=True)
class Share(AccountEffect[None]):
    """Nothing, once the answer is kept for other processes too."""

    key: str
    value: bytes
    bounds: Bounds
    now: float

    @override
    def act(self) -> None:
        with self.accounts.reach.asking(self.now):
            self.accounts.answers.share(self.key, self.value, self.bounds, now=self.now)


@dataclass(frozen=True, slots=True)
class Purge(AccountEffect[int]):
    """How many answers of the scope were dropped; of all, where it is empty."""

    scope: str = ""

    @override
    def act(self) -> int:
        return self.accounts.answers.purge(self.scope)


@dataclass(frozen=True, slots=True)
class Hit:
    """A kept answer that counts, and the candidate whose it is."""

    kept: Kept
    candidate: Candidate


@dataclass(frozen=True, slots=True)
class Lookup:
    """One request before the cache. `sent` are the identity and the hashed settings of each candidate."""

    job: Job
    started: float
    features: Features
    snapshot: Snapshot
    decision: Decision
    key: str
    bounds: Bounds
    sent: Mapping[str, tuple[str, str]]

    @property
    def answers(self) -> Answers:
        """The cache."""
        return self.job.wiring.accounts.answers


def lookup_of(job: Job, started: float, features: Features, snapshot: Snapshot, decision: Decision) -> Lookup | None:
    """The request's place before the cache; none where the spec, its rule or its caller want none."""
    cache = job.program.cache
    rule = None if decision.place is None else job.program.rules[decision.place]
    if cache is None or job.hints.fresh or (rule is not None and not rule.cache):
        return None
    key, sent = key_of(cache, job.request, features), sent_by(job.program, decision, job.request.settings)
    return Lookup(job, started, features, snapshot, decision, key, bounds_of(cache), sent)


def bounds_of(cache: Cache) -> Bounds:
    """What the spec lets the cache hold."""
    return Bounds(cache.keep_s, cache.entries, cache.bytes)


async def purged(accounts: Accounts, user: str | None) -> int:
    """How many answers of this user, or of all, were dropped. Raises StoreDown."""
    return await Purge(accounts, "" if user is None else scope_of(user))


async def cached(lookup: Lookup, fresh: Callable[[], Script[Answer]]) -> Answer:
    """What was kept, or what `fresh` gives, which is kept then. Of equal requests under way one asks."""
    now = await WallTime()
    hit = _read(lookup, lookup.answers.near(lookup.key, now=now), now)
    if hit is not None:
        return await _told(lookup, _given(lookup, hit))
    flights = lookup.answers.flights
    spot = flights.join(flight_of(lookup.key, lookup.sent))
    try:
        hit = await _told(lookup, _found(lookup, spot))
        if hit is None:
            lookup.answers.count(None)
            answer = await fresh()
            if not await _keep(lookup, answer):
                flights.disband(spot)
            return answer
    finally:
        flights.leave(spot)
    return await _told(lookup, _given(lookup, hit))


async def _found(lookup: Lookup, spot: Spot) -> Hit | None:
    """What is kept, once nobody else is asking for it."""
    job, program = lookup.job, lookup.job.program
    rule = None if lookup.decision.place is None else program.rules[lookup.decision.place]
    fallback = fallback_for(program, rule, lookup.decision, timeout_s=job.hints.timeout_s)
    until = lookup.started + min((fallback.deadline_s or 0.0) / 2, PATIENCE_S)
    while not lookup.answers.flights.leads(spot) and await Now() < until:
        await Park(spot, until)
    now = await WallTime()
    try:
        value = await asked(Fetch(job.wiring.accounts, lookup.key, lookup.bounds, now))
    except StoreDown:
        return None
    return _read(lookup, value, now)


def _read(lookup: Lookup, value: bytes | None, now: float) -> Hit | None:
    """What was kept, if it counts for this request."""
    kept = None if value is None else from_bytes(value)
    if kept is None or kept.at + lookup.bounds.keep_s <= now:
        return None
    whose = (kept.identity, kept.sent)
    candidates = (each for each in lookup.decision.candidates if lookup.sent[each.deployment] == whose)
    return next((Hit(kept, each) for each in candidates), None)


async def _keep(lookup: Lookup, answer: Answer) -> bool:
    """Keep an answer, if it is one to be kept; whether it is."""
    whose = lookup.sent.get(answer.deployment)
    if whose is None or not _is_whole(answer):
        return False
    now, accounts = await WallTime(), lookup.job.wiring.accounts
    value = to_bytes(Kept(answer.response, *whose, now))
    if not accounts.answers.hold(lookup.key, value, lookup.bounds, now=now):
        return False
    with suppress(StoreDown):  # it was told
        await asked(Share(accounts, lookup.key, value, lookup.bounds, now))
    return True


def _is_whole(answer: Answer) -> bool:
    parts = answer.response.message.parts
    refused = not parts or any(isinstance(part, Refusal) for part in parts)
    return answer.finish_reason in _WHOLE and not answer.continued_from and not refused


async def _given(lookup: Lookup, hit: Hit) -> Answer:
    """The answer of a hit: written down, told, and passed on. It takes nobody's turn."""
    job, decision = lookup.job, lookup.decision
    await ReturnTurns(decision.turns, lookup.snapshot.turns)
    entry = await _entry(lookup, hit)
    lookup.answers.count(entry.saved)
    job.meter.close(0, entry)
    with suppress(StoreDown):  # it was told
        await asked(Record(job.wiring.accounts, entry, entry.at))
    name, duration_s = entry.deployment, entry.duration_s or 0.0
    await Tell(CacheHit(decision.id, name, entry.saved))
    response = hit.kept.response
    response = replace(response, message=replace(response.message, deployment=name))
    for event in events_of(response) if job.stream else ():
        await Emit(event)
    first, cost = (duration_s if job.stream else None), RequestCost.of((entry,))
    await Tell(RequestDone(decision.id, "answered", name, duration_s=duration_s, first_content_s=first))
    return Answer(response, decision, name, entry.provider, (), duration_s, first, cost=cost, cached=True)


async def _entry(lookup: Lookup, hit: Hit) -> Entry:
    """The ledger's line of a hit: no tokens, no cost, and what it saved by the price of now."""
    job, wall = lookup.job, await WallTime()
    price = job.program.deployments[hit.candidate.deployment].price
    today = datetime.datetime.fromtimestamp(wall, datetime.UTC)
    worth = None if price is None else price.cost(hit.kept.response.usage, today)
    subject = Subject(job.program, lookup.decision, job.hints, job.request, lookup.features, lookup.snapshot)
    return replace(
        opened(subject, hit.candidate, 0, wall),
        outcome="cached",
        mark="cache",
        cost=0,
        basis="free",
        served=hit.kept.response.model,
        duration_s=await Now() - lookup.started,
        saved=worth.total if worth is not None else 0,
    )


async def _told(lookup: Lookup, script: Script[T]) -> T:
    """What the script gives, with word of how the request ended where it gives nothing."""
    try:
        return await script
    except GeneratorExit:
        raise
    except BaseException as error:
        done = RequestDone(lookup.decision.id, "failed" if isinstance(error, Exception) else "cancelled")
        await Tell(replace(done, duration_s=await Now() - lookup.started))
        raise
