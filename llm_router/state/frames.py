"""Which buckets of time count at an instant, for each kind of window.

Fixed windows are one bucket. A rolling one is sixty and the partial oldest, which counts in full: charges leave up to
a sixtieth of the window late, never early. Local days end at local midnight, whatever the clocks do that day.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Mapping
from zoneinfo import ZoneInfo

from llm_router.policy.program import Window
from llm_router.state.store import Frame

BUCKETS = 60
"""Into how many parts a rolling window is cut."""

UNDER_WAY = Frame(0, 0, math.inf, 0.0)
"""The frame of what counts only while it is open."""

_DAY_S = 86_400.0
_TICK_S = 5e-6
"""Instants this close before a bucket's start belong to it: what floats near the epoch's seconds can't tell apart."""


def frame(window: Window | None, timezone: str, now: float) -> Frame:
    """The frame of a window at `now` (epoch seconds); of no window, that of what is under way."""
    if window is None:
        return UNDER_WAY
    if window.kind == "rolling":
        return _rolling(window.length_s, now)
    if window.kind == "duration":
        return _duration(window.length_s, now)
    return _calendar(window.kind, ZoneInfo(timezone), now)


def _rolling(length_s: float, now: float) -> Frame:
    width = length_s / BUCKETS
    newest = math.floor((now + _TICK_S) / width)
    return Frame(newest, newest - BUCKETS, (newest + BUCKETS + 1) * width, width)


def _duration(length_s: float, now: float) -> Frame:
    newest = math.floor((now + _TICK_S) / length_s)
    return Frame(newest, newest, (newest + 1) * length_s, length_s)


def _calendar(kind: str, zone: ZoneInfo, now: float) -> Frame:
    today = datetime.datetime.fromtimestamp(now, zone).date()
    number, following, days = _CALENDARS[kind](today)
    return Frame(number, number, _midnight(following, zone, now), days * _DAY_S)


def _midnight(day: datetime.date, zone: ZoneInfo, now: float) -> float:
    """When the day begins: the second of two midnights, where clocks were put back over the first."""
    midnight = datetime.datetime(day.year, day.month, day.day, tzinfo=zone)
    first = midnight.timestamp()
    return first if first > now else midnight.replace(fold=1).timestamp()


def _day(today: datetime.date) -> tuple[int, datetime.date, int]:
    return today.toordinal(), today + datetime.timedelta(days=1), 1


def _week(today: datetime.date) -> tuple[int, datetime.date, int]:
    return (today.toordinal() - 1) // 7, today + datetime.timedelta(days=7 - today.weekday()), 7


def _month(today: datetime.date) -> tuple[int, datetime.date, int]:
    number = today.year * 12 + today.month - 1
    return number, datetime.date((number + 1) // 12, (number + 1) % 12 + 1, 1), 31


_CALENDARS: Mapping[str, Callable[[datetime.date], tuple[int, datetime.date, int]]] = {
    "day": _day,
    "week": _week,
    "month": _month,
}
"""For a day: the number of its window, the first day of the next one, and how many days one has at most."""
