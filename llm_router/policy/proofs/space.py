"""The space that conditions speak of, and boxes in it: one set of values for each of some dimensions.

A feature is a dimension; so is each word of a set feature, and each pattern on a text, which are true or false. What
binds dimensions together (a word is in no absent set; a known text matches a pattern or doesn't) is applied to every
box, so that an empty box is always seen to be empty. Patterns that no known text decides are opaque: each is equal only
to itself. So are references that wait for the environment.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from llm_router.policy.match import test_holds
from llm_router.policy.proofs.valuesets import BOTTOM, TOP, Cut, Numbers, ValueSet, Word, Words, meet, minus, whole
from llm_router.spec.conditions.condition import Test
from llm_router.spec.conditions.feature_types import Declarations, FeatureType, Placement, feature_type


class Dimension(NamedTuple):
    """A feature's value, whether a set has the word `of`, or whether the predicate `of` holds."""

    feature: str
    kind: Literal["value", "word", "opaque"] = "value"
    of: Test | str | None = None


Box: TypeAlias = Mapping[Dimension, ValueSet]
"""Dimensions that aren't named take any value. No set in a box is empty."""

TRUE = Words(frozenset({True}))
FALSE = Words(frozenset({False}))
EITHER = Words(frozenset({True, False}))

_ANY_TEXT = FeatureType("text")
_PATTERNS = frozenset({"contains", "matches"})


@dataclass(frozen=True, slots=True)
class Space:
    """The dimensions under some declarations."""

    declarations: Declarations | Placement

    def kind(self, feature: str) -> FeatureType:
        """A feature's type; one that isn't known counts as text."""
        return feature_type(feature, self.declarations) or _ANY_TEXT

    def full(self, dimension: Dimension) -> ValueSet:
        """All values that a dimension can take."""
        if dimension.kind != "value":
            return EITHER
        kind = self.kind(dimension.feature)
        if kind.kind == "number":
            return Numbers(bounds(kind), kind.may_be_absent)
        listed: tuple[Word, ...] = (True, False) if kind.kind == "boolean" else ()
        listed = kind.words if kind.kind == "word" else listed
        if listed:
            return Words(frozenset((*listed, None) if kind.may_be_absent else listed))
        return Words(frozenset(() if kind.may_be_absent else (None,)), excluded=True)

    def within(self, box: Box, dimension: Dimension) -> ValueSet:
        """The values that a box leaves to a dimension."""
        found = box.get(dimension)
        return self.full(dimension) if found is None else found

    def meet(self, first: Box, second: Box) -> Box | None:
        """What is in both boxes; `None` where nothing is."""
        found = dict(first)
        for dimension, values in second.items():
            mine = found.get(dimension)
            shared = values if mine is None else meet(mine, values)
            if shared.empty:
                return None
            found[dimension] = shared
        return self.settled(found)

    def apart(self, first: Box, second: Box) -> bool:
        """Whether two boxes share nothing; False where that shows only when they are met."""
        return any(dimension in first and meet(first[dimension], second[dimension]).empty for dimension in second)

    def minus(self, first: Box, second: Box) -> Iterator[Box]:
        """Yields boxes, apart from each other, that make up what is in the first and not in the second."""
        inside = dict(first)
        for dimension, values in second.items():
            mine = self.within(inside, dimension)
            outside = self.settled({**inside, dimension: minus(mine, values)})
            if outside is not None:
                yield outside
            inside[dimension] = meet(mine, values)
            if inside[dimension].empty:
                return

    def arranged(self, box: Box) -> Box:
        """The same box, dimensions of few values first: taking it away then splits least."""
        return {dimension: box[dimension] for dimension in sorted(box, key=self._breadth)}

    def _breadth(self, dimension: Dimension) -> tuple[int, str, str, str]:
        full = self.full(dimension)
        breadth = 1 if isinstance(full, Numbers) else 2 if full.excluded else 0
        return breadth, dimension.feature, dimension.kind, str(dimension.of)

    def narrowness(self, box: Box) -> int:
        """A rough order of boxes: the more dimensions and the fewer of their values, the narrower."""
        listed = (isinstance(values, Words) and not values.excluded for values in box.values())
        return sum(
            3 if few and self._breadth(dimension)[0] == 2 else 1 for dimension, few in zip(box, listed, strict=True)
        )

    def settled(self, box: dict[Dimension, ValueSet]) -> Box | None:
        """The box with what binds its dimensions applied; `None` where it is empty."""
        if any(values.empty for values in box.values()):
            return None
        bound = {dimension.feature for dimension in box if dimension.kind != "value"}
        return box if all(self._settle(box, feature) for feature in bound) else None

    def _settle(self, box: dict[Dimension, ValueSet], feature: str) -> bool:
        """Applies to a feature's value what its words and predicates say; False where nothing is left.

        Where the values can be listed, the patterns are decided: they only say which of the values are meant.
        """
        place = Dimension(feature)
        values = self.within(box, place)
        said = [key for key in box if key.feature == feature and key.kind != "value"]
        if any(box[key] == TRUE for key in said):
            values = values.present()
        if isinstance(values, Words) and not values.excluded:
            patterns = [key for key in said if isinstance(key.of, Test) and key.of.op in _PATTERNS]
            decided = {
                key: box.pop(key) for key in patterns if isinstance(key.of, Test) and isinstance(key.of.value, str)
            }
            values = Words(frozenset(value for value in values.values if _agrees(value, decided)))
        if place in box or values != self.full(place):
            box[place] = values
        return not values.empty


def _agrees(value: Word, decided: Box) -> bool:
    """Whether a known value makes all these patterns what they are said to be."""
    known = {} if value is None else {key.feature: value for key in decided}
    return all(
        isinstance(allowed, Words) and allowed.has(isinstance(key.of, Test) and test_holds(key.of, known, {}))
        for key, allowed in decided.items()
    )


def bounds(kind: FeatureType) -> tuple[Cut, ...]:
    """The interval that a number ranges over."""
    low: Cut = BOTTOM if kind.low is None else (kind.low, 0)
    high: Cut = TOP if kind.high is None else (kind.high, 1)
    return whole((low, high)) if kind.whole else (low, high)


def interval(test: Test) -> tuple[Cut, ...]:
    """The numbers for which a predicate of order or equality holds."""
    values = test.value if isinstance(test.value, tuple) else (test.value, test.value)
    numbers = [value for value in values if isinstance(value, (int, float))]
    low, high = numbers[0] if numbers else math.nan, numbers[-1] if numbers else math.nan
    return {
        "above": ((low, 1), TOP),
        "at_least": ((low, 0), TOP),
        "below": (BOTTOM, (high, 0)),
        "at_most": (BOTTOM, (high, 1)),
    }.get(test.op, ((low, 0), (high, 1)))
