"""One predicate as boxes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from llm_router.policy.match import test_holds
from llm_router.policy.proofs.space import FALSE, TRUE, Box, Dimension, Space, interval
from llm_router.policy.proofs.valuesets import Numbers, ValueSet, Words, minus, whole
from llm_router.spec.conditions.condition import Op, Scalar, Test
from llm_router.spec.refs import Reference

_ANY_OF = frozenset({"is", "in", "has", "contains", "matches"})


def boxes_of_test(test: Test, space: Space, *, negated: bool = False) -> tuple[Box, ...]:
    """The boxes in which a predicate holds; `negated`, those in which it doesn't."""
    if test.op == "not":
        several: Op = "in" if isinstance(test.value, tuple) else "is"
        wanted: Op = "has" if space.kind(test.feature).kind == "set" else several
        return boxes_of_test(replace(test, op=wanted), space, negated=not negated)
    if test.op == "exists":
        return _boxes_of_absence(test.feature, space, absent=(test.value is False) is not negated)
    known, told = _known_values(test, space), tuple(_told(test))
    place = Dimension(test.feature)
    boxes: list[dict[Dimension, ValueSet]] = [{dimension: TRUE} for dimension in told]
    if negated:
        boxes = [dict.fromkeys(told, FALSE)]
        if not known.empty:
            boxes[0][place] = minus(space.full(place), known)
    elif not known.empty:
        boxes.insert(0, {place: known})
    return tuple(box for box in map(space.settled, boxes) if box is not None)


def _boxes_of_absence(feature: str, space: Space, *, absent: bool) -> tuple[Box, ...]:
    place = Dimension(feature)
    full = space.full(place)
    values = minus(full, full.present()) if absent else full.present()
    return () if values.empty else ({place: values},)


def _known_values(test: Test, space: Space) -> ValueSet:
    """The values for which the predicate is known to hold."""
    full = space.full(Dimension(test.feature))
    if isinstance(full, Numbers):
        return _known_numbers(test, space, full)
    if not full.excluded:
        return Words(frozenset(value for value in full.values if value is not None and _holds_for(value, test)))
    if test.op not in ("is", "in") or space.kind(test.feature).kind == "set":
        return Words(frozenset())
    return full.meet(Words(frozenset(value for value in test.values if not isinstance(value, Reference))))


def _known_numbers(test: Test, space: Space, full: Numbers) -> Numbers:
    if any(isinstance(value, Reference) for value in test.values) and test.op not in _ANY_OF:
        return Numbers(())
    kind = space.kind(test.feature)
    rest = full
    for part in [replace(test, value=value) for value in test.values] if test.op == "in" else [test]:
        if not isinstance(part.value, Reference):
            cuts = interval(part)
            rest = rest.minus(Numbers(whole(cuts) if kind.whole else cuts))
    return full.minus(rest)


def _holds_for(value: Scalar, test: Test) -> bool:
    return test_holds(test, {test.feature: value}, {})


def _told(test: Test) -> Iterator[Dimension]:
    """The dimensions of what can't be told of a value alone: words of sets, patterns, references."""
    if test.op not in _ANY_OF:
        if any(isinstance(value, Reference) for value in test.values):
            yield Dimension(test.feature, "opaque", test)
        return
    for value in test.values:
        if isinstance(value, Reference):
            yield Dimension(test.feature, "opaque", replace(test, op="is", value=value))
        elif test.op == "has":
            yield Dimension(test.feature, "word", str(value))
        elif test.op in ("contains", "matches"):
            yield Dimension(test.feature, "opaque", replace(test, value=str(value).casefold()))
