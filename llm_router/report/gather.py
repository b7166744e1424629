"""From a store to the values of a report, with few questions: each reads the ledger of its days once, so none asks for
more than it needs, and what one group can be told from another isn't asked for again."""

from __future__ import annotations

import datetime
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

from llm_router.policy.program import Program
from llm_router.report.budgets import PACE_DAYS, Daily, month_of, standings
from llm_router.report.days import Days, day_at, monday
from llm_router.report.values import Answerer, Part, Report
from llm_router.state.memory import MemoryStore
from llm_router.state.store import Store
from llm_router.state.totals import Numbers, Query, Total, added

PLACE = ("provider", "deployment", "model", "rule")


def gather(store: Store, program: Program, days: Days, now: float, *, name: str) -> Report:
    """The report of these days, at `now` (epoch seconds); `name` is for a spec without one. Raises StoreDown."""
    sums = _by(store, days, (days.dimension, *PLACE, "failure"), "begun", "sums")
    before = _by(store, days.before, (), "requests", "sums")
    asked = _by(store, days, (days.dimension, *PLACE), "requests")
    steps = _steps(days, sums)
    current = days.last >= day_at(now, ZoneInfo(program.timezone))
    daily = _daily(store, program, days, sums, now) if current else None
    return Report(
        program.name or name,
        days,
        now,
        steps,
        before=next(iter(before), Total()),
        providers=_parts(days, sums, 1),
        rules=_parts(days, sums, 4),
        models=_parts(days, sums, 3),
        answerers=_answerers(sums, _by(store, days, ("deployment",), "bins")),
        moves=_moves(days, asked, steps),
        month=None if daily is None else month_of(daily),
        budgets=() if daily is None else standings(store, program, daily, now),
        current=current,
        caches=program.cache is not None,
        passing=isinstance(store, MemoryStore),
    )


def _by(store: Store, days: Days, group: tuple[str, ...], *numbers: Numbers) -> Sequence[Total]:
    return store.totals(Query(days.since, days.until, group, timezone=days.timezone, numbers=numbers))


def _steps(days: Days, sums: Iterable[Total]) -> tuple[Total, ...]:
    """A total for each step. A request counts in the step in which it began."""
    found: defaultdict[int, list[Total]] = defaultdict(list)
    for total in sums:
        found[days.place(total.key[0])].append(total)
    return tuple(added(found[number]) for number in range(len(days.steps)))


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


def _moves(days: Days, asked: Iterable[Total], steps: Sequence[Total]) -> tuple[int, ...]:
    """How often one more deployment was asked, by step: a request counts once for each that it asked."""
    found: Counter[int] = Counter()
    for total in asked:
        found[days.place(total.key[0])] += total.requests
    return tuple(max(0, found[number] - total.requests) for number, total in enumerate(steps))


def _answerers(sums: Iterable[Total], bins: Iterable[Total]) -> tuple[Answerer, ...]:
    """All deployments that were asked, the busiest first."""
    failures: defaultdict[str, Counter[str]] = defaultdict(Counter)
    found: defaultdict[str, list[Total]] = defaultdict(list)
    for total in sums:
        _, _, deployment, _, _, failure = total.key
        failures[deployment] += Counter({failure: total.failures})
        found[deployment].append(total)
    spreads = {name: each for each in bins for name in each.key}
    answerers = (
        _answerer(name, added(each), failures[name], spreads.get(name, Total())) for name, each in found.items()
    )
    return tuple(sorted(answerers, key=lambda each: (-each.attempts, each.name)))


def _answerer(name: str, total: Total, failures: Counter[str], bins: Total) -> Answerer:
    first_token = replace(total.first_token, bins=bins.first_token.bins)
    duration = replace(total.duration, bins=bins.duration.bins)
    return Answerer(name, total.attempts, tuple(failures.most_common()), first_token, duration)


def _daily(store: Store, program: Program, days: Days, places: Iterable[Total], now: float) -> Daily:
    """Money by day and place from where month, week and pace begin; of the report's days nothing is asked again."""
    today = day_at(now, ZoneInfo(program.timezone))
    first = min(today.replace(day=1), monday(today), today - datetime.timedelta(days=PACE_DAYS))
    costs = _costs(places)
    if first < days.first:
        missing = Days(first, days.first - datetime.timedelta(days=1), days.timezone)
        costs += _costs(_by(store, missing, ("day", *PLACE), "cost"))
    return Daily(today, days.timezone, costs, _first_busy(costs, first, today))


def _costs(places: Iterable[Total]) -> Counter[tuple[str, ...]]:
    costs: Counter[tuple[str, ...]] = Counter()
    for total in places:
        day, *place = total.key
        costs[(day[:10], *place[: len(PLACE)])] += total.cost
    return costs


def _first_busy(costs: Mapping[tuple[str, ...], int], first: datetime.date, today: datetime.date) -> datetime.date:
    """The first day on which anything was asked, from `first` on."""
    busy = {day for day, *_ in costs if day >= first.isoformat()}
    return datetime.date.fromisoformat(min(busy, default=today.isoformat()))
