"""Sums over the ledger: by what, of what, and how they are made where there is no SQL.

A request is a decision: its entries share an id, are numbered by `attempt`, and count as one request in each group that
has any of them. Entries that were pruned leave daily totals by `KEPT`; such a day (UTC) counts where its noon lies in
the query's span, its other dimensions are empty, and its requests are added up, so that one which asked two deployments
counts twice.
"""

from __future__ import annotations

import datetime
import itertools
import json
import operator
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Literal, TypeAlias
from zoneinfo import ZoneInfo

from llm_router.messages import Usage
from llm_router.state.entry import TOKEN_KINDS, Entry, Value, bin_of, bin_top_s

Key: TypeAlias = tuple[str, ...]
Numbers: TypeAlias = Literal["requests", "begun", "cost", "sums", "bins"]
"""What is wanted of a group: how many requests it has (or only those that began in it: then no request is counted
twice), its cost, everything that is added up but requests, its histograms."""

DAY_S = 86_400
_NOON_S = DAY_S / 2
_EPOCH = datetime.date(1970, 1, 1).toordinal()
_LATEST_S = 2.5e11
"""Seconds since the epoch of an instant whose day still has a name."""
QUARTER_S = 900
"""Every offset from UTC in use is a whole number of quarters of an hour."""

PLAIN = ("provider", "deployment", "model", "rule", "user", "session", "run", "outcome", "failure")
"""Dimensions that are fields of an entry."""
DIMENSIONS = ("day", "hour", *PLAIN, "tag")
"""All dimensions but `metadata.<key>`."""
KEPT = ("provider", "deployment", "model", "rule", "user", "outcome")
"""The dimensions of daily totals."""


def date_of(day: int) -> datetime.date:
    """The date of a day, which is counted since the epoch, UTC."""
    return datetime.date.fromordinal(_EPOCH + day)


def day_of(date: datetime.date) -> int:
    """The day of a date, since the epoch."""
    return date.toordinal() - _EPOCH


