"""Conditions and requests at random, over small domains, so that brute force can check what is proved."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from hypothesis import strategies as st

from llm_router.diagnostics import Span
from llm_router.spec.conditions.condition import All, AnyOf, Condition, Not, Test
from tests.conditions.reading import DECLARATIONS

NOWHERE = Span("spec.yaml", 1, 1, 1, 1)

DOMAINS: dict[str, tuple[object, ...]] = {
    "task": (*DECLARATIONS.tasks, None),
    "cost": ("low", "medium", "high", None),
    "tags": (None, *(frozenset(words) for words in ((), "a", "b", "ab"))),
    "metadata.pii": (True, False),
    "metadata.score": (-1, 0, 0.5, 1, 1.5, 2, 3, None),
    "metadata.tenant": ("ab", "b", "other", None),
    "input_tokens": (0, 1, 2, 3, 4, 5),
}
"""Values that stand for all: one on, between and beyond the values that conditions compare with."""

TEXTS = ("ab", "b")
NUMBERS = (0, 1, 2)


def _test(feature: str, op: str, value: object) -> Test:
    return Test(feature, op, value, NOWHERE)  # type: ignore[arg-type]  # drawn to fit


def _several(values: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(values, min_size=1, max_size=3, unique=True).map(tuple)


def _on(feature: str, values: st.SearchStrategy[object]) -> st.SearchStrategy[Test]:
    """Equality, membership and existence."""
    one = st.builds(_test, st.just(feature), st.sampled_from(["is", "not"]), values)
    several = st.builds(_test, st.just(feature), st.sampled_from(["in", "not"]), _several(values))
    return one | several | st.builds(_test, st.just(feature), st.just("exists"), st.booleans())


def _ordered(feature: str, values: tuple[object, ...]) -> st.SearchStrategy[Test]:
    ops = st.sampled_from(["above", "at_least", "below", "at_most"])
    pairs = st.tuples(*[st.integers(0, len(values) - 1)] * 2).map(lambda pair: tuple(values[i] for i in sorted(pair)))
    compared = st.builds(_test, st.just(feature), ops, st.sampled_from(values))
    return (
        _on(feature, st.sampled_from(values)) | compared | st.builds(_test, st.just(feature), st.just("between"), pairs)
    )


def _tags() -> st.SearchStrategy[Test]:
    words = st.sampled_from(["a", "b"])
    values = words | _several(words)
    has = st.builds(_test, st.just("tags"), st.sampled_from(["has", "not"]), values)
    return has | st.builds(_test, st.just("tags"), st.just("exists"), st.booleans())


TESTS: st.SearchStrategy[Test] = st.one_of(
    _on("task", st.sampled_from(DECLARATIONS.tasks)),
    _ordered("cost", ("low", "medium", "high")),
    _tags(),
    _on("metadata.pii", st.booleans()),
    _ordered("metadata.score", (0, 1, 2)),
    _on("metadata.tenant", st.sampled_from(TEXTS)),
    _ordered("input_tokens", (1, 2, 4)),
)

PATTERNS: st.SearchStrategy[Test] = st.builds(
    _test, st.just("metadata.tenant"), st.sampled_from(["contains", "matches"]), st.sampled_from(["b", "a*", "?B", "x"])
)


def conditions(tests: st.SearchStrategy[Test] = TESTS, *, size: int = 8) -> st.SearchStrategy[Condition]:
    """Conditions with up to `size` predicates; groups have at least two terms, as they are read."""
    return st.recursive(tests, lambda terms: _groups(terms), max_leaves=size)


def _groups(terms: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    several = st.lists(terms, min_size=2, max_size=4).map(tuple)
    return st.builds(Not, terms) | st.builds(All, several) | st.builds(AnyOf, several)


def requests() -> st.SearchStrategy[dict[str, object]]:
    """Features of requests; what is absent isn't there."""
    drawn = st.fixed_dictionaries({feature: st.sampled_from(values) for feature, values in DOMAINS.items()})
    return drawn.map(lambda values: {feature: value for feature, value in values.items() if value is not None})


def every_request(features: frozenset[str]) -> Iterator[dict[str, object]]:
    """Every request that some features tell apart."""
    names = sorted(features)
    for values in product(*(DOMAINS[name] for name in names)):
        yield {name: value for name, value in zip(names, values, strict=True) if value is not None}
