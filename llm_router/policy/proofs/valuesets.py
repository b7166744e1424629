"""Sets of the values that one feature can take: finite and cofinite sets of words, unions of intervals.

`None` stands for the absent feature and is a value like the others.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from llm_router.spec.conditions.condition import Scalar

Word: TypeAlias = Scalar | None


@dataclass(frozen=True, slots=True)
class Words:
    """These values, or, `excluded`, all values but these."""

    values: frozenset[Word]
    excluded: bool = False

    @property
    def empty(self) -> bool:
        """Whether no value is in the set."""
        return not self.values and not self.excluded

    @property
    def listed(self) -> frozenset[Word] | None:
        """The values, where they can be listed."""
        return None if self.excluded else self.values

    def has(self, value: Word) -> bool:
        """Whether a value is in the set."""
        return (value in self.values) is not self.excluded

    def meet(self, other: Words) -> Words:
        """The values in both."""
        if self.excluded and other.excluded:
            return Words(self.values | other.values, True)
        if self.excluded:
            return Words(other.values - self.values)
        return Words(self.values - other.values if other.excluded else self.values & other.values)

    def minus(self, other: Words) -> Words:
        """The values in this set that aren't in the other."""
        return self.meet(Words(other.values, not other.excluded))

    def present(self) -> Words:
        """The set without absence."""
        return self.minus(_ABSENT)

    def example(self) -> Word:
        """Some value of a set that isn't empty: absence if it may be, else the first word, else a new one."""
        if self.has(None):
            return None
        if not self.excluded:
            return min(self.values, key=str)
        return next(word for word in _new_words() if word not in self.values)


_ABSENT = Words(frozenset({None}))


def _new_words() -> Iterator[str]:
    yield "other"
    number = 2
    while True:
        yield f"other-{number}"
        number += 1


Cut: TypeAlias = tuple[int | float, int]
"""A place on the number line: just before a number (0) or just after it (1)."""

BOTTOM: Cut = (-math.inf, 0)
TOP: Cut = (math.inf, 1)


@dataclass(frozen=True, slots=True)
class Numbers:
    """A union of intervals, each from one cut to the next of a pair, in order and apart; and perhaps absence."""

    cuts: tuple[Cut, ...]
    absent: bool = False

    @property
    def empty(self) -> bool:
        """Whether no value is in the set."""
        return not self.cuts and not self.absent

    @property
    def listed(self) -> frozenset[Word] | None:
        """The values, where they can be listed: absence alone."""
        return None if self.cuts else frozenset({None} if self.absent else ())

    def has(self, value: Word) -> bool:
        """Whether a value is in the set."""
        if value is None:
            return self.absent
        if not isinstance(value, (int, float)):
            return False
        return sum(cut <= (value, 0) for cut in self.cuts) % 2 == 1

    def meet(self, other: Numbers) -> Numbers:
        """The values in both."""
        both = _swept(self.cuts, other.cuts, lambda here, there: here and there)
        return Numbers(both, self.absent and other.absent)

    def minus(self, other: Numbers) -> Numbers:
        """The values in this set that aren't in the other."""
        rest = _swept(self.cuts, other.cuts, lambda here, there: here and not there)
        return Numbers(rest, self.absent and not other.absent)

    def present(self) -> Numbers:
        """The set without absence."""
        return Numbers(self.cuts)

    def example(self) -> Word:
        """Some value of a set that isn't empty: absence if it may be, else the lowest or near it."""
        return None if self.absent else _between(self.cuts[0], self.cuts[1])


ValueSet: TypeAlias = Words | Numbers


def whole(cuts: tuple[Cut, ...]) -> tuple[Cut, ...]:
    """The same whole numbers with every cut before one, so that equal sets are equal values."""
    moved = tuple((number + 1, 0) if side and number != math.inf else (number, side) for number, side in cuts)
    pairs = zip(moved[::2], moved[1::2], strict=True)
    return tuple(cut for start, end in pairs if start < end for cut in (start, end))


def meet(first: ValueSet, second: ValueSet) -> ValueSet:
    """The values in both of two sets of one feature."""
    if isinstance(first, Words) and isinstance(second, Words):
        return first.meet(second)
    assert isinstance(first, Numbers)
    assert isinstance(second, Numbers)
    return first.meet(second)


def minus(first: ValueSet, second: ValueSet) -> ValueSet:
    """The values of the first of two sets of one feature that aren't in the second."""
    if isinstance(first, Words) and isinstance(second, Words):
        return first.minus(second)
    assert isinstance(first, Numbers)
    assert isinstance(second, Numbers)
    return first.minus(second)


def _swept(first: tuple[Cut, ...], second: tuple[Cut, ...], keep: Callable[[bool, bool], bool]) -> tuple[Cut, ...]:
    """Goes over all cuts from below; a cut stays where what is kept changes."""
    ours, theirs = set(first), set(second)
    here = there = inside = False
    found: list[Cut] = []
    for cut in sorted(ours | theirs):
        here ^= cut in ours
        there ^= cut in theirs
        if keep(here, there) is not inside:
            inside = not inside
            found.append(cut)
    return tuple(found)


def _between(start: Cut, end: Cut) -> int | float:
    """A number in an interval."""
    low, after = start
    high, _ = end
    if low == -math.inf:
        return 0 if high == math.inf or high > 0 else high - 1
    if not after:
        return low
    return low + 1 if low + 1 < high else (low + high) / 2
