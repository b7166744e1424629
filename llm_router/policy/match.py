"""Whether conditions hold for given features, and what became of each predicate.

The features of a request are a mapping by name: booleans, numbers and text as themselves, sets as frozensets, and what
is absent isn't in it. A predicate on an absent feature is false; its negation, in every spelling, is true.
"""

from __future__ import annotations

import fnmatch
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from llm_router.spec.conditions.condition import All, AnyOf, Condition, Op, Test, tests_of
from llm_router.spec.conditions.feature_types import RANKS
from llm_router.spec.conditions.spelling import predicate_text

Values: TypeAlias = Mapping[str, object]
Folded: TypeAlias = dict[str, str]
"""The texts of one request without their case, by themselves, so that each is folded once for all rules."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One predicate of a condition as the user wrote it, and what became of it. Carries no value of the request."""

    text: str
    held: bool
    absent: bool


def holds(condition: Condition, values: Values, folded: Folded | None = None) -> bool:
    """Whether a condition holds for these features. Never raises.

    Several conditions that search the same long texts are cheaper with one `folded` for all, empty at first.
    """
    if isinstance(condition, Test):
        return test_holds(condition, values, {} if folded is None else folded)
    folded = {} if folded is None else folded
    if isinstance(condition, All):
        return all(holds(term, values, folded) for term in condition.terms)
    if isinstance(condition, AnyOf):
        return any(holds(term, values, folded) for term in condition.terms)
    return not holds(condition.term, values, folded)


def test_holds(test: Test, values: Values, folded: Folded) -> bool:
    """Whether one predicate holds."""
    value = values.get(test.feature)
    if value is None:
        return test.op == "not" or (test.op == "exists" and test.value is False)
    return _HOLDS[test.op](value, test, folded)


test_holds.__test__ = False  # type: ignore[attr-defined]  # pytest: no test, for all its name


def explain_condition(condition: Condition, values: Values) -> tuple[Finding, ...]:
    """Every predicate of a condition with its outcome, in the order in which they are written."""
    folded: Folded = {}
    return tuple(
        Finding(test.text or predicate_text(test), test_holds(test, values, folded), test.feature not in values)
        for test in tests_of(condition)
    )


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> Callable[[str], re.Match[str] | None]:
    return re.compile(fnmatch.translate(pattern.casefold())).match


def _is(value: object, test: Test, _: Folded) -> bool:
    return value == test.value


def _not(value: object, test: Test, _: Folded) -> bool:
    return value.isdisjoint(test.values) if isinstance(value, frozenset) else value not in test.values


def _in(value: object, test: Test, _: Folded) -> bool:
    return isinstance(test.value, tuple) and value in test.value


def _has(value: object, test: Test, _: Folded) -> bool:
    return isinstance(value, frozenset) and not value.isdisjoint(test.values)


def _above(value: object, test: Test, _: Folded) -> bool:
    return _rank(value, test) > _rank(test.value, test)


def _at_least(value: object, test: Test, _: Folded) -> bool:
    return _rank(value, test) >= _rank(test.value, test)


def _below(value: object, test: Test, _: Folded) -> bool:
    return _rank(value, test) < _rank(test.value, test)


def _at_most(value: object, test: Test, _: Folded) -> bool:
    return _rank(value, test) <= _rank(test.value, test)


def _between(value: object, test: Test, _: Folded) -> bool:
    low, high = test.value if isinstance(test.value, tuple) else (test.value, test.value)
    return _rank(low, test) <= _rank(value, test) <= _rank(high, test)


def _rank(value: object, test: Test) -> float:
    """A number as itself, an ordered word as its place; anything else compares with nothing."""
    return value if isinstance(value, (int, float)) else RANKS.get(test.feature, _UNRANKED).get(str(value), math.nan)


_UNRANKED: Mapping[str, int] = {}


def _contains(value: object, test: Test, folded: Folded) -> bool:
    text = _fold(value, folded)
    return any(part.casefold() in text for part in _texts(test))


def _matches(value: object, test: Test, folded: Folded) -> bool:
    text = _fold(value, folded)
    return any(_compiled(pattern)(text) is not None for pattern in _texts(test))


def _texts(test: Test) -> tuple[str, ...]:
    """The texts that a predicate compares with; a reference that isn't bound is none."""
    return tuple(value for value in test.values if isinstance(value, str))


def _fold(value: object, folded: Folded) -> str:
    text = str(value)
    found = folded.get(text)
    if found is None:
        found = folded[text] = text.casefold()
    return found


def _exists(_value: object, test: Test, _: Folded) -> bool:
    return test.value is True


_HOLDS: Mapping[Op, Callable[[object, Test, Folded], bool]] = {
    "is": _is,
    "not": _not,
    "in": _in,
    "above": _above,
    "at_least": _at_least,
    "below": _below,
    "at_most": _at_most,
    "between": _between,
    "has": _has,
    "contains": _contains,
    "matches": _matches,
    "exists": _exists,
}
