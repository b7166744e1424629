"""The days that a report covers, and the steps that its charts draw them in."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo

from llm_router.engine.accounting.spans import Instant, span_of

Unit = Literal["hour", "day", "week", "month"]
Day: TypeAlias = datetime.date

USUAL_DAYS = 30
_MOST: tuple[tuple[int, Unit], ...] = ((2, "hour"), (92, "day"), (800, "week"))
"""Up to how many days are drawn by this unit; by months past them."""
_JUST_BEFORE_S = 0.001


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a chart: `tick` is its name on an axis, `label` its name in a sentence or a table."""

    tick: str
    label: str


@dataclass(frozen=True, slots=True)
class Days:
    """Whole days of a timezone, from `first` to `last`."""

    first: Day
    last: Day
    timezone: str = "UTC"

    @property
    def count(self) -> int:
        """How many days."""
        return (self.last - self.first).days + 1

    @property
    def since(self) -> float:
        """When the first begins, in seconds since the epoch."""
        return midnight(self.first, self.timezone)

    @property
    def until(self) -> float:
        """When the last ends."""
        return midnight(self.last + datetime.timedelta(days=1), self.timezone)

    @property
    def before(self) -> Days:
        """As many days, right before."""
        length = datetime.timedelta(days=self.count)
        return Days(self.first - length, self.last - length, self.timezone)

    @property
    def unit(self) -> Unit:
        """What a step of a chart is."""
        return next((unit for most, unit in _MOST if self.count <= most), "month")

    @property
    def dimension(self) -> Literal["hour", "day"]:
        """The ledger's dimension whose values `place` reads."""
        return "hour" if self.unit == "hour" else "day"

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps, in order."""
        return tuple(_STEPS[self.unit](self.first, number) for number in range(self._step_of(self.last, 23) + 1))

    def place(self, value: str) -> int:
        """The number of the step in which a day or hour of the ledger lies."""
        return self._step_of(Day.fromisoformat(value[:10]), int(value[11:] or 0))

    def _step_of(self, day: Day, hour: int) -> int:
        match self.unit:
            case "hour":
                return (day - self.first).days * 24 + hour
            case "day":
                return (day - self.first).days
            case "week":
                return (day - monday(self.first)).days // 7
            case "month":
                return (day.year - self.first.year) * 12 + day.month - self.first.month


def days_of(since: Instant | None, until: Instant | None, timezone: str, now: float) -> Days:
    """The days in which any moment from `since` up to `until` lies; `USUAL_DAYS` of them where no `since` is said.

    Raises RequestError for what is no moment, and for a span that ends before it begins.
    """
    zone = ZoneInfo(timezone)
    span = span_of(None, since, until, zone, now)
    last = day_at(span.until - _JUST_BEFORE_S, zone)
    first = last - datetime.timedelta(days=USUAL_DAYS - 1) if since is None else day_at(span.since, zone)
    return Days(first, last, timezone)


def day_at(at: float, zone: ZoneInfo) -> Day:
    """The local day of an instant."""
    return datetime.datetime.fromtimestamp(at, zone).date()


def midnight(day: Day, timezone: str) -> float:
    """When a local day begins, in seconds since the epoch."""
    return datetime.datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(timezone)).timestamp()


def monday(day: Day) -> Day:
    """The first day of its week."""
    return day - datetime.timedelta(days=day.weekday())


def month_after(day: Day, months: int = 1) -> Day:
    """The first day of a month so many later."""
    number = day.year * 12 + day.month - 1 + months
    return Day(number // 12, number % 12 + 1, 1)


def short(day: Day) -> str:
    """`9 Nov`."""
    return f"{day.day} {day:%b}"


def long(day: Day) -> str:
    """`Mon 9 Nov 2026`."""
    return f"{day:%a} {day.day} {day:%b %Y}"


def _hour(first: Day, number: int) -> Step:
    day, hour = first + datetime.timedelta(days=number // 24), f"{number % 24:02}:00"
    return Step(hour, f"{day:%a} {short(day)}, {hour}")


def _day(first: Day, number: int) -> Step:
    day = first + datetime.timedelta(days=number)
    return Step(short(day), long(day))


def _week(first: Day, number: int) -> Step:
    day = monday(first) + datetime.timedelta(days=7 * number)
    return Step(short(day), f"week of {day.day} {day:%b %Y}")


def _month(first: Day, number: int) -> Step:
    day = month_after(first, number)
    return Step(f"{day:%b %y}", f"{day:%B %Y}")


_STEPS: Mapping[Unit, Callable[[Day, int], Step]] = {"hour": _hour, "day": _day, "week": _week, "month": _month}
