"""Shapes of request bodies: a small strict language in which a dialect writes down what it accepts.

A shape finds the first misfit of a value; how the misfit is told is the dialect's business, because each provider
has its own words for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from typing_extensions import override

from llm_router.messages import Json

MisfitKind = Literal["type", "value", "missing", "unknown", "low", "high", "pattern", "short", "long"]


@dataclass(frozen=True, slots=True)
class Misfit:
    """Why a value doesn't fit: the place (as `messages[0].role`), what was expected, what was there."""

    kind: MisfitKind
    path: str
    expected: str = ""
    got: str = ""


class Shape(Protocol):
    """What a JSON value must look like."""

    @property
    def type_name(self) -> str:
        """The JSON type in words, as `a string`."""

    def has_type(self, value: Json) -> bool:
        """Whether the value is of the right JSON type at all."""

    def misfit(self, value: Json, path: str) -> Misfit | None:
        """The first thing wrong, or None. Called with values of the right type only."""


def find_misfit(shape: Shape, value: Json, path: str) -> Misfit | None:
    """The first thing wrong with `value`, its type first."""
    if not shape.has_type(value):
        return Misfit("type", path, shape.type_name, json_type(value))
    return shape.misfit(value, path)


def json_type(value: Json) -> str:
    """The JSON type of a value in words, with its article."""
    names: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (bool, "a boolean"),
        (int, "an integer"),
        (float, "a decimal"),
        (str, "a string"),
        (Mapping, "an object"),
        ((list, tuple), "an array"),
    )
    return next((name for kind, name in names if isinstance(value, kind)), "null")


@dataclass(frozen=True, slots=True)
class Flag(Shape):
    """A boolean."""

    type_name: str = "a boolean"

    @override
    def has_type(self, value: Json) -> bool:
        """Only true and false, never 0 and 1."""
        return isinstance(value, bool)

    @override
    def misfit(self, value: Json, path: str) -> Misfit | None:
        """Any boolean fits."""
        return None


@dataclass(frozen=True, slots=True)
class Number(Shape):
    """A number between `low` and `high`, both included."""

    low: float | None = None
    high: float | None = None
    integer: bool = False

    @property
    @override
    def type_name(self) -> str:
        """An integer or a decimal."""
        return "an integer" if self.integer else "a decimal"

    @override
    def has_type(self, value: Json) -> bool:
        """A whole number is a decimal too; a boolean is neither."""
        return isinstance(value, int if self.integer else (int, float)) and not isinstance(value, bool)

    @override
    def misfit(self, value: Json, path: str) -> Misfit | None:
        """Too low or too high."""
        assert isinstance(value, (int, float))
        if self.low is not None and value < self.low:
            return Misfit("low", path, f"{self.low:g}", str(value))
        if self.high is not None and value > self.high:
            return Misfit("high", path, f"{self.high:g}", str(value))
        return None


@dataclass(frozen=True, slots=True)
class String(Shape):
    """Text of at least `short` and at most `long` characters, one of `words` where these are given."""

    words: tuple[str, ...] = ()
    pattern: str | None = None
    short: int = 0
    long: int | None = None
    type_name: str = "a string"

    @override
    def has_type(self, value: Json) -> bool:
        """Only text."""
        return isinstance(value, str)

    @override
    def misfit(self, value: Json, path: str) -> Misfit | None:
        """A word that isn't known, a wrong length, or characters that don't match."""
        assert isinstance(value, str)
        if self.words and value not in self.words:
            return Misfit("value", path, listed(self.words), value)
        if len(value) < self.short:
            return Misfit("short", path, str(self.short), str(len(value)))
        if self.long is not None and len(value) > self.long:
            return Misfit("long", path, str(self.long), str(len(value)))
        if self.pattern is not None and not re.fullmatch(self.pattern, value):
            return Misfit("pattern", path, self.pattern, value)
        return None


