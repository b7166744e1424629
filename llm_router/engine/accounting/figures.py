"""The sums of some requests as people read them: a frozen value, made of a ledger's totals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from decimal import Decimal
from fractions import Fraction

from llm_router.messages import Json, Usage
from llm_router.state.entry import TOKEN_KINDS
from llm_router.state.totals import Key, Total
from llm_router.units import format_usd, to_usd

NO_TOKENS = Usage(*(0 for _ in TOKEN_KINDS))


@dataclass(frozen=True, slots=True)
class Figures:
    """One group's sums; `key` names it, one text a dimension ("" where an entry says nothing).

    Money is whole picodollars: `cost` is what is known, `reserved` the part of it that is only an upper bound,
    `unknown` how many attempts nobody knows the cost of, `saved` what cached answers would have cost. `usage` are
    tokens as reported, by kind.
    """

    key: Key = ()
    requests: int = 0
    attempts: int = 0
    failures: int = 0
    cached: int = 0
    unknown: int = 0
    cost: int = 0
    reserved: int = 0
    saved: int = 0
    usage: Usage = NO_TOKENS

    @property
    def usd(self) -> Decimal:
        """What is known of the cost, in US dollars, exactly."""
        return to_usd(self.cost)

    @property
    def tokens(self) -> int:
        """Input and output together."""
        return (self.usage.input or 0) + (self.usage.output or 0)

    @property
    def average_usd(self) -> Decimal | None:
        """US dollars a request, rounded to whole picodollars; `None` without one."""
        return to_usd(round(Fraction(self.cost, self.requests))) if self.requests else None

    def json(self) -> dict[str, Json]:
        """As JSON: amounts are texts of exact decimals in USD."""
        return dict(self._numbers())

    def _numbers(self) -> Iterator[tuple[str, Json]]:
        for name in ("requests", "attempts", "failures", "cached"):
            yield name, getattr(self, name)
        for kind in fields(Usage):
            yield f"{kind.name}_tokens", getattr(self.usage, kind.name)
        yield "cost_usd", format_usd(self.cost)
        yield "reserved_usd", format_usd(self.reserved)
        yield "unknown", self.unknown
        yield "saved_usd", format_usd(self.saved)
        yield "average_usd", None if self.average_usd is None else f"{self.average_usd:f}"


def figures(total: Total) -> Figures:
    """The figures of a ledger's total."""
    return Figures(**{each.name: getattr(total, each.name) for each in fields(Figures)})
