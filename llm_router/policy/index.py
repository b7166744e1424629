"""Where rules are found: those that need some value of a hint by that value, the others in a residual list.

A rule is indexed when its condition can hold only if one hint has one of some values. Of several such hints the rule
goes to the one whose values the fewest rules ask for, so that 10,000 rules with a tenant each cost what ten do. Sets
are indexed by each of their words.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from llm_router.policy.program import RuleIndex
from llm_router.spec.conditions.condition import All, AnyOf, Condition, Scalar, Test
from llm_router.spec.conditions.feature_types import Declarations, feature_type
from llm_router.spec.refs import Reference

Needs: TypeAlias = Mapping[str, frozenset[Scalar]]
"""By feature, the values of which a condition needs one."""

_COMPARISONS = frozenset({"is", "in", "has"})


def build_index(conditions: Iterable[Condition], declarations: Declarations) -> RuleIndex:
    """Where to look for the rules with these conditions; a rule's place is its place in the sequence."""
    needs = [_of_hints(needed_values(condition), declarations) for condition in conditions]
    asked = Counter((feature, value) for needed in needs for feature in needed for value in needed[feature])
    by_value: dict[str, dict[object, list[int]]] = {}
    residual: list[int] = []
    for place, needed in enumerate(needs):
        feature = _rarest(needed, asked)
        if feature is None:
            residual.append(place)
            continue
        for value in needed[feature]:
            by_value.setdefault(feature, {}).setdefault(value, []).append(place)
    frozen = {feature: {value: tuple(found) for value, found in places.items()} for feature, places in by_value.items()}
    return RuleIndex(frozen, tuple(residual))


def candidate_places(index: RuleIndex, values: Mapping[str, object]) -> Iterator[int]:
    """Yields, in order, the places of the rules that may hold for these features; all others can't."""
    lists = [index.residual] if index.residual else []
    for feature, places in index.by_value.items():
        value = values.get(feature)
        for word in value if isinstance(value, frozenset) else (value,):
            if word in places:
                lists.append(places[word])
    return _distinct(heapq.merge(*lists)) if len(lists) > 1 else iter(lists[0] if lists else ())


def needed_values(condition: Condition) -> Needs:
    """By feature, values of which the condition needs one: it can't hold where the feature has none of them."""
    match condition:
        case Test(feature, op) as test if op in _COMPARISONS:
            values = frozenset(test.values)
            return {} if any(isinstance(value, Reference) for value in values) else {feature: values}
        case All(terms):
            return _smallest([needed_values(term) for term in terms])
        case AnyOf(terms) if terms:
            return _united([needed_values(term) for term in terms])
        case _:
            return {}


def _smallest(needs: list[Needs]) -> Needs:
    """What all of several conditions need together: of each feature the shorter list."""
    found: dict[str, frozenset[Scalar]] = {}
    for needed in needs:
        for feature, values in needed.items():
            if feature not in found or len(values) < len(found[feature]):
                found[feature] = values
    return found


def _united(needs: list[Needs]) -> Needs:
    """What any of several conditions needs: only features that all of them do."""
    shared = set(needs[0]).intersection(*needs[1:])
    return {feature: frozenset().union(*(needed[feature] for needed in needs)) for feature in shared}


def _of_hints(needed: Needs, declarations: Declarations) -> Needs:
    found = {feature: feature_type(feature, declarations) for feature in needed}
    return {feature: needed[feature] for feature, kind in found.items() if kind is not None and kind.hint}


def _rarest(needed: Needs, asked: Mapping[tuple[str, Scalar], int]) -> str | None:
    """The feature whose values the fewest rules ask for; of equals the first by name."""
    return min(needed, key=lambda name: (sum(asked[name, value] for value in needed[name]), name), default=None)


def _distinct(places: Iterable[int]) -> Iterator[int]:
    """The places in order, each once."""
    last = -1
    for place in places:
        if place != last:
            yield place
        last = place
