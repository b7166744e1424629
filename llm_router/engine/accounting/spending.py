"""What was spent: the ledger of a program's store, read over a span of time and summed by group."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from zoneinfo import ZoneInfo

from typing_extensions import override

from llm_router.diagnostics import did_you_mean
from llm_router.engine.accounting.figures import Figures, figures
from llm_router.engine.accounting.spans import Instant, Span, earlier, span_of
from llm_router.engine.effects import WallTime
from llm_router.engine.storing import AccountEffect
from llm_router.errors import RequestError
from llm_router.messages import Json
from llm_router.policy.program import Program
from llm_router.state.accounts import Accounts
from llm_router.state.totals import DIMENSIONS, Query, Total
from llm_router.units import format_usd

OF_TIME = ("day", "hour")


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual: `previous` is the same span once before, the means are over those of the last four with requests.

    `cost` is in picodollars, rounded; `spans` is how many of the four had any.
    """

    previous: Figures
    cost: int
    requests: Fraction
    spans: int


@dataclass(frozen=True, slots=True)
class Spending:
    """Sums of a ledger from `since` up to `until` (epoch seconds), whole, and by group, the dearest first (days and
    hours in their order).

    `usual` is there where it was asked for. `by` names the dimensions of the groups' keys.
    """

    since: float
    until: float
    timezone: str
    by: tuple[str, ...]
    total: Figures
    groups: tuple[Figures, ...] = ()
    usual: Usual | None = None

    @property
    def against_usual(self) -> Fraction | None:
        """Cost as a share of the usual one: 2 is twice as much; `None` where nothing is usual."""
        return Fraction(self.total.cost, self.usual.cost) if self.usual and self.usual.cost else None

    def json(self) -> dict[str, Json]:
        """As one JSON object: amounts are texts of exact decimals in USD, instants are epoch seconds."""
        usual = self.usual
        return {
            "since": self.since,
            "until": self.until,
            "timezone": self.timezone,
            "total": self.total.json(),
            "groups": [{**dict(zip(self.by, each.key, strict=True)), **each.json()} for each in self.groups],
            "usual": None
            if usual is None
            else {
                "previous": usual.previous.json(),
                "mean_cost_usd": format_usd(usual.cost),
                "mean_requests": float(usual.requests),
                "spans": usual.spans,
            },
        }


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a ledger: a period (`today`, `week`, `month`) or since and until; groups; filters."""

    period: str | None = None
    since: Instant | None = None
    until: Instant | None = None
    by: tuple[str, ...] = ()
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    usual: bool = False

    @classmethod
    def of(
        cls,
        period: str | None,
        bounds: tuple[Instant | None, Instant | None],
        by: str | Iterable[str],
        where: Mapping[str, str | Iterable[str]] | None,
        *,
        usual: bool,
    ) -> Question:
        """The question of a call, one word or several of each."""
        filters = {name: _words(values) for name, values in (where or {}).items()}
        return cls(period, bounds[0], bounds[1], _words(by), filters, usual)


@dataclass(frozen=True, slots=True)
class Sum(AccountEffect[Sequence[Total]]):
    """The ledger's totals. Raises StoreDown."""

    query: Query

    @override
    def act(self) -> Sequence[Total]:
        return self.accounts.store.totals(self.query)


async def spent(program: Program, accounts: Accounts, question: Question) -> Spending:
    """The answer of the ledger. Raises RequestError for what can't be asked, StoreDown."""
    _check(program, question)
    zone = ZoneInfo(program.timezone)
    span = span_of(question.period, question.since, question.until, zone, await WallTime())
    reader = _Reader(program, accounts, question)
    total = await reader.total(span)
    groups = await reader.groups(span) if question.by else ()
    usual = await reader.usual(earlier(span, zone)) if question.usual else None
    return Spending(span.since, span.until, program.timezone, question.by, total, groups, usual)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Who asks the store."""

    program: Program
    accounts: Accounts
    question: Question

    async def total(self, span: Span) -> Figures:
        return next(iter(await self._sums(span, ())), Figures())

    async def groups(self, span: Span) -> tuple[Figures, ...]:
        by = self.question.by
        found = await self._sums(span, by)
        if any(name in OF_TIME for name in by):
            return found
        return tuple(sorted(found, key=lambda each: (-each.cost, -each.requests, each.key)))

    async def usual(self, spans: Sequence[Span]) -> Usual:
        found = [await self.total(span) for span in spans]
        busy = [each for each in found if each.attempts or each.cached]
        count = len(busy) or 1
        cost = round(Fraction(sum(each.cost for each in busy), count))
        return Usual(found[0], cost, Fraction(sum(each.requests for each in busy), count), len(busy))

    async def _sums(self, span: Span, group: tuple[str, ...]) -> tuple[Figures, ...]:
        where, timezone = self.question.where, self.program.timezone
        query = Query(span.since, span.until, group, where, timezone)
        return tuple(figures(each) for each in await Sum(self.accounts, query))


def _words(said: str | Iterable[str]) -> tuple[str, ...]:
    return (said,) if isinstance(said, str) else tuple(said)


def _check(program: Program, question: Question) -> None:
    known = tuple(_dimensions(program))
    for name in (*question.by, *question.where):
        if name not in known:
            raise RequestError(f"the ledger knows no `{name}`", help=did_you_mean(name, known))


def _dimensions(program: Program) -> Iterator[str]:
    yield from DIMENSIONS
    yield from (f"metadata.{key}" for key in program.declarations.metadata)
