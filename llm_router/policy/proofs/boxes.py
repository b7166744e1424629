"""What can be proved about conditions: whether one can hold, what covers it, and an example of values.

A condition becomes a union of boxes. Everything is decided by meeting boxes and taking boxes away from boxes, so the
answers are exact, but for patterns on unknown texts, which count as independent of each other. Past `LIMIT` steps the
answer is unknown, and the caller has to say so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from typing import Literal, TypeAlias

from llm_router.policy.match import holds
from llm_router.policy.proofs.example import example_in
from llm_router.policy.proofs.predicates import boxes_of_test
from llm_router.policy.proofs.space import Box, Dimension, Space
from llm_router.spec.conditions.condition import All, AnyOf, Condition, Not, Test, reads
from llm_router.spec.conditions.feature_types import Declarations, Placement

LIMIT = 50_000
"""How many pairs of boxes are met or taken away before an analysis is given up."""

MOST_EXAMPLES = 100
"""In how many boxes an example is looked for; where patterns are opaque, a box may have none."""

FIRST_GUESSES = 4
"""In how many boxes an uncovered example is looked for before anything is taken away: most often there is one."""

MOST_MINIMISED = 16
"""Among how many conditions those that a coverage needs are told from those that it doesn't."""

Boxes: TypeAlias = tuple[Box, ...]
_EVERYTHING: Boxes = ({},)


@dataclass(frozen=True, slots=True)
class Coverage:
    """Whether other conditions together hold wherever one does.

    `by` are the places of those that take part; of up to `MOST_MINIMISED` only those that are needed. `gap` is an
    example that none of them covers, where one was found: values by feature, `None` for an absent one.
    """

    verdict: Literal["yes", "no", "unknown"]
    by: tuple[int, ...] = ()
    gap: Mapping[str, object] | None = None


def can_hold(condition: Condition, declarations: Declarations | Placement) -> bool | None:
    """Whether the condition holds for some values; `None` where that takes more than `LIMIT` steps."""
    boxes = _known_boxes(condition, declarations)
    return None if boxes is None else bool(boxes)


def covered_by(condition: Condition, others: Sequence[Condition], declarations: Declarations | Placement) -> Coverage:
    """Whether, wherever the condition holds, some of the others does. What never holds is covered by none of them."""
    analysis = _Analysis(Space(declarations))
    boxes = _known_boxes(condition, declarations)
    if boxes is None:
        return Coverage("unknown")
    gap = _example(boxes[:FIRST_GUESSES], condition, others, analysis.space)
    if gap is not None:
        return Coverage("no", gap=gap)
    try:
        left, by = analysis.rest(boxes, others)
        if left:
            return Coverage("no", gap=_example(left, condition, others, analysis.space))
        return Coverage("yes", analysis.needed(boxes, others, by) if len(by) <= MOST_MINIMISED else by)
    except _TooManySteps:
        return Coverage("unknown")


def _example(
    boxes: Boxes, condition: Condition, others: Sequence[Condition], space: Space
) -> Mapping[str, object] | None:
    """An example out of these boxes for which the condition holds and none of the others does."""
    always = _never_absent(frozenset().union(reads(condition), *(reads(other) for other in others)), space)
    for box in boxes[:MOST_EXAMPLES]:
        found = example_in(box, space)
        if found is not None:
            example = {**found, **{feature: value for feature, value in always.items() if feature not in found}}
            values = {feature: value for feature, value in example.items() if value is not None}
            if holds(condition, values) and not any(holds(other, values) for other in others):
                return example
    return None


def _never_absent(features: frozenset[str], space: Space) -> Mapping[str, object]:
    """Values for those features that every request has: what stands in for an absent one, else the simplest."""
    kinds = {feature: space.kind(feature) for feature in sorted(features)}
    return {
        feature: space.full(Dimension(feature)).example() if kind.absent is None else kind.absent
        for feature, kind in kinds.items()
        if not kind.may_be_absent
    }


@lru_cache(maxsize=16_384)
def _known_boxes(condition: Condition, declarations: Declarations | Placement) -> Boxes | None:
    try:
        space = Space(declarations)
        return tuple(space.arranged(box) for box in _Analysis(space).boxes(condition))
    except _TooManySteps:
        return None


class _TooManySteps(Exception):
    """The analysis goes past its limit."""


@dataclass(slots=True)
class _Analysis:
    """Works on boxes, and counts the steps."""

    space: Space
    steps: int = 0

    def boxes(self, condition: Condition) -> Boxes:
        """The union of boxes in which the condition holds."""
        match condition:
            case Test():
                return boxes_of_test(condition, self.space)
            case Not(Test() as test):
                return boxes_of_test(test, self.space, negated=True)
            case Not(term):
                return self._without(_EVERYTHING, self.boxes(term))
            case AnyOf(terms):
                return tuple(box for term in terms for box in self.boxes(term))
            case All(terms):
                return reduce(self._and, sorted(terms, key=_is_negated_group), _EVERYTHING)

    def _and(self, boxes: Boxes, term: Condition) -> Boxes:
        """What of these boxes lies in a condition's; a negated group is taken away, which splits least."""
        if isinstance(term, Not) and _is_negated_group(term):
            return self._without(boxes, self.boxes(term.term))
        others = self.boxes(term)
        self._count(len(boxes) * len(others))
        met = (self.space.meet(box, other) for box in boxes for other in others)
        return tuple(box for box in met if box is not None)

    def _without(self, boxes: Boxes, others: Boxes) -> Boxes:
        """What is in these boxes and not in the others."""
        for other in others:
            boxes = self._less(boxes, other)
        return boxes

    def _less(self, boxes: Boxes, other: Box) -> Boxes:
        self._count(len(boxes))
        rest: list[Box] = []
        for box in boxes:
            if self.space.apart(box, other):
                rest.append(box)
            else:
                rest += self.space.minus(box, other)
        return tuple(rest)

    def rest(self, boxes: Boxes, others: Sequence[Condition]) -> tuple[Boxes, tuple[int, ...]]:
        """What the others leave of these boxes, and the places of those that took something away."""
        taken = {place: self._known(other) for place, other in enumerate(others)}
        took: list[int] = []
        for place in sorted(taken, key=lambda place: self._narrowness(taken[place])):
            if not boxes:
                break
            left = self._without(boxes, taken[place])
            if left != boxes:
                took.append(place)
            boxes = left
        return boxes, tuple(sorted(took))

    def _known(self, condition: Condition) -> Boxes:
        boxes = _known_boxes(condition, self.space.declarations)
        if boxes is None:
            raise _TooManySteps
        return boxes

    def _narrowness(self, boxes: Boxes) -> int:
        """How little a condition takes away, roughly: broad ones go first, so that few are needed."""
        return min((self.space.narrowness(box) for box in boxes), default=0)

    def needed(self, boxes: Boxes, others: Sequence[Condition], places: tuple[int, ...]) -> tuple[int, ...]:
        """Of the places of others that cover these boxes, so many that none can be left out."""
        for place in reversed(places):
            fewer = tuple(other for other in places if other != place)
            left, _ = self.rest(boxes, [others[other] for other in fewer])
            if not left:
                places = fewer
        return places

    def _count(self, steps: int) -> None:
        self.steps += steps
        if self.steps > LIMIT:
            raise _TooManySteps


def _is_negated_group(term: Condition) -> bool:
    return isinstance(term, Not) and not isinstance(term.term, Test)
