"""What the stores that speak SQL share: the statements that sum the ledger, and the names of its columns.

A dialect says how its database spells what standard SQL has no word for. Three habits make a million entries a matter
of seconds: a database that sorts in order to group is given the ledger in slices that it can sort at once; days and
hours are made from quarters of an hour, here, not from each entry; and no decision is told apart from all others:
first attempts are counted, and looked at again are only the decisions that have further ones.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

from llm_router.state.entry import COLUMNS, STRUCTURED, TOKEN_KINDS
from llm_router.state.totals import (
    BINS,
    KEPT,
    PLAIN,
    QUARTER_S,
    SUMS,
    Key,
    Numbers,
    Query,
    Rolled,
    Total,
    local,
    of_bins,
    of_numbers,
    to_numbers,
)
from llm_router.state.totals import to_bins as _to_bins

Row: TypeAlias = Sequence[Any]
Span: TypeAlias = tuple[float, float]
Fetch: TypeAlias = Callable[[str, Sequence[object]], Iterable[Row]]
"""Runs a statement and gives its rows."""

SLICE = 50_000
"""About how many entries are sorted at a time."""


def quoted(names: Iterable[str]) -> str:
    """Column names: `user` is a word of SQL's own."""
    return ", ".join(f'"{name}"' for name in names)


ENTRY_COLUMNS = quoted((*COLUMNS, *STRUCTURED))
DAILY_COLUMNS = quoted(("day", *KEPT, *SUMS, *BINS))

_TALLIES = (
    "COUNT(*) FILTER (WHERE attempt <= 1)",
    "COUNT(*) FILTER (WHERE outcome <> 'cached')",
    "COUNT(*) FILTER (WHERE outcome = 'failed')",
    "COUNT(*) FILTER (WHERE outcome = 'lost')",
    "COUNT(*) FILTER (WHERE outcome = 'cached')",
    "COUNT(*) FILTER (WHERE cost IS NULL)",
    "SUM(cost)",
    "SUM(cost) FILTER (WHERE basis = 'reserved')",
    "SUM(saved)",
    *(f"SUM({kind}_tokens)" for kind in TOKEN_KINDS),
    "COUNT(first_token_s) FILTER (WHERE outcome = 'ok')",
    "SUM(first_token_s) FILTER (WHERE outcome = 'ok')",
    "COUNT(duration_s) FILTER (WHERE outcome = 'ok')",
    "SUM(duration_s) FILTER (WHERE outcome = 'ok')",
)
"""The numbers of a total, in the order of `SUMS`, but that first attempts stand for requests."""

