"""`decide(program, features, snapshot) -> Decision`: pure, no clock, no chance but what the request id draws.

The first rule that holds is final; the caller's `model=` acts as a `use` of its own where no rule speaks of it. The
tiers become candidates: each is checked against everything that bars it, the rest are ranked inside their tier, and
those that can't be asked at the moment go behind all others.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import TypeAlias

from llm_router.messages import Settings, Thinking
from llm_router.policy.charges import Account, Charge, accounts_of, bounds, charges, covering, spends
from llm_router.policy.choose import Choice, choose
from llm_router.policy.decision import Candidate, Decision, Deferral, Estimate, Moved, Rejection, Score
from llm_router.policy.defaults import OUTPUT_CAP
from llm_router.policy.features import Features, in_world
from llm_router.policy.filters import Case, rejections, unsupported
from llm_router.policy.follow import spec_settings
from llm_router.policy.match import holds
from llm_router.policy.program import Deployment, Guard, Program, Rule, Tier
from llm_router.policy.rank import Draw, Weights, ahead, estimate, score, unmeasured, weights_of
from llm_router.policy.snapshot import Snapshot


def decide(program: Program, features: Features, snapshot: Snapshot) -> Decision:
    """Who is asked for this request, and why.

    A refusal or a lack of candidates is a decision too. Raises RequestError where `model=` names what the spec
    doesn't know.
    """
    features = in_world(program, features, snapshot)
    choice = choose(program, features)
    decision = _begin(program, features, choice)
    if decision.refused is not None:
        return decision
    frame = _frame(program, features, snapshot, choice.rule)
    chosen = frame.rank(choice.tiers)
    decision = replace(decision, candidates=chosen.candidates, rejections=chosen.rejections)
    if decision.pinned:
        return decision
    return _relieved(frame, decision) if chosen.candidates else _instead(frame, decision)


def continue_with(
    program: Program, features: Features, snapshot: Snapshot, decision: Decision, tiers: tuple[Tier, ...]
) -> Decision:
    """The decision that replaces `decision` when a failure's `next` lists `tiers`: filtered and ranked like any other.

    The engine leaves out who was already asked. Pinned decisions get no candidates from it.
    """
    if decision.pinned:
        return replace(decision, candidates=())
    features = in_world(program, features, snapshot)
    rule = None if decision.place is None else program.rules[decision.place]
    return _frame(program, features, snapshot, rule).instead_of(decision, tiers)


def relief_for(
    program: Program, features: Features, snapshot: Snapshot, decision: Decision, budgets: Collection[str]
) -> tuple[Candidate, ...]:
    """Who serves in place of whom these budgets keep back, where they were spent only after the decision."""
    if decision.pinned:
        return ()
    rule = None if decision.place is None else program.rules[decision.place]
    frame = _frame(program, in_world(program, features, snapshot), snapshot, rule)
    found: list[Candidate] = []
    for budget, tiers in frame.uses(budgets).items():
        relief = replace(frame, relieves=budget).instead_of(decision, tiers)
        known = {each.deployment for each in found}
        found += [each for each in relief.candidates if each.deployment not in known]
    return tuple(found)


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


def _frame(program: Program, features: Features, snapshot: Snapshot, rule: Rule | None) -> _Frame:
    return _Frame(program, features, snapshot, rule, _guards(program, features), accounts_of(program, features))


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


def _relieved(frame: _Frame, decision: Decision) -> Decision:
    """The decision with those behind the ready ones who serve in place of whom a spent budget keeps back."""
    ready, waiting = list(decision.ready), decision.deferred
    for budget, tiers in frame.spent(waiting).items():
        known = {each.deployment for each in ready}
        relief = replace(frame, relieves=budget).instead_of(decision, tiers)
        ready += [each for each in relief.ready if each.deployment not in known]
        decision = replace(decision, rejections=relief.rejections)
    names = {each.deployment for each in ready}
    return replace(decision, candidates=(*ready, *(each for each in waiting if each.deployment not in names)))


_Key: TypeAlias = tuple[bool, bool, float, float, int]


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
    accounts: tuple[Account, ...] = ()
    relieves: str | None = None

    def spent(self, waiting: tuple[Candidate, ...]) -> Mapping[str, tuple[Tier, ...]]:
        """The budgets that keep one of these back and say who serves then, with these tiers."""
        kept = [each.deferral.name for each in waiting if each.deferral and each.deferral.code == "budget"]
        return self.uses(kept)

    def uses(self, budgets: Collection[str]) -> Mapping[str, tuple[Tier, ...]]:
        """Who serves when these budgets are spent, by the name of the budget, where it says so."""
        uses = {each.name: each.when_spent for each in self.program.budgets if isinstance(each.when_spent, tuple)}
        return {name: tiers for name, tiers in uses.items() if name in budgets}

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
        return _Ranked(self._in_order(self._stuck(found, tiers)), tuple(rejected))

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
        entrants = [self._entrant(member, tier, weights) for member in tier.members]
        order = self._order(tier, weights, entrants)
        turns = (tier.name,) if tier.balance == "round-robin" else ()
        for (behind, *_), entrant in sorted(zip(order, entrants, strict=True), key=lambda each: each[0]):
            moved: Moved = "" if behind else "explored"
            yield from self._keys(entrant, number, turns, moved=moved)

    def _order(self, tier: Tier, weights: Weights | None, entrants: list[_Entrant]) -> list[_Key]:
        """What sorts the entrants: who is explored, what is known, its score, its balance, its place."""
        draw = Draw(tier, self.features.request_id, self.snapshot.turns.get(tier.name, 0), self._busy(tier, entrants))
        unknown = unmeasured(weights, {each.member: each.deployment for each in entrants}, self.snapshot)
        keys: list[_Key] = []
        for place, entrant in enumerate(entrants):
            unscored, total = ahead(entrant.score, tier.balance)
            behind = entrant.member not in unknown or not draw.explores(entrant.member)
            keys.append((behind, unscored, total, 0.0 if unscored else draw.key(entrant.member), place))
        return keys

    def _busy(self, tier: Tier, entrants: list[_Entrant]) -> Mapping[str, int]:
        if tier.balance != "least-busy":
            return {}
        deployments, in_flight = self.program.deployments, self.snapshot.in_flight
        return {
            each.member: sum(in_flight.get(deployments[name].identity, 0) for name in each.names) for each in entrants
        }

    def _entrant(self, member: str, tier: Tier, weights: Weights | None) -> _Entrant:
        names = self.program.members.get(member, (member,))
        deployment = self.program.deployments[names[0]]
        settings = spec_settings(self.program, self.rule, deployment)
        caller = self.features.needs.settings
        covered = covering(self.accounts, self.features, self.rule, deployment)
        paid = tier.max_cost is not None or self.features.hints.max_cost is not None or spends(covered)
        bounded = paid or bounds(covered)
        cap = caller.max_output_tokens or _spec_cap(deployment, settings.max_output_tokens, bounded=bounded)
        closely = paid and not (settings.extra or caller.extra)  # by which a provider may be told to add to it
        known = estimate(deployment, self.features, self.snapshot, cap, closely=closely)
        scored = None if weights is None else score(tier, weights, known)
        left_out = unsupported(deployment, settings, self._thinking(settings))
        return _Entrant(member, names, deployment, known, scored, cap, left_out)

    def _thinking(self, spec: Settings) -> Thinking | None:
        """What is asked of thinking: by the caller, else by the spec."""
        said = self.features.needs.settings.reasoning
        return spec.reasoning if said is None else said

    def _keys(self, entrant: _Entrant, tier: int, turns: tuple[str, ...], *, moved: Moved) -> Iterator[Candidate]:
        """Yields a candidate for each key of the entrant's provider, in turns."""
        names = entrant.names
        if len(names) > 1:
            turn = self.snapshot.turns.get(entrant.member, 0) % len(names)
            names, turns = (*names[turn:], *names[:turn]), (*turns, entrant.member)
        for name in names:
            asked = self._charges(name, entrant)
            yield Candidate(
                deployment=name,
                provider=entrant.deployment.provider.name,
                tier=tier,
                estimate=entrant.estimate,
                score=entrant.score,
                cap=entrant.cap,
                left_out=entrant.left_out,
                turns=turns,
                deferral=self._deferral(name, asked),
                moved=moved,
                charges=asked,
                relieves=self.relieves,
            )

    def _charges(self, name: str, entrant: _Entrant) -> tuple[Charge, ...]:
        covered = covering(self.accounts, self.features, self.rule, self.program.deployments[name])
        return charges(covered, self.features, entrant.estimate.cost_bound, entrant.cap, via=self.relieves)

    def _case(self, candidate: Candidate, tier: Tier) -> Case:
        deployment = self.program.deployments[candidate.deployment]
        thinking = self._thinking(spec_settings(self.program, self.rule, deployment))
        known = (self.guards, candidate.estimate, candidate.charges)
        return Case(deployment, tier, self.features, self.snapshot, *known, thinking)

    def _deferral(self, name: str, asked: tuple[Charge, ...]) -> Deferral | None:
        """What keeps the deployment back longest."""
        identity, snapshot = self.program.deployments[name].identity, self.snapshot
        found = [
            Deferral("limited", snapshot.limited.get(identity, snapshot.now)),
            Deferral("cooling", snapshot.cooling.get(identity, snapshot.now)),
            *(self._no_room(charge) for charge in asked),
        ]
        ahead = [each for each in found if each is not None and each.until > snapshot.now]
        return max(ahead, key=lambda each: each.until, default=None)

    def _no_room(self, charge: Charge) -> Deferral | None:
        """Until when settled charges leave no room, where that is longer than the request would wait."""
        account, standing = charge.account, self.snapshot.standings.get(charge.account.key)
        if standing is None or charge.amount is None or standing.settled + charge.amount <= charge.capacity:
            return None
        if standing.until <= self.snapshot.now + account.wait_s:
            return None
        return Deferral("budget" if account.kind == "money" else "limit", standing.until, account.name)

    def _stuck(self, candidates: list[Candidate], tiers: tuple[Tier, ...]) -> list[Candidate]:
        """The candidates, with the one that answered last in this conversation in front of its tier, or of all inside
        a tool loop. It takes no turn: those are for conversations that begin."""
        previous = self.features.previous or self.snapshot.previous
        last = next((each for each in candidates if each.deployment == previous and each.deferral is None), None)
        if last is None or not self._is_sticky(tiers[last.tier]):
            return candidates
        looping = self.features.in_tool_loop
        stuck = replace(last, turns=(), moved="tool loop" if looping else "sticky")
        others = [each for each in candidates if each is not last]
        place = 0 if looping else sum(each.tier < last.tier for each in others)
        return [*others[:place], stuck, *others[place:]]

    def _is_sticky(self, tier: Tier) -> bool:
        return tier.sticky and (self.rule is None or self.rule.sticky)

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
