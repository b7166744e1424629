"""Whether conditions hold for given features, why, and which rules need to be asked at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from llm_router.policy.program import RuleIndex
from llm_router.spec.condition import Condition, Declarations


@dataclass(frozen=True, slots=True)
class Finding:
    """One predicate of a condition as the user wrote it, and what became of it. Carries no value of the request."""

    text: str
    held: bool
    absent: bool


def holds(condition: Condition, values: Mapping[str, object]) -> bool:
    """Whether a condition holds for these features; absent features are missing keys. Never raises."""
    raise NotImplementedError


def explain_condition(condition: Condition, values: Mapping[str, object]) -> tuple[Finding, ...]:
    """Every predicate of a condition with its outcome, in the order in which they are written."""
    raise NotImplementedError


def build_index(conditions: Iterable[Condition], declarations: Declarations) -> RuleIndex:
    """Where to look for the rules with these conditions; a rule's place is its place in the sequence."""
    raise NotImplementedError


def candidate_places(index: RuleIndex, values: Mapping[str, object]) -> Iterator[int]:
    """Yields, in order, the places of the rules that may hold for these features; all others can't."""
    raise NotImplementedError
