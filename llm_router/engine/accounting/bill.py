"""What one request cost, over all its attempts: a value, exact inside, in US dollars for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal

from typing_extensions import override

from llm_router.catalog.price import Cost
from llm_router.errors import CostBasis
from llm_router.messages import Json
from llm_router.state.entry import Entry
from llm_router.units import format_money, format_usd, to_usd

KINDS = tuple(each.name for each in fields(Cost))


@dataclass(frozen=True, slots=True)
class RequestCost:
    """The money of a request: what its attempts cost that answered, failed, were cut, or lost a race.

    Whole picodollars. `known` is the sum of what is known, `reserved` the part of it that is only an upper bound (no
    usage was reported), `unknown` how many attempts nobody knows the cost of. `saved` is what a cached answer would
    have cost. `kinds` splits what was reported by kind of token.
    """

    known: int = 0
    reserved: int = 0
    unknown: int = 0
    kinds: Cost = Cost()
    saved: int = 0

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> RequestCost:
        """The cost of these attempts together."""
        made = tuple(entries)
        split = [each.cost_by_kind for each in made if each.cost_by_kind is not None]
        return cls(
            known=sum(each.cost or 0 for each in made),
            reserved=sum(each.cost or 0 for each in made if each.basis == "reserved"),
            unknown=sum(each.cost is None for each in made),
            kinds=Cost(**{kind: sum(getattr(each, kind) for each in split) for kind in KINDS}),
            saved=sum(each.saved for each in made),
        )

    def __add__(self, other: RequestCost) -> RequestCost:
        """Both together."""
        return RequestCost(
            self.known + other.known,
            self.reserved + other.reserved,
            self.unknown + other.unknown,
            Cost(**{kind: getattr(self.kinds, kind) + getattr(other.kinds, kind) for kind in KINDS}),
            self.saved + other.saved,
        )

    @property
    def picodollars(self) -> int | None:
        """All of it; `None` where some of it isn't known."""
        return None if self.unknown else self.known

    @property
    def usd(self) -> Decimal | None:
        """All of it in US dollars, exactly; `None` where some of it isn't known, which is not zero."""
        return None if self.unknown else to_usd(self.known)

    @property
    def by_kind(self) -> Mapping[str, Decimal]:
        """US dollars by kind of token (`request`: the fee of a call), of what was reported and isn't zero."""
        return {kind: to_usd(amount) for kind in KINDS if (amount := getattr(self.kinds, kind))}

    @property
    def basis(self) -> CostBasis:
        """Where it comes from: `unknown` where a part is, `reserved` where a part is an upper bound, else `reported`,
        or `free`."""
        if self.unknown:
            return "unknown"
        if self.reserved:
            return "reserved"
        return "reported" if self.known else "free"

    @override
    def __str__(self) -> str:
        if self.unknown:
            return f"{format_money(self.known)} and an unknown rest" if self.known else "unknown"
        if not self.known:
            return "nothing"
        return f"at most {format_money(self.known)}" if self.reserved else format_money(self.known)

    def json(self) -> dict[str, Json]:
        """As JSON. Amounts are texts of exact decimals in USD: most readers make binary floats of numbers, whose sums
        drift. `usd` is null where some of it isn't known."""
        return {
            "usd": format_usd(self.picodollars),
            "known_usd": format_usd(self.known),
            "basis": self.basis,
            "by_kind": {kind: f"{amount:f}" for kind, amount in self.by_kind.items()},
            "saved_usd": format_usd(self.saved),
        }
