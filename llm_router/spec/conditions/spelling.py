"""Conditions as text again: as an expression, and as the structure that `when:` takes."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import TypeAlias, assert_never

from llm_router.spec.conditions.condition import All, AnyOf, Condition, Not, Op, Scalar, Test
from llm_router.spec.refs import Reference
from llm_router.units import format_share

_SPENT = "spent."

Structure: TypeAlias = Mapping[str, object]

_SIGNS: Mapping[Op, str] = {
    "is": "==",
    "not": "!=",
    "below": "<",
    "at_most": "<=",
    "above": ">",
    "at_least": ">=",
}


def expression_of(condition: Condition) -> str:
    """The condition as `if:` takes it; reading it gives the same condition. Empty for a condition without terms."""
    match condition:
        case Test():
            return predicate_text(condition)
        case Not(term):
            return f"not {_within(term)}"
        case All(terms):
            return " and ".join(_within(term) for term in terms)
        case AnyOf(terms):
            return " or ".join(_within(term) for term in terms)
        case _:
            assert_never(condition)


def predicate_text(test: Test) -> str:
    """One predicate as `if:` takes it."""
    if test.op == "exists":
        return f"{test.feature} exists" if test.value else f"{test.feature} not exists"
    if isinstance(test.value, tuple) and test.op == "between":
        return f"{test.feature} between {' and '.join(_literal(value, test) for value in test.value)}"
    if isinstance(test.value, tuple):
        word = "not in" if test.op == "not" else test.op
        return f"{test.feature} {word} [{', '.join(_literal(value, test) for value in test.value)}]"
    return f"{test.feature} {_SIGNS.get(test.op, test.op)} {_literal(test.value, test)}"


def structure_of(condition: Condition) -> Structure:
    """The condition as `when:` takes it, made of plain values only; reading it gives the same condition."""
    match condition:
        case Test(feature, "is" | "in", value):
            return {feature: _plain(value, feature)}
        case Test(feature, op, value):
            return {feature: {op: _plain(value, feature)}}
        case Not(term):
            return {"not": structure_of(term)}
        case All(terms):
            return {"all": [structure_of(term) for term in terms]}
        case AnyOf(terms):
            return {"any": [structure_of(term) for term in terms]}
        case _:
            assert_never(condition)


def _within(term: Condition) -> str:
    """A term with brackets where it needs them."""
    text = expression_of(term)
    return f"({text})" if isinstance(term, (All, AnyOf)) else text


def share_text(feature: str, value: object) -> str | None:
    """The percentage that a number means for this feature; `None` where it means itself."""
    if not feature.startswith(_SPENT) or isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return format_share(Fraction(str(value)))


def _literal(value: Scalar, test: Test) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    percentage = share_text(test.feature, value)
    if percentage is not None:
        return percentage
    if isinstance(value, (int, float)):
        return f"{Decimal(repr(value)):f}"
    text = value.text if isinstance(value, Reference) else value
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'


def _plain(value: Scalar | tuple[Scalar, ...], feature: str) -> object:
    if isinstance(value, tuple):
        return [_plain(item, feature) for item in value]
    percentage = share_text(feature, value)
    if percentage is not None:
        return percentage
    return value.text if isinstance(value, Reference) else value
