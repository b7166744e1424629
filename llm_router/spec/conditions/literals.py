"""The values of predicates: from what was written, in either spelling, to the type of the feature."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from llm_router.diagnostics import Diagnostic, Severity, Span, did_you_mean
from llm_router.spec.conditions.condition import Scalar
from llm_router.spec.conditions.feature_types import Declarations, FeatureType, Kind, Placement
from llm_router.spec.habits import TRUTHS
from llm_router.spec.refs import UNSET, Environment, MissingReference, Reference, has_reference, resolve
from llm_router.units import UnitError, parse_count, parse_share

Form: TypeAlias = Literal["yaml", "quoted", "word", "number", "resolved"]
"""How a value is spelt: a YAML scalar, one of the three sorts of value in an expression, or by the environment."""

STRUCTURE = "LR240"
SYNTAX = "LR241"
OPERATOR = "LR242"
OPERATOR_TYPE = "LR243"
VALUE_TYPE = "LR244"
RANGE = "LR245"
HABIT = "LR246"
REGEX = "LR247"
FEATURE = "LR340"
METADATA_KEY = "LR341"
LABEL_KEY = "LR342"
WORD = "LR343"
BUDGET = "LR344"


@dataclass(frozen=True, slots=True)
class Written:
    """A value as the user wrote it. `items` are the members of a list; `text` is the spelling, for messages."""

    value: object
    span: Span
    text: str
    form: Form = "yaml"
    items: tuple[Written, ...] | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """The feature that a predicate speaks of; `written` is the name that the user gave it."""

    name: str
    written: str
    type: FeatureType


@dataclass(frozen=True, slots=True)
class Scope:
    """What a reader knows: the declarations, the table made of them, whom to report to, and how references resolve."""

    declarations: Declarations | Placement
    features: Mapping[str, FeatureType]
    report: Callable[[Diagnostic], None]
    environment: Environment | None = None

    def fault(self, code: str, message: str, span: Span, help: str = "", *, severity: Severity = "error") -> None:
        """Reports one diagnostic."""
        self.report(Diagnostic(code, severity, message, span, help))


def read_value(written: Written, target: Target, scope: Scope) -> Scalar | None:
    """The value in the feature's type; `None` after a report.

    A reference counts as what it resolves to in the scope's environment, without one as its default. Where it has no
    default either it stays a `Reference`: nothing is known of it before binding.
    """
    if isinstance(written.value, str) and has_reference(written.value):
        return _referred(Reference(written.value), written, target, scope)
    return _typed(written, target, scope)


def _typed(written: Written, target: Target, scope: Scope) -> Scalar | None:
    if written.items is not None or isinstance(written.value, dict):
        scope.fault(VALUE_TYPE, f"`{written.text}` stands where one value belongs", written.span)
        return None
    if written.value is None:
        missing = f"`{target.written}` is compared with nothing"
        scope.fault(VALUE_TYPE, missing, written.span, f"whether it was given is `{_absence(target, written)}`")
        return None
    return _READERS[target.type.kind](written, target, scope)


def _referred(reference: Reference, written: Written, target: Target, scope: Scope) -> Scalar | None:
    try:
        text = reference.default if scope.environment is None else resolve(reference, scope.environment)
    except MissingReference as missing:
        scope.fault(UNSET, missing.message, written.span, missing.help)
        return None
    return reference if text is None else _typed(replace(written, value=text, form="resolved"), target, scope)


def describe(feature: FeatureType) -> str:
    """What values a feature takes, as the end of a sentence that begins with its name."""
    if feature.share:
        return "is a percentage"
    if feature.kind == "word":
        return f"is one of {', '.join(feature.words)}"
    return _DESCRIPTIONS[feature.kind] if not feature.whole else "is a whole number"


_DESCRIPTIONS: Mapping[Kind, str] = {
    "boolean": "is true or false",
    "number": "is a number",
    "text": "is text",
    "set": "is a set of words",
}


def _absence(target: Target, written: Written) -> str:
    return f"{target.written}: {{exists: false}}" if written.form == "yaml" else f"not {target.written} exists"


def _boolean(written: Written, target: Target, scope: Scope) -> Scalar | None:
    if isinstance(written.value, bool):
        return written.value
    if written.form == "resolved" and written.value in ("true", "false"):
        return written.value == "true"
    truth = TRUTHS.get(str(written.value).lower())
    proposal = f"write `{truth}`, without quotes" if truth else "write `true` or `false`"
    scope.fault(VALUE_TYPE, _misfit(written, target), written.span, proposal)
    return None


def _number(written: Written, target: Target, scope: Scope) -> Scalar | None:
    value = _amount(written, target, scope)
    if value is None:
        return None
    if target.type.whole and not isinstance(value, int):
        scope.fault(VALUE_TYPE, _misfit(written, target), written.span, f"write `{math.floor(value)}`")
        return None
    return value if _within(value, written, target, scope) else None


def _amount(written: Written, target: Target, scope: Scope) -> int | float | None:
    value = written.value
    if target.type.share and not (isinstance(value, str) and written.form in ("yaml", "number", "resolved")):
        _no_percentage(written, target, scope)
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return int(value) if value.is_integer() else value
    if isinstance(value, str) and written.form in ("yaml", "number", "resolved"):
        return _with_unit(value, written, target, scope)
    proposal = "write it without quotes" if written.form == "quoted" else "write a number, such as `10` or `32k`"
    scope.fault(VALUE_TYPE, _misfit(written, target), written.span, proposal)
    return None


def _no_percentage(written: Written, target: Target, scope: Scope) -> None:
    value = written.value
    number = value if isinstance(value, (int, float)) and not isinstance(value, bool) else None
    percent = None if number is None else round(number * 100, 4) if 0 < number < 1 else number
    advice = "write a percentage, as `80%`" if percent is None else f"write `{percent:g}%`"
    scope.fault(VALUE_TYPE, _misfit(written, target), written.span, advice)


def _with_unit(text: str, written: Written, target: Target, scope: Scope) -> int | float | None:
    try:
        if target.type.share or (text.endswith("%") and not target.type.whole):
            return float(parse_share(text))
        return _plain(text) if _PLAIN.fullmatch(text) else parse_count(text)
    except UnitError as error:
        scope.fault(VALUE_TYPE, _misfit(written, target), written.span, error.help)
    except (ValueError, OverflowError):
        scope.fault(
            VALUE_TYPE, f"`{target.written}` is never so large", written.span, "write a number with fewer digits"
        )
    return None


_PLAIN = re.compile(r"-?[0-9]*\.?[0-9]+")


def _plain(text: str) -> int | float:
    """A number without a unit. Raises ValueError or OverflowError where it has too many digits."""
    value = float(text)
    return int(text) if "." not in text else int(value) if value.is_integer() else value


def _within(value: int | float, written: Written, target: Target, scope: Scope) -> bool:
    low, high = target.type.low, target.type.high
    if (low is None or value >= low) and (high is None or value <= high):
        return True
    bounds = f"at least {low}" if high is None else f"{low} to {high}"
    scope.fault(
        RANGE, f"`{target.written}` is {bounds}; `{written.text}` never occurs", written.span, f"write {bounds}"
    )
    return False


def _text(written: Written, target: Target, scope: Scope) -> Scalar | None:
    if not isinstance(written.value, str) or written.form in ("word", "number"):
        scope.fault(VALUE_TYPE, _misfit(written, target), written.span, f'write `"{written.text}"`, with quotes')
        return None
    if target.type.words and written.value not in target.type.words:
        _unknown_word(written, target, scope)
        return None
    return written.value


def _word(written: Written, target: Target, scope: Scope) -> Scalar | None:
    if written.form == "word" and written.value in target.type.words:
        proposal = f'write `"{written.text}"`, with quotes'
        scope.fault(VALUE_TYPE, f"`{written.text}` needs quotes here", written.span, proposal)
        return None
    if written.value not in target.type.words or not isinstance(written.value, str):
        _unknown_word(written, target, scope)
        return None
    return written.value


def _unknown_word(written: Written, target: Target, scope: Scope) -> None:
    known = target.type.words
    verb = "has no word" if target.type.kind == "set" else "is never"
    scope.fault(
        WORD, f"`{target.written}` {verb} `{written.value}`", written.span, did_you_mean(str(written.value), known)
    )


def _misfit(written: Written, target: Target) -> str:
    return f"`{target.written}` {describe(target.type)}; `{written.text}` isn't"


_READERS: Mapping[Kind, Callable[[Written, Target, Scope], Scalar | None]] = {
    "boolean": _boolean,
    "number": _number,
    "text": _text,
    "word": _word,
    "set": _text,
}