def date_at(instant: float) -> datetime.date:
    """The date of an instant, UTC; far ones are brought to where dates still have a name."""
    return date_of(int(min(max(instant, 0), _LATEST_S) // DAY_S))


@dataclass(frozen=True, slots=True)
class Query:
    """Entries from `since` up to `until` (epoch seconds) that fit the filters, in groups.

    Days (`2026-11-19`) and hours (`2026-11-19T14`) are those of `timezone`. An entry with several tags counts in the
    group of each. A filter names the values that are wanted; what is absent has the value "". `numbers` are those that
    totals have to have: each kind takes a pass over the entries, and where one isn't asked for, its numbers mean
    nothing. Raises ValueError for a dimension that there isn't.
    """

    since: float
    until: float
    group: tuple[str, ...] = ()
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    timezone: str = "UTC"
    numbers: tuple[Numbers, ...] = ("requests", "sums")

    def __post_init__(self) -> None:
        for name in (*self.group, *self.filters):
            if name not in DIMENSIONS and not name.startswith("metadata."):
                raise ValueError(f"`{name}` is nothing to group by: there are {', '.join(DIMENSIONS)}, metadata.<key>")


@dataclass(frozen=True, slots=True)
class Spread:
    """Durations of the attempts that answered: how many, their sum in seconds, and counts by bin."""

    count: int = 0
    sum_s: float = 0.0
    bins: Mapping[int, int] = field(default_factory=dict)

    def percentile(self, share: float) -> float | None:
        """Seconds within which this share (0 to 1) ended, at most a fifth too high; None without a histogram."""
        wanted = share * sum(self.bins.values())
        numbers = sorted(self.bins)
        for number, upto in zip(numbers, itertools.accumulate(self.bins[each] for each in numbers), strict=True):
            if upto >= wanted:
                return bin_top_s(number)
        return None


@dataclass(frozen=True, slots=True)
class Total:
    """One group's sums. Money is picodollars.

    `cost` is what is known, `reserved` the part of it that is only an upper bound, `unknown` how many entries have no
    cost at all. `attempts` are all entries but `cached` ones; `lost` are those that nobody settled.
    """

    key: Key = ()
    requests: int = 0
    attempts: int = 0
    failures: int = 0
    lost: int = 0
    cached: int = 0
    unknown: int = 0
    cost: int = 0
    reserved: int = 0
    saved: int = 0
    usage: Usage = Usage(*(0 for _ in TOKEN_KINDS))
    first_token: Spread = Spread()
    duration: Spread = Spread()


COUNTERS = ("requests", "attempts", "failures", "lost", "cached", "unknown", "cost", "reserved", "saved")
SPREADS = ("first_token", "duration")
SUMS = (
    *COUNTERS,
    *(f"{kind}_tokens" for kind in TOKEN_KINDS),
    *(f"{name}_{part}" for name in SPREADS for part in ("count", "sum_s")),
)
"""The numbers of a total, in the order of a row of them."""
BINS = tuple(f"{name}_bins" for name in SPREADS)


def of_numbers(key: Key, numbers: Sequence[Any], bins: Sequence[Mapping[int, int]] = ({}, {})) -> Total:
    """The total of a row of `SUMS`, and the two histograms."""
    counted = dict(zip(COUNTERS, (int(each or 0) for each in numbers), strict=False))
    tokens = [int(each or 0) for each in numbers[len(COUNTERS) : -4]]
    count, sum_s, count_2, sum_2_s = numbers[-4:]
    first_token, duration = (
        Spread(int(count), float(sum_s or 0), bins[0]),
        Spread(int(count_2), float(sum_2_s or 0), bins[1]),
    )
    return Total(key, **counted, usage=Usage(*tokens), first_token=first_token, duration=duration)


def to_numbers(total: Total) -> tuple[int | float, ...]:
    """The row of `SUMS` of a total."""
    counted = (getattr(total, name) for name in COUNTERS)
    tokens = (getattr(total.usage, kind) for kind in TOKEN_KINDS)
    spreads = (part for each in (total.first_token, total.duration) for part in (each.count, each.sum_s))
    return (*counted, *tokens, *spreads)


def to_bins(total: Total) -> tuple[str, str]:
    """The two histograms as JSON."""
    first_token, duration = (json.dumps(dict(each.bins)) for each in (total.first_token, total.duration))
    return first_token, duration


def of_bins(text: str) -> Mapping[int, int]:
    """A histogram from JSON."""
    return {int(number): count for number, count in json.loads(text).items()}


@dataclass(frozen=True, slots=True)
class Rolled:
    """The total of one pruned day (days since the epoch, UTC); its key is by `KEPT`."""

    day: int
    total: Total


def sum_entries(query: Query, entries: Iterable[Entry]) -> Sequence[Total]:
    """Totals of the entries that the query wants, in no order."""
    tallies: dict[Key, _Tally] = {}
    wanted = {name: frozenset(values) for name, values in query.filters.items()}
    for entry in entries:
        if all(values.intersection(values_of(entry, name, query.timezone)) for name, values in wanted.items()):
            for key in itertools.product(*(values_of(entry, name, query.timezone) for name in query.group)):
                tallies.setdefault(key, _Tally()).add(entry)
    return [tally.total(key, query.numbers) for key, tally in tallies.items()]


def combine(query: Query, totals: Iterable[Total], rolled: Iterable[Rolled]) -> Sequence[Total]:
    """Totals together with those of pruned days, sorted by key. Without a group there is always one."""
    sums: dict[Key, Total] = {} if query.group else {(): Total()}
    for total in itertools.chain(totals, _wanted(query, rolled)):
        sums[total.key] = plus(sums[total.key], total) if total.key in sums else total
    return [sums[key] for key in sorted(sums)]


def plus(first: Total, second: Total) -> Total:
    """Both together, under the first one's key."""
    numbers = tuple(map(operator.add, to_numbers(first), to_numbers(second)))
    bins = [
        dict(Counter(mine.bins) + Counter(other.bins))
        for mine, other in ((first.first_token, second.first_token), (first.duration, second.duration))
    ]
    return of_numbers(first.key, numbers, bins)


def added(totals: Iterable[Total]) -> Total:
    """All together, without a key and without histograms."""
    numbers = [sum(each) for each in zip(*map(to_numbers, totals), strict=True)]
    return of_numbers((), numbers) if numbers else Total()


def roll(day: int) -> Query:
    """The query whose totals a pruned day leaves."""
    return Query(day * DAY_S, (day + 1) * DAY_S, KEPT, numbers=("requests", "sums", "bins"))


def values_of(entry: Entry, name: str, timezone: str) -> Key:
    """What an entry has in a dimension: one value but for tags; "" where it has none."""
    if name == "tag":
        return tuple(dict.fromkeys(entry.tags)) or ("",)
    if name in ("day", "hour"):
        return (local(timezone, name, entry.at),)
    if name.startswith("metadata."):
        return (as_text(entry.metadata.get(name.removeprefix("metadata."))),)
    return (getattr(entry, name) or "",)


def as_text(value: Value | None) -> str:
    """A declared value as groups show it: `true`, `7`, `0.5`, or the text itself."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def local(timezone: str, unit: str, at: float) -> str:
    """The local day or hour of an instant."""
    return _local(timezone, unit, int(at // QUARTER_S))


@lru_cache(maxsize=4096)
def _local(timezone: str, unit: str, quarter: int) -> str:
    moment = datetime.datetime.fromtimestamp(quarter * QUARTER_S, ZoneInfo(timezone))
    return f"{moment:%Y-%m-%d}" if unit == "day" else f"{moment:%Y-%m-%dT%H}"


def _wanted(query: Query, rolled: Iterable[Rolled]) -> Iterable[Total]:
    for each in rolled:
        noon = each.day * DAY_S + _NOON_S
        if not query.since <= noon < query.until:
            continue
        said = dict(zip(KEPT, each.total.key, strict=True)) | {"day": local(query.timezone, "day", noon)}
        if all(said.get(name) in values for name, values in query.filters.items()):
            total = each.total if "bins" in query.numbers else _without_bins(each.total)
            yield replace(total, key=tuple(said.get(name, "") for name in query.group))


def _without_bins(total: Total) -> Total:
    return replace(total, first_token=replace(total.first_token, bins={}), duration=replace(total.duration, bins={}))


_COUNTED: Sequence[Callable[[Entry], int]] = (
    lambda entry: entry.outcome != "cached",
    lambda entry: entry.outcome == "failed",
    lambda entry: entry.outcome == "lost",
    lambda entry: entry.outcome == "cached",
    lambda entry: entry.cost is None,
    lambda entry: entry.cost or 0,
    lambda entry: (entry.cost or 0) if entry.basis == "reserved" else 0,
    lambda entry: entry.saved,
    *(lambda entry, kind=kind: getattr(entry.usage, kind) or 0 for kind in TOKEN_KINDS),
)
"""What an entry adds to each of `SUMS` after the requests, up to the spreads."""


class _Tally:
    """One group's sums while they grow."""

    __slots__ = ("begun", "bins", "decisions", "durations", "numbers")

    def __init__(self) -> None:
        self.begun = 0
        self.decisions: set[str] = set()
        self.numbers = [0] * len(_COUNTED)
        self.durations: tuple[list[float], list[float]] = ([], [])
        self.bins: tuple[Counter[int], Counter[int]] = (Counter(), Counter())

    def add(self, entry: Entry) -> None:
        self.begun += entry.attempt <= 1
        self.decisions.add(entry.decision_id)
        for place, count in enumerate(_COUNTED):
            self.numbers[place] += count(entry)
        if entry.outcome == "ok":
            for durations, bins, value in zip(
                self.durations, self.bins, (entry.first_token_s, entry.duration_s), strict=True
            ):
                _spread(durations, bins, value)

    def total(self, key: Key, wanted: Sequence[Numbers]) -> Total:
        spreads = (part for each in self.durations for part in (len(each), sum(each)))
        bins = [dict(each) if "bins" in wanted else {} for each in self.bins]
        requests = self.begun if "begun" in wanted else len(self.decisions)
        return of_numbers(key, (requests, *self.numbers, *spreads), bins)


def _spread(durations: list[float], bins: Counter[int], value: float | None) -> None:
    number = bin_of(value)
    if value is not None and number is not None:
        durations.append(value)
        bins[number] += 1