_WANTED: Mapping[Numbers, range] = {
    "requests": range(1),
    "begun": range(1),
    "cost": range(SUMS.index("cost"), SUMS.index("cost") + 1),
    "sums": range(1, len(SUMS)),
    "bins": range(0),
}
"""Which of these each kind of numbers takes."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """`mark` stands for a parameter. `local` takes a timezone, and `metadata` a key, as one parameter each.

    `quarter` is the quarter of an hour, since the epoch, in which an entry began. `tags` joins an entry with each of
    its tags, as `tag.value`; `tagged` holds where it has one of `{marks}`. `sliced`: groups are best made of `SLICE`
    entries at a time.
    """

    mark: str
    quarter: str
    local: Mapping[str, str]
    metadata: str
    tags: str
    tagged: str
    untagged: str
    sliced: bool = False


def read_totals(query: Query, dialect: Dialect, fetch: Fetch) -> Sequence[Total]:
    """The totals of entries (not those of pruned days)."""
    statement = _Statement(query, dialect)
    spans = tuple(_slices(statement, fetch))
    numbers = _sums(statement, spans, fetch)
    if "requests" in query.numbers and spans:
        for *key, count in fetch(*statement.only_later()):
            numbers[tuple(map(str, key))][0] += count
    bins = _bins(statement, spans, fetch) if "bins" in query.numbers else {}
    return [of_numbers(key, each, bins.get(key, _NO_BINS)) for key, each in numbers.items()]


def rolled_row(day: str, total: Total) -> Row:
    """The values of `DAILY_COLUMNS`."""
    return (day, *total.key, *to_numbers(total), *_to_bins(total))


def of_rolled_row(day: int, row: Row) -> Rolled:
    """The pruned day of a row of `DAILY_COLUMNS` without its day."""
    numbers = row[len(KEPT) : len(KEPT) + len(SUMS)]
    return Rolled(day, of_numbers(tuple(row[: len(KEPT)]), numbers, [of_bins(text) for text in row[-len(BINS) :]]))


class _Statement:
    """One query's groups and filters, as SQL."""

    def __init__(self, query: Query, dialect: Dialect) -> None:
        self.query, self.dialect = query, dialect

    def select(self, wanted: str, span: Span, *, where: str = "") -> tuple[str, Sequence[object]]:
        """The statement for `wanted` of each entry of `span` of which `where` holds, behind its groups."""
        return self._select([self._group(name) for name in self.query.group], wanted, span, where)

    def sums(self, wanted: str, span: Span) -> tuple[str, Sequence[object]]:
        """The statement for each group's `wanted`, of the entries of `span`."""
        text, parameters = self.select(wanted, span)
        return text + _grouped(len(self.query.group)), parameters

    def only_later(self) -> tuple[str, Sequence[object]]:
        """The statement for how many requests each group has further attempts of, but not the first one."""
        width = len(self.query.group)
        groups = [self._dimension(name) for name in self.query.group]
        names = [f"g{number}" for number in range(width)]
        named = [(f"{text} AS {name}", values) for (text, values), name in zip(groups, names, strict=True)]
        again = f"decision_id IN (SELECT decision_id FROM entries WHERE attempt > 1 AND {self.in_span})"
        inner, parameters = self._select(named, "decision_id, min(attempt) AS first", self.span, again)
        requests = f"{inner}{_grouped(width + 1)}"
        text = f"SELECT {', '.join((*names, 'COUNT(*)'))} FROM ({requests}) AS requests WHERE first > 1"
        return text + _grouped(width), (*parameters, *self.span)

    def key(self, row: Row) -> Key:
        """The group's key, from the first values of a row."""
        query = self.query
        return tuple(
            local(query.timezone, name, value * QUARTER_S) if name in self.dialect.local else str(value)
            for name, value in zip(query.group, row, strict=False)
        )

    @property
    def in_span(self) -> str:
        """The condition that takes both ends of a span."""
        return f"at >= {self.dialect.mark} AND at < {self.dialect.mark}"

    @property
    def span(self) -> Span:
        """All that is asked about."""
        return self.query.since, self.query.until

    def _select(
        self, groups: Sequence[tuple[str, Sequence[object]]], wanted: str, span: Span, where: str
    ) -> tuple[str, Sequence[object]]:
        filters = [self._filter(name, values) for name, values in self.query.filters.items()]
        selected = ", ".join([*(text for text, _ in groups), wanted])
        joined = f" {self.dialect.tags}" if "tag" in self.query.group else ""
        conditions = " AND ".join([self.in_span, *(text for text, _ in filters), *([where] if where else [])])
        parameters = [value for _, values in groups for value in values]
        parameters += [*span, *(value for _, values in filters for value in values)]
        return f"SELECT {selected} FROM entries{joined} WHERE {conditions}", parameters

    def _group(self, name: str) -> tuple[str, Sequence[object]]:
        return (self.dialect.quarter, ()) if name in self.dialect.local else self._dimension(name)

    def _dimension(self, name: str) -> tuple[str, Sequence[object]]:
        if name in PLAIN:
            return f"COALESCE(\"{name}\", '')", ()
        if name == "tag":
            return "COALESCE(tag.value, '')", ()
        if name in self.dialect.local:
            return self.dialect.local[name], (self.query.timezone,)
        return f"COALESCE({self.dialect.metadata}, '')", (name.removeprefix("metadata."),)

    def _filter(self, name: str, values: Sequence[str]) -> tuple[str, Sequence[object]]:
        marks = ", ".join([self.dialect.mark] * len(values)) or "NULL"
        if name == "tag":
            tagged = self.dialect.tagged.format(marks=marks)
            return f"({tagged} OR {self.dialect.untagged})" if "" in values else tagged, values
        text, parameters = self._dimension(name)
        return f"{text} IN ({marks})", (*parameters, *values)


_NO_BINS: tuple[dict[int, int], dict[int, int]] = ({}, {})


def _grouped(columns: int) -> str:
    places = ", ".join(str(place) for place in range(1, columns + 1))
    return f" GROUP BY {places}" if places else ""


def _slices(statement: _Statement, fetch: Fetch) -> Iterator[Span]:
    """Yields the spans that are summed one after the other; none where there are no entries."""
    found = f"SELECT COUNT(*), min(at), max(at) FROM entries WHERE {statement.in_span}"
    ((count, first, last),) = fetch(found, statement.span)
    parts = math.ceil(count / SLICE) if statement.dialect.sliced else min(count, 1)
    since, until = statement.span
    edges = [since, *(first + (last - first) * number / parts for number in range(1, parts)), until]
    if parts:
        yield from pairwise(edges)


def _sums(statement: _Statement, spans: Iterable[Span], fetch: Fetch) -> dict[Key, list[Any]]:
    """The numbers of each group in the order of `SUMS`; as requests, first attempts."""
    wanted = sorted({place for each in statement.query.numbers for place in _WANTED[each]})
    width, selected = len(statement.query.group), ", ".join(_TALLIES[place] for place in wanted) or "0"
    numbers: dict[Key, list[Any]] = {}
    for span in spans:
        for row in fetch(*statement.sums(selected, span)):
            sums = numbers.setdefault(statement.key(row), [0] * len(SUMS))
            for place, more in zip(wanted, row[width:], strict=False):
                sums[place] += more or 0
    return numbers


def _bins(statement: _Statement, spans: Iterable[Span], fetch: Fetch) -> Mapping[Key, Sequence[Mapping[int, int]]]:
    """Both histograms of each group."""
    bins: dict[Key, tuple[Counter[int], Counter[int]]] = defaultdict(lambda: (Counter(), Counter()))
    for span in spans:
        selected = statement.select("first_token_bin, duration_bin", span, where="outcome = 'ok'")
        for (*key, first_token, duration), count in Counter(map(tuple, fetch(*selected))).items():
            for place, number in enumerate((first_token, duration)):
                if number is not None:
                    bins[statement.key(key)][place][number] += count
    return bins
