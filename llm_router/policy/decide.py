"""`decide(program, features, snapshot) -> Decision`: pure, no clock, no chance but what the request id draws.

The first rule that holds is final; the caller's `model=` acts as a `use` of its own where no rule speaks of it. The
tiers become candidates: each is checked against everything that bars it, the rest are ranked inside their tier, and
those that can't be asked at the moment go behind all others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b

from llm_router.policy.choose import Choice, choose
from llm_router.policy.decision import Candidate, Decision, Deferral, Estimate, Rejection, Score
from llm_router.policy.defaults import OUTPUT_CAP
from llm_router.policy.features import Features
from llm_router.policy.filters import Case, rejections, unsupported
from llm_router.policy.follow import spec_settings
from llm_router.policy.match import holds
from llm_router.policy.program import Deployment, Guard, Program, Rule, Tier
from llm_router.policy.rank import Draw, Weights, ahead, estimate, score, weights_of
from llm_router.policy.snapshot import Snapshot


def decide(program: Program, features: Features, snapshot: Snapshot) -> Decision:
    """Who is asked for this request, and why.

    A refusal or a lack of candidates is a decision too. Raises RequestError where `model=` names what the spec
    doesn't know.
    """
    choice = choose(program, features)
    decision = _begin(program, features, choice)
    if decision.refused is not None:
        return decision
    frame = _Frame(program, features, snapshot, choice.rule, _guards(program, features))
    chosen = frame.rank(choice.tiers)
    decision = replace(decision, candidates=chosen.candidates, rejections=chosen.rejections)
    return decision if chosen.candidates or decision.pinned else _instead(frame, decision)


def continue_with(
    program: Program, features: Features, snapshot: Snapshot, decision: Decision, tiers: tuple[Tier, ...]
) -> Decision:
    """The decision that replaces `decision` when a failure's `next` lists `tiers`: filtered and ranked like any other.

    The engine leaves out who was already asked. Pinned decisions get no candidates from it.
    """
    if decision.pinned:
        return replace(decision, candidates=())
    rule = None if decision.place is None else program.rules[decision.place]
    return _Frame(program, features, snapshot, rule, _guards(program, features)).instead_of(decision, tiers)


def decision_id(request_id: str, program_hash: str) -> str:
    """The id of the decision on this request under this program."""
    return "d" + blake2b(f"{program_hash}\0{request_id}".encode("utf-8", "surrogatepass"), digest_size=10).hexdigest()


def _begin(program: Program, features: Features, choice: Choice) -> Decision:
    rule = choice.rule
    return Decision(
        id=decision_id(features.request_id, program.program_hash),
        program_hash=program.program_hash,
        rule=rule.name if rule else None,
        place=rule.place if rule else None,
        via=choice.via,
        refused=rule.refuse if rule else None,
        pinned=choice.via == "name" or features.hints.provider is not None,
    )


def _guards(program: Program, features: Features) -> tuple[Guard, ...]:
    return tuple(guard for guard in program.guards if holds(guard.condition, features.values))


def _instead(frame: _Frame, decision: Decision) -> Decision:
    """The same decision with the `instead` of the first guard that has one and made a rejection; filtered itself."""
    made = {rejection.guard for rejection in decision.rejections}
    for guard in frame.guards:
        if guard.name not in made or guard.instead is None:
            continue
        served = replace(decision, via="instead", guard=guard.name)
        return served if guard.instead == "refuse" else frame.instead_of(served, guard.instead)
    return decision


@dataclass(frozen=True, slots=True)
class _Ranked:
    candidates: tuple[Candidate, ...]
    rejections: tuple[Rejection, ...]


@dataclass(frozen=True, slots=True)
class _Entrant:
    """One member of a tier before its keys are told apart: what is expected of it, and what it is sent."""

    member: str
    names: tuple[str, ...]
    deployment: Deployment
    estimate: Estimate
    score: Score | None
    cap: int | None
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Frame:
    """What every candidate of one request is held against."""

    program: Program
    features: Features
    snapshot: Snapshot
    rule: Rule | None
    guards: tuple[Guard, ...]

    def rank(self, tiers: tuple[Tier, ...]) -> _Ranked:
        """The candidates of these tiers in the order in which they are asked, and the rejections."""
        rejected: list[Rejection] = []
        found: list[Candidate] = []
        for number, tier in enumerate(tiers):
            for candidate in self._tier(tier, number):
                against = tuple(rejections(self._case(candidate, tier)))
                rejected.extend(against)
                if not against:
                    found.append(candidate)
        return _Ranked(self._in_order(found), tuple(rejected))

    def instead_of(self, decision: Decision, tiers: tuple[Tier, ...]) -> Decision:
        """The decision with candidates from other tiers. A rejection is final: who has one isn't brought back."""
        ranked = self.rank(tiers)
        out = {rejection.deployment for rejection in decision.rejections}
        candidates = tuple(each for each in ranked.candidates if each.deployment not in out)
        known = dict.fromkeys((*decision.rejections, *ranked.rejections))
        return replace(decision, candidates=candidates, rejections=tuple(known))

    def _tier(self, tier: Tier, number: int) -> Iterator[Candidate]:
        """Yields all of the tier in its order; nobody is left out here, so that nobody's absence moves another."""
        weights = weights_of(tier, self.features)
        draw = Draw(tier, self.features.request_id, self.snapshot.turns.get(tier.name, 0))
        entrants: list[tuple[tuple[bool, float, float, int], _Entrant]] = []
        for place, member in enumerate(tier.members):
            entrant = self._entrant(member, tier, weights)
            unknown, total = ahead(entrant.score, tier.balance)
            entrants.append(((unknown, total, 0.0 if unknown else draw.key(member), place), entrant))
        turns = (tier.name,) if tier.balance == "round-robin" else ()
        for _, entrant in sorted(entrants, key=lambda each: each[0]):
            yield from self._keys(entrant, number, turns)

    def _entrant(self, member: str, tier: Tier, weights: Weights | None) -> _Entrant:
        names = self.program.members.get(member, (member,))
        deployment = self.program.deployments[names[0]]
        settings = spec_settings(self.program, self.rule, deployment)
        caller = self.features.needs.settings
        bounded = tier.max_cost is not None or self.features.hints.max_cost is not None
        cap = caller.max_output_tokens or _spec_cap(deployment, settings.max_output_tokens, bounded=bounded)
        known = estimate(deployment, self.features, self.snapshot, cap)
        scored = None if weights is None else score(tier, weights, known)
        return _Entrant(member, names, deployment, known, scored, cap, unsupported(deployment, settings))

    def _keys(self, entrant: _Entrant, tier: int, turns: tuple[str, ...]) -> Iterator[Candidate]:
        """Yields a candidate for each key of the entrant's provider, in turns."""
        names = entrant.names
        if len(names) > 1:
            turn = self.snapshot.turns.get(entrant.member, 0) % len(names)
            names, turns = (*names[turn:], *names[:turn]), (*turns, entrant.member)
        for name in names:
            yield Candidate(
                deployment=name,
                provider=entrant.deployment.provider.name,
                tier=tier,
                estimate=entrant.estimate,
                score=entrant.score,
                cap=entrant.cap,
                left_out=entrant.left_out,
                turns=turns,
                deferral=self._deferral(name),
            )

    def _case(self, candidate: Candidate, tier: Tier) -> Case:
        deployment = self.program.deployments[candidate.deployment]
        return Case(deployment, tier, self.features, self.snapshot, self.guards, candidate.estimate)

    def _deferral(self, name: str) -> Deferral | None:
        identity, now = self.program.deployments[name].identity, self.snapshot.now
        limited, cooling = self.snapshot.limited.get(identity, now), self.snapshot.cooling.get(identity, now)
        until = max(limited, cooling)
        return None if until <= now else Deferral("limited" if limited > now else "cooling", until)

    def _in_order(self, candidates: list[Candidate]) -> tuple[Candidate, ...]:
        """The ready ones, the preferred first; then the deferred ones, the first to be free first."""
        ready = [candidate for candidate in candidates if candidate.deferral is None]
        waiting = [(each.deferral.until, each) for each in candidates if each.deferral is not None]
        if self.features.hints.prefer:
            ready.sort(key=self._preference)
        return (*ready, *(candidate for _, candidate in sorted(waiting, key=lambda each: each[0])))

    def _preference(self, candidate: Candidate) -> int:
        deployment, preferred = self.program.deployments[candidate.deployment], self.features.hints.prefer
        return next(
            (place for place, name in enumerate(preferred) if _is_called(self.program.pools, deployment, name)),
            len(preferred),
        )


def _spec_cap(deployment: Deployment, said: int | None, *, bounded: bool) -> int | None:
    """The output cap where the caller gives none: the spec's, else one that bounds the cost; never more than it can."""
    cap = said or (OUTPUT_CAP if bounded else None)
    largest = deployment.max_output
    return cap if cap is None or largest is None else min(cap, largest)


def _is_called(pools: Mapping[str, Tier], deployment: Deployment, name: str) -> bool:
    """Whether `name` means this deployment: itself, its provider, its wire model, or a pool that it is in."""
    model = deployment.model
    names = (deployment.name, deployment.member, deployment.provider.name, model)
    if name in names or name == f"{deployment.provider.name}:{model}":
        return True
    return name in pools and deployment.member in pools[name].members
