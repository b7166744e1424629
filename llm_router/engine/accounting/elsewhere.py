"""What an answer would have cost elsewhere: its tokens at the prices of others."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from llm_router.catalog.price import Price
from llm_router.catalog.prices import find_price
from llm_router.catalog.providers import PROVIDERS
from llm_router.diagnostics import did_you_mean
from llm_router.engine.answer import Answer
from llm_router.errors import RequestError
from llm_router.policy.program import Program
from llm_router.units import to_usd


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What the same call would have cost at `name` (picodollars; `None` where the price isn't known).

    The same tokens are counted, though another model splits a text a little otherwise. `saved` is the share of that
    cost which wasn't paid: 0.8 is 80 % cheaper here, below zero it was dearer; `None` where one of both isn't known,
    or nothing would have been paid.
    """

    name: str
    cost: int | None
    saved: Fraction | None

    @property
    def usd(self) -> Decimal | None:
        """The cost there in US dollars, exactly."""
        return None if self.cost is None else to_usd(self.cost)


def elsewhere(program: Program, answer: Answer, names: tuple[str, ...], at: float) -> tuple[Elsewhere, ...]:
    """The cost of an answer at each of these, at a moment; of none, at all other deployments. Raises RequestError."""
    wanted = names or tuple(name for name in program.deployments if name != answer.deployment)
    moment = datetime.datetime.fromtimestamp(at, datetime.UTC)
    return tuple(_compared(name, _price(program, name), answer, moment) for name in wanted)


def _compared(name: str, price: Price | None, answer: Answer, at: datetime.datetime) -> Elsewhere:
    cost = None if price is None else price.cost(answer.usage, at)
    there, here = None if cost is None else cost.total, answer.cost.picodollars
    return Elsewhere(name, there, 1 - Fraction(here, there) if there and here is not None else None)


def _price(program: Program, name: str) -> Price | None:
    """The price of a deployment, or of a model of the catalogue as `provider:model`. Raises RequestError."""
    if name in program.deployments:
        return program.deployments[name].price
    provider, colon, model = name.partition(":")
    kind = program.providers[provider].kind if provider in program.providers else provider
    if not colon or kind not in PROVIDERS:
        advice = did_you_mean(name, _names(program))
        raise RequestError(f"`{name}` is neither a deployment nor `provider:model`", help=advice)
    return find_price(kind, model)


def _names(program: Program) -> Iterator[str]:
    yield from program.deployments
    yield from (f"{provider}:…" for provider in program.providers)
