"""Stretches of time that a ledger is read over, in the program's timezone, and the same stretches before."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args
from zoneinfo import ZoneInfo

from llm_router.diagnostics import did_you_mean
from llm_router.errors import RequestError
from llm_router.units import UnitError, parse_duration

Period = Literal["today", "week", "month"]
Instant: TypeAlias = datetime.datetime | datetime.date | str
"""A moment or a day (naive: in the program's timezone), either also as ISO text, or a duration back from now: `24h`."""

EARLIER = 4
"""How many earlier stretches the usual is the mean of."""


@dataclass(frozen=True, slots=True)
class Span:
    """From `since` up to `until`, in seconds since the epoch; `period` where it is the running day, week or month."""

    since: float
    until: float
    period: Period | None = None


def span_of(period: str | None, since: Instant | None, until: Instant | None, zone: ZoneInfo, now: float) -> Span:
    """The span that is meant; of nothing said, today. Raises RequestError."""
    if period is not None and (since is not None or until is not None):
        raise RequestError(f"`{period}` has its own bounds", help="leave out either it, or `since` and `until`")
    if since is None and until is None:
        return _running(period or "today", zone, now)
    span = Span(_instant(since, zone, now, 0.0), _instant(until, zone, now, now))
    if span.since >= span.until:
        raise RequestError("`since` isn't before `until`")
    return span


def earlier(span: Span, zone: ZoneInfo) -> tuple[Span, ...]:
    """The same span one to `EARLIER` times before, the last one first: as much of the day, week or month."""
    return tuple(_before(span, zone, times) for times in range(1, EARLIER + 1))


def _running(period: str, zone: ZoneInfo, now: float) -> Span:
    for known in get_args(Period):
        if known == period:
            today = datetime.datetime.fromtimestamp(now, zone).date()
            return Span(_midnight(_FIRST_DAYS[known](today), zone), now, known)
    raise RequestError(f"`{period}` is no period", help=did_you_mean(period, get_args(Period)))


def _before(span: Span, zone: ZoneInfo, times: int) -> Span:
    length = span.until - span.since
    if span.period is None:
        return Span(span.since - times * length, span.until - times * length)
    first = datetime.datetime.fromtimestamp(span.since, zone).date()
    since = _midnight(_EARLIER_DAYS[span.period](first, times), zone)
    end = _midnight(_EARLIER_DAYS[span.period](first, times - 1), zone)
    return Span(since, min(since + length, end))


def _midnight(day: datetime.date, zone: ZoneInfo) -> float:
    return datetime.datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()


def _months_before(first: datetime.date, times: int) -> datetime.date:
    number = first.year * 12 + first.month - 1 - times
    return datetime.date(number // 12, number % 12 + 1, 1)


_FIRST_DAYS: Mapping[Period, Callable[[datetime.date], datetime.date]] = {
    "today": lambda today: today,
    "week": lambda today: today - datetime.timedelta(days=today.weekday()),
    "month": lambda today: today.replace(day=1),
}
_EARLIER_DAYS: Mapping[Period, Callable[[datetime.date, int], datetime.date]] = {
    "today": lambda first, times: first - datetime.timedelta(days=times),
    "week": lambda first, times: first - datetime.timedelta(days=7 * times),
    "month": _months_before,
}


def _instant(said: Instant | None, zone: ZoneInfo, now: float, unsaid: float) -> float:
    if said is None:
        return unsaid
    if isinstance(said, str):
        return _read(said, zone, now)
    if isinstance(said, datetime.datetime):
        return (said if said.tzinfo else said.replace(tzinfo=zone)).timestamp()
    return _midnight(said, zone)


def _read(text: str, zone: ZoneInfo, now: float) -> float:
    try:
        return now - parse_duration(text)
    except UnitError:
        pass
    try:
        return _instant(datetime.datetime.fromisoformat(text), zone, now, 0.0)
    except ValueError:
        advice = "write `2026-11-01`, `2026-11-01T09:30`, or how long ago, as `24h` or `7d`"
        raise RequestError(f"`{text}` is no moment", help=advice) from None
