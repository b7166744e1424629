"""What tokens cost: whole picodollars per token, so that every sum is exact.

A price in the data is an exact string in USD per million tokens; one such dollar is 1,000,000 picodollars a token.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from llm_router.messages import Usage

PriceKind = Literal["input", "output", "cache_read", "cache_creation", "reasoning", "input_audio", "output_audio"]
PRICE_KINDS: tuple[PriceKind, ...] = get_args(PriceKind)

Amount: TypeAlias = "str | int | float"


@dataclass(frozen=True, slots=True)
class Rates:
    """Picodollars per token by kind; a kind that is `None` bills as the side that it is part of."""

    input: int
    output: int
    cache_read: int | None = None
    cache_creation: int | None = None
    reasoning: int | None = None
    input_audio: int | None = None
    output_audio: int | None = None


@dataclass(frozen=True, slots=True)
class PriceTier:
    """The rates of a whole request whose input has more than `above` tokens."""

    above: int
    rates: Rates


@dataclass(frozen=True, slots=True)
class Price(Rates):
    """The rates in force on the catalogue's day, with tiers (ascending) and the rates of other days."""

    tiers: tuple[PriceTier, ...] = ()
    since: datetime.date | None = None
    revisions: tuple[Price, ...] = ()
    source: str = ""
    date: str = ""

    @classmethod
    def from_spec(cls, price: Mapping[str, Amount]) -> Price:
        """A price from USD per million tokens by kind. Raises UnitError where an amount isn't exact."""
        raise NotImplementedError

    def cost(self, usage: Usage, at: datetime.date | None = None) -> Cost | None:
        """What this usage costs, by kind; None where a side that isn't free wasn't reported."""
        raise NotImplementedError

    def upper_bound(self, input_tokens: int, output_tokens: int, at: datetime.date | None = None) -> int:
        """Picodollars that no request within these bounds can cost more than."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Cost:
    """Picodollars by kind; no token is counted in two of them."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_creation: int = 0
    reasoning: int = 0
    input_audio: int = 0
    output_audio: int = 0

    @property
    def total(self) -> int:
        """All kinds together."""
        return sum(getattr(self, kind) for kind in PRICE_KINDS)


FREE = Price(0, 0, source="free")


def find_price(kind: str, model: str) -> Price | None:
    """The price of what a provider of this kind serves under the wire name `model`; None where it isn't known."""
    known = {"gpt-4o": Price(2_500_000, 10_000_000, 1_250_000), "gpt-4o-mini": Price(150_000, 600_000, 75_000)}
    return known.get(model) if kind == "openai" else None
