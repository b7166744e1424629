"""An example of values out of a box, for messages that show a request."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from llm_router.policy.match import test_holds
from llm_router.policy.proofs.space import FALSE, TRUE, Box, Dimension, Space
from llm_router.policy.proofs.valuesets import ValueSet, Word, Words
from llm_router.spec.conditions.condition import Test

_FRESH = ("other", "something", "z", "0", "")
_CLASS = re.compile(r"\[(!?)(.)[^\]]*\]")


def example_in(box: Box, space: Space) -> dict[str, object] | None:
    """A value for each feature of a box, `None` for an absent one; `None` where no text meets its patterns."""
    found: dict[str, object] = {}
    for feature in dict.fromkeys(dimension.feature for dimension in box):
        if space.kind(feature).kind == "set":
            found[feature] = _example_set(feature, box, space)
            continue
        values = space.within(box, Dimension(feature))
        patterns = _patterns(feature, box)
        fits = (value for value in _candidates(values, patterns) if _fits(value, values, patterns, feature))
        value = next(fits, _NOTHING)
        if value is _NOTHING:
            return None
        found[feature] = value
    return found


_NOTHING = object()


def _example_set(feature: str, box: Box, space: Space) -> frozenset[str] | None:
    """The words that it must have; where it must be given and needs none, one that nothing is said about."""
    said = {str(key.of): values for key, values in box.items() if key.feature == feature and key.kind == "word"}
    words = frozenset(word for word, values in said.items() if values == TRUE)
    if words:
        return words
    if space.within(box, Dimension(feature)).has(None):
        return None
    allowed = space.kind(feature).words or _FRESH
    return frozenset([word for word in allowed if said.get(word) != FALSE][:1])


def _patterns(feature: str, box: Box) -> Mapping[Test, bool]:
    """What a box says of patterns on one text."""
    said = ((key.of, values) for key, values in box.items() if key.feature == feature and key.kind == "opaque")
    return {test: values == TRUE for test, values in said if isinstance(test, Test) and values in (TRUE, FALSE)}


def _fits(value: Word, values: ValueSet, patterns: Mapping[Test, bool], feature: str) -> bool:
    known = {} if value is None else {feature: value}
    return values.has(value) and all(test_holds(test, known, {}) is held for test, held in patterns.items())


def _candidates(values: ValueSet, patterns: Mapping[Test, bool]) -> Iterator[Word]:
    """Yields values that may lie in a set and meet patterns, the simplest first."""
    yield values.example()
    if isinstance(values, Words) and not values.excluded:
        yield from sorted(values.values, key=str)
    parts = [str(test.value) for test, held in patterns.items() if held and test.op == "contains"]
    globs = [str(test.value) for test, held in patterns.items() if held and test.op == "matches"]
    for filling in (" ".join(parts), "".join(parts), *(f"{' '.join(parts)} {word}" for word in _FRESH)):
        yield filling
        yield from (_instance(glob, filling) for glob in globs)
    yield from _FRESH


def _instance(glob: str, filling: str) -> str:
    """A text that a glob matches, with `filling` in the place of its first `*`."""
    plain = _CLASS.sub(lambda match: "~" if match[1] else match[2], glob)
    return plain.replace("*", filling, 1).replace("*", "").replace("?", "x")