@dataclass(frozen=True, slots=True)
class Array(Shape):
    """A list whose items all fit `item`."""

    item: Shape
    short: int = 0
    long: int | None = None
    type_name: str = "an array"

    @override
    def has_type(self, value: Json) -> bool:
        """Only lists."""
        return isinstance(value, list)

    @override
    def misfit(self, value: Json, path: str) -> Misfit | None:
        """A wrong length, or the first item that doesn't fit."""
        assert isinstance(value, list)
        if len(value) < self.short:
            return Misfit("short", path, str(self.short), str(len(value)))
        if self.long is not None and len(value) > self.long:
            return Misfit("long", path, str(self.long), str(len(value)))
        found = (find_misfit(self.item, item, f"{path}[{place}]") for place, item in enumerate(value))
        return next((misfit for misfit in found if misfit), None)


@dataclass(frozen=True, slots=True)
class Object(Shape):
    """An object of these fields; null counts as left out. `open` ones may have further fields of any kind."""

    fields: Mapping[str, Shape] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    open: bool = False
    type_name: str = "an object"

    @override
    def has_type(self, value: Json) -> bool:
        """Only objects."""
        return isinstance(value, Mapping)

    @override
    def misfit(self, value: Json, path: str) -> Misfit | None:
        """A missing field, one that isn't known, or the first that doesn't fit."""
        assert isinstance(value, Mapping)
        for name in self.required:
            if value.get(name) is None:
                return Misfit("missing", _below(path, name))
        for name, content in value.items():
            misfit = self._field(name, content, _below(path, name))
            if misfit:
                return misfit
        return None

    def _field(self, name: str, content: Json, path: str) -> Misfit | None:
        shape = self.fields.get(name)
        if shape is None:
            return None if self.open else Misfit("unknown", path)
        return None if content is None else find_misfit(shape, content, path)


@dataclass(frozen=True, slots=True)
class Tagged(Shape):
    """An object whose shape depends on the word in its field `tag`."""

    tag: str
    cases: Mapping[str, Object]
    type_name: str = "an object"

    @override
    def has_type(self, value: Json) -> bool:
        """Only objects."""
        return isinstance(value, Mapping)

    @override
    def misfit(self, value: Json, path: str) -> Misfit | None:
        """A missing or unknown word, or what is wrong in its case."""
        assert isinstance(value, Mapping)
        word = value.get(self.tag)
        if word is None:
            return Misfit("missing", _below(path, self.tag))
        if not isinstance(word, str) or word not in self.cases:
            return Misfit("value", _below(path, self.tag), listed(tuple(self.cases)), str(word))
        rest = {name: content for name, content in value.items() if name != self.tag}
        return self.cases[word].misfit(rest, path)


@dataclass(frozen=True, slots=True)
class Either(Shape):
    """The first of these shapes that has the value's type."""

    shapes: tuple[Shape, ...]

    @property
    @override
    def type_name(self) -> str:
        """All types that may stand here."""
        return "one of " + " or ".join(shape.type_name for shape in self.shapes)

    @override
    def has_type(self, value: Json) -> bool:
        """Any of theirs."""
        return any(shape.has_type(value) for shape in self.shapes)

    @override
    def misfit(self, value: Json, path: str) -> Misfit | None:
        """What is wrong by the shape of that type."""
        return next(shape for shape in self.shapes if shape.has_type(value)).misfit(value, path)


@dataclass(frozen=True, slots=True)
class Anything(Shape):
    """Any JSON value; `check` may still find fault."""

    check: Callable[[Json, str], Misfit | None] | None = None
    type_name: str = "a value"

    @override
    def has_type(self, value: Json) -> bool:
        """Every value has."""
        return True

    @override
    def misfit(self, value: Json, path: str) -> Misfit | None:
        """What the check finds."""
        return self.check(value, path) if self.check else None


def listed(words: tuple[str, ...]) -> str:
    """Words in quotes, as a sentence lists them."""
    quoted = [f"'{word}'" for word in words]
    if len(quoted) < 3:
        return " and ".join(quoted)
    return ", ".join(quoted[:-1]) + f", and {quoted[-1]}"


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
