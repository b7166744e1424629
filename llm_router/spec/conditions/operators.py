"""The operators of conditions: one typed table for both spellings, and the making of one predicate from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from llm_router.diagnostics import Span
from llm_router.spec.conditions.condition import Op, Scalar, Test
from llm_router.spec.conditions.feature_types import RANKS, FeatureType, Kind
from llm_router.spec.conditions.literals import (
    OPERATOR_TYPE,
    RANGE,
    REGEX,
    STRUCTURE,
    VALUE_TYPE,
    Scope,
    Target,
    Written,
    describe,
    read_value,
)
from llm_router.spec.refs import Reference

Takes: TypeAlias = Literal["one", "several", "one or several", "two", "flag"]

OPS: tuple[Op, ...] = get_args(Op)
SYMBOLS: Mapping[str, Op] = {
    "==": "is",
    "!=": "not",
    "<": "below",
    "<=": "at_most",
    ">": "above",
    ">=": "at_least",
}
"""The operators that an expression writes with a sign; all others, and these too, may be written as words."""


@dataclass(frozen=True, slots=True)
class Operator:
    """What an operator compares and how many values it takes; `ordered` ones need a number or ordered words."""

    kinds: frozenset[Kind]
    takes: Takes
    ordered: bool = False


_EVERY: frozenset[Kind] = frozenset(get_args(Kind))
_ORDERED: frozenset[Kind] = frozenset({"number", "word"})
_TEXT: frozenset[Kind] = frozenset({"text"})

OPERATORS: Mapping[Op, Operator] = {
    "is": Operator(_EVERY, "one"),
    "not": Operator(_EVERY, "one or several"),
    "in": Operator(_EVERY, "several"),
    "above": Operator(_ORDERED, "one", ordered=True),
    "at_least": Operator(_ORDERED, "one", ordered=True),
    "below": Operator(_ORDERED, "one", ordered=True),
    "at_most": Operator(_ORDERED, "one", ordered=True),
    "between": Operator(_ORDERED, "two", ordered=True),
    "has": Operator(frozenset({"set"}), "one or several"),
    "contains": Operator(_TEXT, "one or several"),
    "matches": Operator(_TEXT, "one or several"),
    "exists": Operator(_EVERY, "flag"),
}

HABITS: Mapping[str, Op] = {
    **dict.fromkeys(("eq", "equals", "equal", "=", "==", "$eq"), "is"),
    **dict.fromkeys(("ne", "neq", "!=", "not_in", "nin", "is_not", "$ne", "$nin"), "not"),
    **dict.fromkeys(("any_of", "one_of", "any", "$in"), "in"),
    **dict.fromkeys(("gt", ">", "more_than", "greater_than", "over", "$gt"), "above"),
    **dict.fromkeys(("gte", ">=", "=>", "min", "from", "ge", "$gte"), "at_least"),
    **dict.fromkeys(("lt", "<", "less_than", "under", "$lt"), "below"),
    **dict.fromkeys(("lte", "<=", "=<", "max", "to", "le", "$lte"), "at_most"),
    **dict.fromkeys(("range", "within"), "between"),
    **dict.fromkeys(("includes", "include", "substring"), "contains"),
    **dict.fromkeys(
        ("regex", "like", "glob", "match", "pattern", "starts_with", "ends_with", "=~", "$regex"), "matches"
    ),
    **dict.fromkeys(("present", "defined", "is_set", "$exists"), "exists"),
}
"""What other systems call our operators; each gets a diagnostic that names ours."""

MIRRORED: Mapping[str, str] = {"=": "==", "=>": ">=", "=<": "<="}
"""Signs that are nearly those of expressions."""


def make_test(target: Target, op: Op, written: Written, scope: Scope, *, span: Span, text: str) -> Test | None:
    """One predicate, its operator and values checked against the feature's type; `None` after a report."""
    fitted = _fit(op, target.type)
    operator = OPERATORS[fitted]
    if not _suits(operator, target.type):
        scope.fault(OPERATOR_TYPE, *_unsuited(op, target, written, span))
        return None
    value = _TAKERS[operator.takes](op, target, written, scope)
    if value is None:
        return None
    if fitted == "matches":
        _warn_of_regex(written, scope)
    return Test(target.name, fitted, value, span, text)


def _fit(op: Op, feature: FeatureType) -> Op:
    """On a set, a value means has, a list has any."""
    return "has" if feature.kind == "set" and op in ("is", "in") else op


def _suits(operator: Operator, feature: FeatureType) -> bool:
    if operator.ordered and feature.kind == "word":
        return any(tuple(ranks) == feature.words for ranks in RANKS.values())
    return feature.kind in operator.kinds


