"""What people write in expressions who come from elsewhere, and how it is written here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from llm_router.diagnostics import closest
from llm_router.spec.conditions.feature_types import FeatureType
from llm_router.spec.conditions.lexer import Token
from llm_router.spec.conditions.operators import SYMBOLS


class Advice(NamedTuple):
    """A message and its help."""

    message: str
    help: str


FOREIGN_JOINTS: Mapping[str, str] = {
    **dict.fromkeys(("&&", "&", "AND", "And"), "and"),
    **dict.fromkeys(("||", "|", "OR", "Or"), "or"),
    **dict.fromkeys(("!", "NOT", "Not"), "not"),
}

FOREIGN_VALUES: Mapping[str, bool] = {"True": True, "False": False, "TRUE": True, "FALSE": False}

NOTHINGS = frozenset({"None", "null", "nil", "NULL", "undefined"})

_FLIPPED: Mapping[str, str] = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}

_PREFIXES = frozenset({"startswith", "startsWith", "starts_with"})
_SUFFIXES = frozenset({"endswith", "endsWith", "ends_with"})
_INCLUSIONS = frozenset({"contains", "includes", "find", "count", "__contains__", "has"})
_CASES = frozenset({"lower", "upper", "toLowerCase", "toUpperCase", "strip", "trim", "casefold"})


def misplaced(token: Token, rest: Sequence[Token], features: Mapping[str, FeatureType]) -> Advice:
    """Why no predicate begins with `token`, which `rest` follows."""
    if token.kind == "end":
        return Advice("the expression ends where a condition belongs", "write `feature == value` here, or take it away")
    if token.kind in ("text", "number") and len(rest) >= 2 and rest[1].kind == "name":
        return _turned_round(token, rest, features)
    if token.text == "$":
        return Advice("a reference can't be a condition", 'it stands for a value, in quotes: `task == "${env:NAME}"`')
    return Advice(f"`{token.text}` stands where a feature belongs", "a condition reads `feature == value`")


def _turned_round(value: Token, rest: Sequence[Token], features: Mapping[str, FeatureType]) -> Advice:
    """A value on the left."""
    sign, name = rest[0].text, rest[1].text
    if sign == "in":
        op = "has" if _kind(name, features) == "set" else "contains"
        return Advice(
            f"`{value.text} in {name}` has its sides the wrong way round", f"write `{name} {op} {value.text}`"
        )
    if sign in _FLIPPED and len(rest) > 3 and rest[2].text == sign and rest[3].kind == "number":
        bounds = (value.text, rest[3].text) if sign.startswith("<") else (rest[3].text, value.text)
        return Advice("comparisons don't chain", f"write `{name} between {bounds[0]} and {bounds[1]}`")
    if sign in SYMBOLS:
        turned = f"write `{name} {_FLIPPED.get(sign, sign)} {value.text}`"
        return Advice(f"`{value.text}` stands where a feature belongs", turned)
    return Advice(f"`{value.text}` stands where a feature belongs", "a condition reads `feature == value`")


def _kind(name: str, features: Mapping[str, FeatureType]) -> str:
    meant = name if name in features else closest(name, features)
    return features[meant].kind if meant else "text"


def called(name: Token, rest: Sequence[Token], features: Mapping[str, FeatureType]) -> Advice:
    """Why a bracket may not follow a name: `rest` begins with it."""
    argument = rest[1].text if len(rest) > 1 and rest[1].kind in ("text", "number") else '"…"'
    feature, _, method = name.text.rpartition(".")
    if rest[0].text == "[" or method == "get":
        owner = name.text if rest[0].text == "[" else feature
        return Advice(f"`{name.text}{rest[0].text}…` can't be read", f"write `{owner}.{argument.strip(_QUOTES)}`")
    return Advice(
        f"`{name.text}(…)` can't be called: conditions call nothing", _instead(feature, method, argument, features)
    )


_QUOTES = "\"'"


def _instead(feature: str, method: str, argument: str, features: Mapping[str, FeatureType]) -> str:
    """What to write in place of a method."""
    if method in _INCLUSIONS:
        op = "has" if _kind(feature, features) == "set" else "contains"
        return f"write `{feature} {op} {argument}`"
    if method in _PREFIXES:
        return f'write `{feature} matches "{argument.strip(_QUOTES)}*"`'
    if method in _SUFFIXES:
        return f'write `{feature} matches "*{argument.strip(_QUOTES)}"`'
    if method in _CASES:
        return "`contains` and `matches` ignore case"
    return "a condition reads `feature == value`, joined by `and`, `or` and `not`"
