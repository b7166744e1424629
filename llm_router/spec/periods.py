"""Windows, and what is counted in them: scalars that must be known to compile, on any machine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal, TypeAlias, get_args

from llm_router.diagnostics import closest
from llm_router.spec.scalars import (
    OUT_OF_RANGE,
    UNKNOWN_WORD,
    WRONG_TYPE,
    WRONG_UNIT,
    Scalar,
    Unreadable,
    shown,
    wrong_type,
)
from llm_router.spec.types import METADATA_PATTERN, POSITIVE, Count, Money, PositiveDuration
from llm_router.units import DURATION_PATTERN, MONEY_PATTERN

DAYS = ("day", "week", "month")
"""The windows of the calendar."""

_PER_PATTERN = rf"user|session|metadata\.{METADATA_PATTERN}"
_PERCENTILE_PATTERN = r"p[1-9][0-9]?"
_DURATION_SCHEMA = {"type": "string", "pattern": f"^{POSITIVE}(?:{DURATION_PATTERN})$"}

_EVERY_HABITS: Mapping[str, str] = {
    **dict.fromkeys(("daily", "days", "1day", "today"), "day"),
    **dict.fromkeys(("weekly", "weeks", "1week", "1w"), "week"),
    **dict.fromkeys(("monthly", "months", "1month", "1mo"), "month"),
    **dict.fromkeys(("hour", "hourly", "1hour"), "1h"),
    **dict.fromkeys(("minute", "minutely", "1min"), "1m"),
    **dict.fromkeys(("second", "1sec"), "1s"),
    **dict.fromkeys(("year", "yearly", "quarter"), "month"),
}
"""What other systems call our windows."""

_PER_HABITS: Mapping[str, str] = {
    **dict.fromkeys(("user_id", "users", "end_user", "customer"), "user"),
    **dict.fromkeys(("session_id", "sessions", "conversation", "thread"), "session"),
}


def _scalar(annotated: object) -> Scalar:
    """The scalar in an annotation."""
    found = get_args(annotated)[1]
    assert isinstance(found, Scalar)
    return found


_MONEY, _SPAN, _COUNT = _scalar(Money), _scalar(PositiveDuration), _scalar(Count)


def _money(value: object) -> object:
    amount = _MONEY.read(value)
    if not amount:
        raise Unreadable(OUT_OF_RANGE, f"{shown(value)} is out of range", "write more than zero")
    return amount


def _every(value: object) -> object:
    if isinstance(value, str) and value in DAYS:
        return value
    meant = _EVERY_HABITS.get(value.lower().replace(" ", "")) if isinstance(value, str) else None
    near = meant or (closest(value, DAYS) if isinstance(value, str) else None)
    if near is not None:
        raise Unreadable(UNKNOWN_WORD, f"{shown(value)} is not a window", f"write `{near}`")
    return _SPAN.read(value)


def _size(value: object) -> object:
    written = re.fullmatch(r"([0-9.]+) ?([kKmMgG])i?[bB]", value) if isinstance(value, str) else None
    if written is not None:
        number, unit = written[1], written[2].upper()
        advice = f"write `{number}000M`" if unit == "G" else f"write `{number}{'k' if unit == 'K' else 'M'}`"
        raise Unreadable(WRONG_UNIT, f"{shown(value)} is not a number of bytes", advice)
    return _COUNT.read(value)


def _per(value: object) -> object:
    if not isinstance(value, str):
        raise wrong_type("what is counted apart", value, "write `user`, `session` or `metadata.key`")
    if re.fullmatch(_PER_PATTERN, value) is None:
        meant = _PER_HABITS.get(value.lower()) or closest(value, ("user", "session"))
        advice = f"write `{meant}`" if meant else "write `user`, `session`, or a declared key as `metadata.key`"
        raise Unreadable(UNKNOWN_WORD, f"{shown(value)} can't be counted apart", advice)
    return str(value)


def _after(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(_PERCENTILE_PATTERN, value):
        return str(value)
    if isinstance(value, str) and re.fullmatch(r"[pP]\S*", value):
        raise Unreadable(WRONG_TYPE, f"{shown(value)} is no percentile", "write `p50` to `p99`, or a duration: `2s`")
    return _SPAN.read(value)


def _fixed(noun: str, read: Any, schema: dict[str, Any], **options: bool) -> Scalar:
    return Scalar(noun, read, schema, late=False, **options)


FixedDuration: TypeAlias = Annotated[float, replace(_SPAN, late=False)]
FixedCount: TypeAlias = Annotated[int, replace(_COUNT, late=False)]
Size: TypeAlias = Annotated[int, replace(_COUNT, noun="a number of bytes", read=_size, late=False)]
FixedMoney: TypeAlias = Annotated[
    int,
    _fixed("an amount of money", _money, {"type": "string", "pattern": f"^{POSITIVE}(?:{MONEY_PATTERN})$"}),
]
Every: TypeAlias = Annotated[
    Literal["day", "week", "month"] | float,
    _fixed("a window", _every, {"anyOf": [{"type": "string", "enum": list(DAYS)}, _DURATION_SCHEMA]}),
]
Per: TypeAlias = Annotated[
    str, _fixed("what is counted apart", _per, {"type": "string", "pattern": f"^(?:{_PER_PATTERN})$"})
]
HedgeAfter: TypeAlias = Annotated[
    float | str,
    _fixed(
        "a duration or a percentile",
        _after,
        {"anyOf": [{"type": "string", "pattern": f"^{_PERCENTILE_PATTERN}$"}, _DURATION_SCHEMA]},
    ),
]
