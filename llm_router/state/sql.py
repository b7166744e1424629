"""What the stores that speak SQL share: the statements that sum the ledger, and the names of its columns.

A dialect says how its database spells what standard SQL has no word for.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from llm_router.state.entry import COLUMNS, STRUCTURED, TOKEN_KINDS
from llm_router.state.totals import BINS, KEPT, PLAIN, SUMS, Key, Query, Rolled, Total, of_bins, of_numbers, to_numbers
from llm_router.state.totals import to_bins as _to_bins

Row: TypeAlias = Sequence[Any]
Fetch: TypeAlias = Callable[[str, Sequence[object]], Iterable[Row]]
"""Runs a statement and gives its rows."""


def quoted(names: Iterable[str]) -> str:
    """Column names: `user` is a word of SQL's own."""
    return ", ".join(f'"{name}"' for name in names)


ENTRY_COLUMNS = quoted((*COLUMNS, *STRUCTURED))
DAILY_COLUMNS = quoted(("day", *KEPT, *SUMS, *BINS))

_TALLIES = (
    "COUNT(DISTINCT decision_id)",
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
"""The numbers of a total, in the order of `SUMS`."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """`mark` stands for a parameter. `local` takes a timezone, and `metadata` a key, as one parameter each.

    `tags` joins an entry with each of its tags, as `tag.value`; `tagged` holds where it has one of `{marks}`.
    """

    mark: str
    local: Mapping[str, str]
    metadata: str
    tags: str
    tagged: str
    untagged: str


def read_totals(query: Query, dialect: Dialect, fetch: Fetch) -> Sequence[Total]:
    """The totals of entries (not those of pruned days)."""
    statement = _Statement(query, dialect)
    rows = {_key(row, query): row[len(query.group) :] for row in fetch(*statement.sums(", ".join(_TALLIES)))}
    rows = {key: numbers for key, numbers in rows.items() if query.group or numbers[0]}
    bins = _bins(statement, fetch) if query.spread else {}
    return [of_numbers(key, numbers, bins.get(key, _NO_BINS)) for key, numbers in rows.items()]


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
        self._query, self._dialect = query, dialect

    def sums(self, wanted: str, *, also_by: str = "") -> tuple[str, Sequence[object]]:
        groups = [self._dimension(name) for name in self._query.group]
        filters = [self._filter(name, values) for name, values in self._query.filters.items()]
        selected = ", ".join([*(text for text, _ in groups), wanted])
        joined = f" {self._dialect.tags}" if "tag" in self._query.group else ""
        where = " AND ".join(
            [f"at >= {self._dialect.mark} AND at < {self._dialect.mark}", *(text for text, _ in filters)]
        )
        by = ", ".join([*(str(place) for place in range(1, len(groups) + 1)), *([also_by] if also_by else [])])
        parameters = [value for _, values in groups for value in values]
        parameters += [self._query.since, self._query.until, *(value for _, values in filters for value in values)]
        grouped = f" GROUP BY {by}" if by else ""
        return f"SELECT {selected} FROM entries{joined} WHERE {where}{grouped}", parameters

    def _dimension(self, name: str) -> tuple[str, Sequence[object]]:
        if name in PLAIN:
            return f"COALESCE(\"{name}\", '')", ()
        if name == "tag":
            return "COALESCE(tag.value, '')", ()
        if name in self._dialect.local:
            return self._dialect.local[name], (self._query.timezone,)
        return f"COALESCE({self._dialect.metadata}, '')", (name.removeprefix("metadata."),)

    def _filter(self, name: str, values: Sequence[str]) -> tuple[str, Sequence[object]]:
        marks = ", ".join([self._dialect.mark] * len(values)) or "NULL"
        if name == "tag":
            tagged = self._dialect.tagged.format(marks=marks)
            return f"({tagged} OR {self._dialect.untagged})" if "" in values else tagged, values
        text, parameters = self._dimension(name)
        return f"{text} IN ({marks})", (*parameters, *values)


def _key(row: Row, query: Query) -> Key:
    return tuple(str(value) for value in row[: len(query.group)])


_NO_BINS: tuple[dict[int, int], dict[int, int]] = ({}, {})


def _bins(statement: _Statement, fetch: Fetch) -> Mapping[Key, Sequence[Mapping[int, int]]]:
    """Both histograms of each group, from one pass over the entries."""
    bins: dict[Key, tuple[Counter[int], Counter[int]]] = defaultdict(lambda: (Counter(), Counter()))
    wanted = "first_token_bin, duration_bin, COUNT(*) FILTER (WHERE outcome = 'ok')"
    for *key, first_token, duration, count in fetch(*statement.sums(wanted, also_by="first_token_bin, duration_bin")):
        for place, number in enumerate((first_token, duration)):
            if number is not None and count:
                bins[tuple(str(value) for value in key)][place][number] += count
    return bins
