"""How budgets stand, how money runs through a month, and where both head.

What is spent comes from the budget's own account, which also counts what the ledger can't tell apart. How it got
there, day by day, is the ledger's, where the budget's condition reads nothing but the place that was asked.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from llm_router.policy.charges import budget_account
from llm_router.policy.match import holds
from llm_router.policy.program import Budget, Program, Window
from llm_router.report.days import Day, midnight, monday, month_after
from llm_router.report.values import Course, Standing
from llm_router.spec.conditions.condition import reads
from llm_router.state.frames import frame
from llm_router.state.store import Frame, Level, Store
from llm_router.state.totals import DIMENSIONS, Query
from llm_router.units import format_duration

PACE_DAYS = 7
"""Over how many full days a pace is the mean: a week has each weekday once."""
FULLEST = 5
_PLACE = ("provider", "deployment", "model", "rule")


@dataclass(frozen=True, slots=True)
class Daily:
    """Cost by day, provider, deployment, model and rule; `busy_since` is the first day that had any request."""

    today: Day
    timezone: str
    costs: Mapping[tuple[str, ...], int]
    busy_since: Day

    def by_day(self, program: Program | None = None, budget: Budget | None = None) -> Mapping[str, int]:
        """Cost by day (`2026-11-19`) of what a budget covers, or of all."""
        days: Counter[str] = Counter()
        for (day, *place), cost in self.costs.items():
            if program is None or budget is None or _covers(program, budget, place):
                days[day] += cost
        return days


def month_of(daily: Daily) -> Course:
    """This month so far, and its end at the present pace."""
    first = daily.today.replace(day=1)
    return _course(daily, daily.by_day(), first, month_after(first))


def standings(store: Store, program: Program, daily: Daily, now: float) -> tuple[Standing, ...]:
    """All budgets of the program, in its order. Raises StoreDown."""
    reader = _Reader(store, program, daily, now)
    levels = reader.levels()
    return tuple(reader.standing(budget, levels) for budget in program.budgets)


@dataclass(frozen=True, slots=True)
class _Reader:
    """What budgets are read from, at `now`."""

    store: Store
    program: Program
    daily: Daily
    now: float

    def levels(self) -> Mapping[str, Level]:
        """How full the accounts are of the budgets that have only one."""
        frames = {budget_account(each).key: self._frame(each) for each in self.program.budgets if each.per is None}
        return self.store.levels(frames, now=self.now) if frames else {}

    def standing(self, budget: Budget, levels: Mapping[str, Level]) -> Standing:
        level = levels.get(budget_account(budget).key, Level())
        return Standing(
            budget.name,
            budget.amount,
            window_text(budget.window),
            self._frame(budget).ends,
            per=budget.per,
            spent=level.settled,
            held=level.open,
            warn_at=None if budget.warn_at is None else float(budget.warn_at),
            fullest=tuple(self._fullest(budget)),
            course=_burning(self.program, self.daily, budget),
        )

    def _frame(self, budget: Budget) -> Frame:
        return frame(budget.window, self.program.timezone, self.now)

    def _fullest(self, budget: Budget) -> Iterator[tuple[str, int]]:
        """Yields the accounts of a budget that counts apart, the fullest first, if the ledger tells them apart."""
        per = budget.per
        if per is None or not _in_ledger(budget) or not (per in DIMENSIONS or per.startswith("metadata.")):
            return
        since, place = _start(budget.window, self.daily, self.now), _PLACE if reads(budget.covers) else ()
        query = Query(since, self.now, (per, *place), timezone=self.program.timezone, numbers=("cost",))
        accounts: Counter[str] = Counter()
        for total in self.store.totals(query):
            value, *asked = total.key
            if not asked or _covers(self.program, budget, asked):
                accounts[value] += total.cost
        yield from accounts.most_common(FULLEST)


def window_text(window: Window) -> str:
    """`this month`, `in these 5h`, `in the last 24h`."""
    words = {
        "day": "today",
        "week": "this week",
        "month": "this month",
        "duration": "in these ",
        "rolling": "in the last ",
    }
    return words[window.kind] + (format_duration(window.length_s) if window.length_s else "")


def _burning(program: Program, daily: Daily, budget: Budget) -> Course | None:
    """How a budget of a week or a month was used up, if the ledger tells."""
    if budget.per is not None or not _in_ledger(budget) or budget.window.kind not in ("week", "month"):
        return None
    first = _first_day(budget.window, daily.today)
    after = month_after(first) if budget.window.kind == "month" else first + datetime.timedelta(days=7)
    return _course(daily, daily.by_day(program, budget), first, after)


def _course(daily: Daily, by_day: Mapping[str, int], first: Day, after: Day) -> Course:
    days = (after - first).days
    so_far = (daily.today - first).days + 1
    spent = tuple(by_day.get((first + datetime.timedelta(days=each)).isoformat(), 0) for each in range(so_far))
    pace = _pace(daily, by_day)
    if pace is None:
        return Course(first, days, spent)
    return Course(first, days, spent, pace, sum(spent[:-1]) + max(spent[-1], pace) + pace * (days - so_far))


def _pace(daily: Daily, by_day: Mapping[str, int]) -> int | None:
    """The mean of the last full days since anything was asked."""
    full = min(PACE_DAYS, (daily.today - daily.busy_since).days)
    if full < 1:
        return None
    days = (daily.today - datetime.timedelta(days=each) for each in range(1, full + 1))
    return sum(by_day.get(day.isoformat(), 0) for day in days) // full


def _in_ledger(budget: Budget) -> bool:
    """Whether the ledger has all that the budget's condition reads."""
    return reads(budget.covers) <= set(_PLACE)


def _covers(program: Program, budget: Budget, place: list[str]) -> bool:
    values: dict[str, object] = dict(zip(_PLACE, place, strict=True))
    known = program.deployments.get(place[1])
    return holds(budget.covers, values | ({"deployment": known.member} if known else {}))


def _start(window: Window, daily: Daily, now: float) -> float:
    """When the window that is open began."""
    if window.kind == "rolling":
        return now - window.length_s
    if window.kind == "duration":
        return now - now % window.length_s
    return midnight(_first_day(window, daily.today), daily.timezone)


def _first_day(window: Window, today: Day) -> Day:
    return {"week": monday(today), "month": today.replace(day=1)}.get(window.kind, today)