def _unsuited(op: Op, target: Target, written: Written, span: Span) -> tuple[str, Span, str]:
    message = f"`{op}` doesn't suit `{target.written}`, which {describe(target.type)}"
    instead = _INSTEAD.get((op, target.type.kind))
    if instead is None:
        return message, span, _suited(target.type)
    colon = (": {", ": ", "}") if written.form == "yaml" else (" ", " ", "")
    return message, span, f"write `{target.written}{colon[0]}{instead}{colon[1]}{written.text}{colon[2]}`"


def _suited(feature: FeatureType) -> str:
    names = [op for op, operator in OPERATORS.items() if _suits(operator, feature)]
    return f"it takes {', '.join(names)}"


_INSTEAD: Mapping[tuple[Op, Kind], Op] = {
    ("contains", "set"): "has",
    ("has", "text"): "contains",
    ("has", "word"): "is",
    ("contains", "word"): "is",
}


def _one(op: Op, target: Target, written: Written, scope: Scope) -> Scalar | None:
    if written.items is None:
        return read_value(written, target, scope)
    message = f"`{op}` takes one value, not a list"
    scope.fault(STRUCTURE, message, written.span, "`in` takes a list: any of its values")
    return None


def _several(op: Op, target: Target, written: Written, scope: Scope) -> tuple[Scalar, ...] | None:
    if written.items is None:
        scope.fault(STRUCTURE, f"`{op}` takes a list", written.span, f"write `[{written.text}]`")
        return None
    if not written.items:
        scope.fault(STRUCTURE, "no value is in an empty list", written.span, "name at least one value")
        return None
    values = [read_value(item, target, scope) for item in written.items]
    known = tuple(dict.fromkeys(value for value in values if value is not None))
    return known if None not in values else None


def _one_or_several(op: Op, target: Target, written: Written, scope: Scope) -> Scalar | tuple[Scalar, ...] | None:
    taker = _one if written.items is None else _several
    return taker(op, target, written, scope)


def _two(op: Op, target: Target, written: Written, scope: Scope) -> tuple[Scalar, ...] | None:
    items = written.items or ()
    if len(items) != 2:
        form = "[low, high]" if written.form == "yaml" else "low and high"
        scope.fault(STRUCTURE, f"`{op}` takes two values", written.span, f"write `{op}{_gap(written)} {form}`")
        return None
    low, high = (read_value(item, target, scope) for item in items)
    if low is None or high is None:
        return None
    if _rank(low, target) > _rank(high, target) and not isinstance(low, Reference) and not isinstance(high, Reference):
        scope.fault(RANGE, *_backwards(target, written, items))
        return None
    return low, high


def _gap(written: Written) -> str:
    return ":" if written.form == "yaml" else ""


def _rank(value: Scalar, target: Target) -> float:
    return value if isinstance(value, (int, float)) else RANKS.get(target.name, {}).get(str(value), 0)


def _backwards(target: Target, written: Written, items: tuple[Written, ...]) -> tuple[str, Span, str]:
    low, high, name = items[0].text, items[1].text, target.written
    message = f"nothing lies between `{low}` and `{high}`, which is lower"
    around = f"{name} >= {low} or {name} <= {high}"
    if written.form == "yaml":
        around = f"any: [{{{name}: {{at_least: {low}}}}}, {{{name}: {{at_most: {high}}}}}]"
    return message, written.span, f"if it is to go around the end, write `{around}`; else swap the two"


def _flag(op: Op, target: Target, written: Written, scope: Scope) -> bool | None:
    if isinstance(written.value, bool):
        return written.value
    message = f"`{op}` takes true or false; `{written.text}` is neither"
    scope.fault(VALUE_TYPE, message, written.span, f"whether `{target.written}` was given: `true`")
    return None


_TAKERS: Mapping[Takes, Callable[[Op, Target, Written, Scope], Scalar | tuple[Scalar, ...] | None]] = {
    "one": _one,
    "several": _several,
    "one or several": _one_or_several,
    "two": _two,
    "flag": _flag,
}


def _warn_of_regex(written: Written, scope: Scope) -> None:
    """`matches` takes a glob; a pattern that can only be meant as a regular expression gets a warning."""
    for item in written.items or (written,):
        pattern = str(item.value)
        if pattern.startswith("^") or pattern.endswith("$") or "\\" in pattern or ".*" in pattern:
            message = f"`{item.text}` looks like a regular expression, but `matches` takes a glob"
            glob = "`*` is any text, `?` one character, `[abc]` one of these; the whole text must match"
            scope.fault(REGEX, message, item.span, glob, severity="warning")
