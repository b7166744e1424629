"""Conditions as values: what `when:` and `if:` both become.

A condition is a tree of `All`, `AnyOf` and `Not` over `Test`s, total over the features of a request: it holds or it
doesn't, whatever is absent. It is read by `when` and `expression` beside this module, evaluated by
`llm_router.policy.match` and proved about by `llm_router.policy.proofs.boxes`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, assert_never

from llm_router.diagnostics import Span
from llm_router.spec.refs import Reference

Op: TypeAlias = Literal[
    "is", "not", "in", "above", "at_least", "below", "at_most", "between", "has", "contains", "matches", "exists"
]
Scalar: TypeAlias = bool | int | float | str | Reference
Value: TypeAlias = Scalar | tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Test:
    """One predicate. On a set `is`, `in` and `not` never occur: they were read as `has` and its negation.

    `value` is a tuple for `in` and `between`, and wherever any of several values will do (`not`: none of them).
    `exists` has True or False. `text` is the predicate as the user wrote it; neither it nor `span` takes part in
    comparisons.
    """

    __test__ = False  # pytest, this is no test class

    feature: str
    op: Op
    value: Value
    span: Span = field(compare=False, repr=False)
    text: str = field(default="", compare=False, repr=False)

    @property
    def values(self) -> tuple[Scalar, ...]:
        """What it compares with, one value or several, as a tuple."""
        return self.value if isinstance(self.value, tuple) else (self.value,)


@dataclass(frozen=True, slots=True)
class All:
    """Holds when every term does; without terms, always."""

    terms: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Holds when some term does; without terms, never."""

    terms: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Holds when the term doesn't."""

    term: Condition


Condition: TypeAlias = Test | All | AnyOf | Not

ALWAYS = All(())

DEEPEST = 32
"""How deep conditions may nest, in either spelling, so that no walk over one runs out of stack."""


def both(first: Condition, second: Condition) -> Condition:
    """The condition that holds when both do: a rule's `when` and its `if`."""
    terms = (*_conjuncts(first), *_conjuncts(second))
    return terms[0] if len(terms) == 1 else All(terms)


def joined(terms: Iterable[Condition | None], kind: type[All | AnyOf]) -> Condition | None:
    """The terms that could be read (not `None`) as one condition; `None` where none could."""
    known = tuple(term for term in terms if term is not None)
    return known[0] if len(known) == 1 else kind(known) if known else None


def tests_of(condition: Condition) -> Iterator[Test]:
    """Yields the predicates of a condition in the order in which they are written."""
    match condition:
        case Test():
            yield condition
        case Not(term):
            yield from tests_of(term)
        case All(terms) | AnyOf(terms):
            for term in terms:
                yield from tests_of(term)
        case _:
            assert_never(condition)


def reads(condition: Condition) -> frozenset[str]:
    """The names of the features that a condition reads."""
    return frozenset(test.feature for test in tests_of(condition))


def _conjuncts(condition: Condition) -> tuple[Condition, ...]:
    return condition.terms if isinstance(condition, All) else (condition,)
