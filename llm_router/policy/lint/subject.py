"""What a lint looks at: the program, and the file that it came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from llm_router.diagnostics import Diagnostic, Span
from llm_router.policy.program import Deployment, Program, Rule, Tier
from llm_router.policy.proofs.boxes import Coverage
from llm_router.spec.conditions.feature_types import feature_type
from llm_router.spec.source import Path, Source

SINGLE_VALUED = frozenset({"word", "text", "boolean", "number"})


@dataclass(frozen=True)
class Subject:
    """One compiled spec."""

    program: Program
    source: Source
    shadows: dict[int, Coverage] = field(default_factory=dict, repr=False)
    """What was found about earlier rules, by the place of a rule: two lints ask."""

    def span(self, *path: str | int) -> Span:
        """Where the value at `path` stands, or the nearest thing around it."""
        return self.source.span(path)

    def key_span(self, *path: str | int) -> Span:
        """Where the key at `path` stands."""
        return self.source.key_span(path)

    def condition_span(self, *path: str | int) -> Span:
        """Where the condition of the rule or guard at `path` stands: its `when`, else its `if`, else all of it."""
        return self.span(*path, "when" if self.states((*path, "when")) else "if")

    def states(self, path: Path) -> bool:
        """Whether the file says something at this path."""
        return path in self.source.values

    @cached_property
    def using(self) -> tuple[Rule, ...]:
        """The rules that ask somebody (the others refuse)."""
        return tuple(rule for rule in self.program.rules if rule.refuse is None)

    @cached_property
    def tiers(self) -> tuple[Tier, ...]:
        """Every tier that a request can come to: of rules, guards' `instead`, failures' `next`, budgets' `use`."""
        program = self.program
        afters = [program.fallback.after, *(rule.fallback.after for rule in program.rules)]
        afters += [after for deployment in program.deployments.values() for after in deployment.after]
        lists = [rule.tiers for rule in program.rules]
        lists += [guard.instead for guard in program.guards if isinstance(guard.instead, tuple)]
        lists += [embedding.tiers for embedding in program.embeddings.values()]
        lists += [step.next for after in afters for step in after.values() if isinstance(step.next, tuple)]
        lists += [budget.when_spent for budget in program.budgets if isinstance(budget.when_spent, tuple)]
        return tuple(tier for tiers in lists for tier in tiers)

    def candidates(self, tiers: tuple[Tier, ...]) -> tuple[Deployment, ...]:
        """The deployments of these tiers, each name of the spec once (with its first key), in order."""
        members = dict.fromkeys(name for tier in tiers for name in tier.members)
        return tuple(self.program.deployments[self.program.members[name][0]] for name in members)

    @cached_property
    def buckets(self) -> Mapping[int, tuple[str, frozenset[object]]]:
        """By a rule's place, the single-valued hint that it is found by, and for which values."""
        found: dict[int, tuple[str, set[object]]] = {}
        for feature, places_by_value in self.program.index.by_value.items():
            kind = feature_type(feature, self.program.declarations)
            if kind is None or kind.kind not in SINGLE_VALUED:
                continue
            for value, places in places_by_value.items():
                for place in places:
                    found.setdefault(place, (feature, set()))[1].add(value)
        return {place: (feature, frozenset(values)) for place, (feature, values) in found.items()}

    def earlier(self, rule: Rule) -> tuple[Rule, ...]:
        """The rules before this one that can hold for the same request; the index leaves out the clearly disjoint."""
        known = self._earlier.get(rule.place)
        if known is None:
            known = self._earlier[rule.place] = tuple(self._may_meet(rule))
        return known

    @cached_property
    def _earlier(self) -> dict[int, tuple[Rule, ...]]:
        return {}

    def _may_meet(self, rule: Rule) -> Iterator[Rule]:
        rules = self.program.rules
        mine = self.buckets.get(rule.place)
        if mine is None:
            return iter(rules[: rule.place])
        feature, values = mine
        by_value = self.program.index.by_value[feature]
        same = {place for value in values for place in by_value[value]}
        places = sorted(same.union(self._outside(feature)))
        return (rules[place] for place in places if place < rule.place)

    def _outside(self, feature: str) -> frozenset[int]:
        """The places of the rules that aren't found by this feature."""
        known = self._outsiders.get(feature)
        if known is None:
            places = (rule.place for rule in self.program.rules)
            known = frozenset(place for place in places if self.buckets.get(place, ("",))[0] != feature)
            self._outsiders[feature] = known
        return known

    @cached_property
    def _outsiders(self) -> dict[str, frozenset[int]]:
        return {}


def warning(code: str, message: str, span: Span, help: str = "") -> Diagnostic:
    """A lint's finding."""
    return Diagnostic(code, "warning", message, span, help)
