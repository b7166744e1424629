"""Why a request is decided as it is: rule by rule, candidate by candidate; as text for people, as JSON for programs.

INVARIANT: predicates are told as the spec writes them, with whether they held; never the values of a request.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from llm_router.catalog.tokens import TokenCount
from llm_router.messages import Json
from llm_router.policy.choose import holding_rules
from llm_router.policy.decide import decide
from llm_router.policy.decision import Candidate, Decision, DeferralCode, Estimate, Moved
from llm_router.policy.features import Features, in_world
from llm_router.policy.match import Finding, explain_condition, holds
from llm_router.policy.program import Guard, Program, Rule
from llm_router.policy.snapshot import Snapshot
from llm_router.units import PICODOLLARS_PER_DOLLAR, format_count, format_money, format_wait

Outcome = Literal["decides", "passed over", "doesn't hold"]
"""`passed over`: it holds, but the caller's `model=` says otherwise."""


@dataclass(frozen=True, slots=True)
class RuleExplanation:
    """One rule that was looked at, and what each of its predicates said."""

    name: str
    outcome: Outcome
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class GuardExplanation:
    """One guard, whether it holds for the request, and whom it allows then."""

    name: str
    holds: bool
    findings: tuple[Finding, ...]
    allowed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision with its reasons. `later` is how many rules come after the one that decided."""

    decision: Decision
    rules: tuple[RuleExplanation, ...]
    later: int
    guards: tuple[GuardExplanation, ...]
    input_tokens: TokenCount
    now: float

    def text(self) -> str:
        """The explanation as people read it."""
        sections = (
            _headline(self),
            section("rules", [*map(_rule_line, self.rules), *_later_line(self.later)]),
            section("guards", [_guard_line(guard) for guard in self.guards]),
            section("candidates", _candidate_lines(self)),
            section("rejected", [f"{name}: {reason}" for name, reason in self.decision.reasons().items()]),
        )
        return "\n".join(section for section in sections if section) + "\n"

    def json(self) -> Mapping[str, Json]:
        """The explanation as one JSON object: costs in USD, durations in seconds."""
        return {
            "decision": decision_json(self.decision),
            "rules": [
                {"name": rule.name, "outcome": rule.outcome, "predicates": _findings_json(rule.findings)}
                for rule in self.rules
            ],
            "rules_not_looked_at": self.later,
            "guards": [
                {"name": guard.name, "holds": guard.holds, "predicates": _findings_json(guard.findings)}
                for guard in self.guards
            ],
            "input_tokens": {"value": self.input_tokens.value, "basis": self.input_tokens.basis},
        }


def explain(program: Program, features: Features, snapshot: Snapshot) -> Explanation:
    """Why `decide` says what it says. Raises RequestError where `decide` does."""
    features = in_world(program, features, snapshot)
    decision = decide(program, features, snapshot)
    last = len(program.rules) if decision.place is None else decision.place + 1
    held = {rule.place for rule in holding_rules(program, features)}
    return Explanation(
        decision,
        tuple(_explain_rule(rule, features, decision, held) for rule in program.rules[:last]),
        len(program.rules) - last,
        tuple(_explain_guard(guard, features) for guard in program.guards),
        features.input_tokens,
        snapshot.now,
    )


def decision_json(decision: Decision) -> Mapping[str, Json]:
    """A decision as one JSON object: costs in USD, durations in seconds."""
    return {
        "id": decision.id,
        "program_hash": decision.program_hash,
        "rule": decision.rule,
        "via": decision.via,
        "guard": decision.guard,
        "refused": decision.refused,
        "pinned": decision.pinned,
        "candidates": [_candidate_json(candidate) for candidate in decision.candidates],
        "rejections": [
            {"deployment": each.deployment, "code": each.code, "reason": each.reason, "guard": each.guard}
            for each in decision.rejections
        ],
    }


def _explain_rule(rule: Rule, features: Features, decision: Decision, held: set[int]) -> RuleExplanation:
    outcome: Outcome = "passed over" if rule.place in held else "doesn't hold"
    if rule.place == decision.place:
        outcome = "decides"
    return RuleExplanation(rule.name, outcome, explain_condition(rule.condition, features.values))


def _explain_guard(guard: Guard, features: Features) -> GuardExplanation:
    findings = explain_condition(guard.condition, features.values)
    return GuardExplanation(guard.name, holds(guard.condition, features.values), findings, tuple(sorted(guard.allowed)))


def _headline(explanation: Explanation) -> str:
    decision = explanation.decision
    if decision.refused is not None:
        return f"the rule `{decision.rule}` refuses: {decision.refused}"
    chosen = f"the rule `{decision.rule}` decides" if decision.rule else "no rule holds"
    if decision.via == "name":
        chosen = "the caller's `model` decides"
    if decision.via == "instead":
        chosen += f"; the guard `{decision.guard}` leaves nobody of it"
    if not decision.candidates:
        return f"{chosen}; nobody may serve this request"
    first = decision.candidates[0]
    waiting = "" if first.deferral is None else ", once it may be asked"
    return f"{chosen}; {first.deployment} is asked first{waiting}"


def section(title: str, lines: list[str]) -> str:
    """Lines under a title; nothing where there are none."""
    return "\n".join([f"\n{title}", *(f"  {line}" for line in lines)]) if lines else ""


_MARKS: Mapping[Outcome, str] = {"decides": "✓", "passed over": "·", "doesn't hold": "✗"}


def _rule_line(rule: RuleExplanation) -> str:
    passed = " (holds; passed over for the caller's `model`)" if rule.outcome == "passed over" else ""
    return f"{_MARKS[rule.outcome]} {rule.name}{passed}{_findings_text(rule.findings)}"


def _later_line(later: int) -> list[str]:
    rules = "rule was" if later == 1 else "rules were"
    return [f"… {later} later {rules} not looked at"] if later else []


def _guard_line(guard: GuardExplanation) -> str:
    if not guard.holds:
        return f"✗ {guard.name}{_findings_text(guard.findings)}"
    allowed = ", ".join(guard.allowed) or "nobody"
    return f"✓ {guard.name}{_findings_text(guard.findings)}; allows {allowed}"


def _findings_text(findings: tuple[Finding, ...]) -> str:
    said = ", ".join(f"{finding.text} {_verdict(finding)}" for finding in findings)
    return f": {said}" if said else ""


def _verdict(finding: Finding) -> str:
    if finding.absent:
        return "(absent)"
    return "(holds)" if finding.held else "(doesn't hold)"


def _findings_json(findings: tuple[Finding, ...]) -> list[Json]:
    return [{"predicate": each.text, "held": each.held, "absent": each.absent} for each in findings]


def _candidate_lines(explanation: Explanation) -> list[str]:
    candidates = enumerate(explanation.decision.candidates, start=1)
    return [f"{number}. {_candidate_text(candidate, explanation.now)}" for number, candidate in candidates]


def _candidate_text(candidate: Candidate, now: float) -> str:
    notes = [*_estimate_notes(candidate.estimate), *_score_notes(candidate)]
    if candidate.cap is not None:
        notes.append(f"answers with {format_count(candidate.cap)} tokens at most")
    if candidate.left_out:
        notes.append(f"can't take {', '.join(f'`{name}`' for name in candidate.left_out)}, left out")
    if candidate.moved:
        notes.append(_MOVED[candidate.moved])
    if candidate.deferral is not None:
        left = format_wait(max(candidate.deferral.until - now, 0.0))
        notes.append(_DEFERRED[candidate.deferral.code].format(name=candidate.deferral.name) + f", for {left} yet")
    if candidate.relieves:
        notes.append(f"serves because the budget `{candidate.relieves}` is spent")
    return f"{candidate.deployment} ({candidate.provider}): {'; '.join(notes)}"


_DEFERRED: Mapping[DeferralCode, str] = {
    "limited": "limited",
    "cooling": "cooling",
    "limit": "its limit `{name}` is used up",
    "budget": "the budget `{name}` has no room for it",
}

_MOVED: Mapping[Moved, str] = {
    "sticky": "answered last in this conversation, so first in its tier",
    "tool loop": "answered last in this tool loop, so ahead of all",
    "explored": "not measured lately, so asked first to learn its speed",
}


def _estimate_notes(estimate: Estimate) -> list[str]:
    notes = [_cost_note(estimate.cost, estimate.cost_bound)]
    if estimate.seconds is not None:
        notes.append(f"about {estimate.seconds:.1f}s")
    if estimate.quality is not None:
        notes.append(f"quality {estimate.quality:g}")
    return notes


def _cost_note(cost: int | None, most: int | None) -> str:
    if cost is None:
        return "cost unknown"
    if not cost and not most:
        return "free"
    return f"about {_short(cost)} USD" + ("" if most is None else f", at most {_short(most)}")


def _score_notes(candidate: Candidate) -> list[str]:
    scored = candidate.score
    if scored is None:
        return []
    parts = " ".join(f"{part} {value:+.2f}" for part, value in scored.parts.items())
    if scored.total is None:
        return [f"score unknown, so last in its tier{f' ({parts})' if parts else ''}"]
    return [f"score {scored.total:.2f} ({parts})"]


def _candidate_json(candidate: Candidate) -> Json:
    estimate, scored, deferral = candidate.estimate, candidate.score, candidate.deferral
    return {
        "deployment": candidate.deployment,
        "provider": candidate.provider,
        "tier": candidate.tier,
        "estimate": {
            "cost_usd": _usd(estimate.cost),
            "cost_bound_usd": _usd(estimate.cost_bound),
            "seconds": estimate.seconds,
            "quality": estimate.quality,
        },
        "score": None if scored is None else {"total": scored.total, "parts": dict(scored.parts.items())},
        "max_output_tokens": candidate.cap,
        "left_out": list(candidate.left_out),
        "moved": candidate.moved or None,
        "deferral": None
        if deferral is None
        else {"code": deferral.code, "until": deferral.until, "name": deferral.name or None},
    }


def _usd(picodollars: int | None) -> float | None:
    return None if picodollars is None else picodollars / PICODOLLARS_PER_DOLLAR


def _short(picodollars: int) -> str:
    """An amount in USD to the millionth; one below that exactly, because it isn't nothing."""
    rounded = f"{picodollars / PICODOLLARS_PER_DOLLAR:.6f}"
    return rounded if float(rounded) or not picodollars else format_money(picodollars).removesuffix(" USD")
