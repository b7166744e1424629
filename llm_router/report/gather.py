"""From a store to the values of a report, with few questions: each reads the ledger of its days once."""

from __future__ import annotations

import datetime
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from zoneinfo import ZoneInfo

from llm_router.policy.program import Program
from llm_router.report.budgets import PACE_DAYS, Daily, month_of, standings
from llm_router.report.days import Days, day_at, monday
from llm_router.report.values import Answerer, Part, Report
from llm_router.state.memory import MemoryStore
from llm_router.state.store import Store
from llm_router.state.totals import Query, Total, plus

PLACE = ("provider", "deployment", "model", "rule")


def gather(store: Store, program: Program, days: Days, now: float, *, name: str) -> Report:
    """The report of these days, at `now` (epoch seconds); `name` is for a spec without one. Raises StoreDown."""
    over_time = _by(store, days, (days.dimension,))
    before = _by(store, days.before, ())
    places = _by(store, days, (days.dimension, *PLACE))
    steps = _steps(days, over_time)
    current = days.last >= day_at(now, ZoneInfo(program.timezone))
    daily = _daily(store, program, days, places, now) if current else None
    return Report(
        program.name or name,
        days,
        now,
        steps,
        before=next(iter(before), Total()),
        providers=_parts(days, places, 1),
        rules=_parts(days, places, 4),
        models=_parts(days, places, 3),
        answerers=_answerers(store, days),
        moves=_moves(days, places, steps),
        month=None if daily is None else month_of(daily),
        budgets=() if daily is None else standings(store, program, daily, now),
        current=current,
        caches=program.cache is not None,
        passing=isinstance(store, MemoryStore),
    )


def _by(store: Store, days: Days, group: tuple[str, ...]) -> Sequence[Total]:
    return store.totals(Query(days.since, days.until, group, timezone=days.timezone))


def _steps(days: Days, totals: Iterable[Total]) -> tuple[Total, ...]:
    """A total for each step. A request that was under way at midnight counts in both days."""
    found: defaultdict[int, list[Total]] = defaultdict(list)
    for total in totals:
        found[days.place(total.key[0])].append(total)
    return tuple(reduce(plus, found[number], Total()) for number in range(len(days.steps)))


def _parts(days: Days, places: Iterable[Total], dimension: int) -> tuple[Part, ...]:
    """The parts by one dimension of the places, the dearest first."""
    costs: defaultdict[str, Counter[int]] = defaultdict(Counter)
    attempts: Counter[str] = Counter()
    unknown: Counter[str] = Counter()
    for total in places:
        value = total.key[dimension]
        costs[value][days.place(total.key[0])] += total.cost
        attempts[value] += total.attempts + total.cached
        unknown[value] += total.unknown
    width = len(days.steps)
    parts = (
        Part(value, tuple(each[number] for number in range(width)), attempts[value], unknown[value])
        for value, each in costs.items()
    )
    return tuple(sorted(parts, key=lambda part: (-part.cost, -part.attempts, part.name)))


def _moves(days: Days, places: Iterable[Total], steps: Sequence[Total]) -> tuple[int, ...]:
    """How often one more deployment was asked, by step: a request counts once for each that it asked."""
    asked: Counter[int] = Counter()
    for total in places:
        asked[days.place(total.key[0])] += total.requests
    return tuple(max(0, asked[number] - total.requests) for number, total in enumerate(steps))


def _answerers(store: Store, days: Days) -> tuple[Answerer, ...]:
    """All deployments that were asked, the busiest first."""
    failures: defaultdict[str, Counter[str]] = defaultdict(Counter)
    failed = Query(days.since, days.until, ("deployment", "failure"), {"outcome": ("failed",)}, days.timezone)
    for total in store.totals(failed):
        deployment, failure = total.key
        failures[deployment][failure] += total.failures
    times = store.totals(Query(days.since, days.until, ("deployment",), timezone=days.timezone, spread=True))
    answerers = (
        Answerer(name, each.attempts, tuple(failures[name].most_common()), each.first_token, each.duration)
        for each in times
        for name in each.key
    )
    return tuple(sorted(answerers, key=lambda each: (-each.attempts, each.name)))


def _daily(store: Store, program: Program, days: Days, places: Iterable[Total], now: float) -> Daily:
    """Money by day and place from where month, week and pace begin; of the report's days nothing is asked again."""
    today = day_at(now, ZoneInfo(program.timezone))
    first = min(today.replace(day=1), monday(today), today - datetime.timedelta(days=PACE_DAYS))
    costs = _costs(places)
    if first < days.first:
        missing = Days(first, days.first - datetime.timedelta(days=1), days.timezone)
        costs += _costs(_by(store, missing, ("day", *PLACE)))
    return Daily(today, days.timezone, costs, _first_busy(costs, first, today))


def _costs(places: Iterable[Total]) -> Counter[tuple[str, ...]]:
    costs: Counter[tuple[str, ...]] = Counter()
    for total in places:
        day, *place = total.key
        costs[(day[:10], *place)] += total.cost
    return costs


def _first_busy(costs: Mapping[tuple[str, ...], int], first: datetime.date, today: datetime.date) -> datetime.date:
    """The first day on which anything was asked, from `first` on."""
    busy = {day for day, *_ in costs if day >= first.isoformat()}
    return datetime.date.fromisoformat(min(busy, default=today.isoformat()))
