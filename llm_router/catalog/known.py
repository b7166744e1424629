"""What is known of the models of a kind of provider, as one list: cards and prices side by side."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from llm_router.catalog.cards import ModelCard, find_card, wire_names
from llm_router.catalog.price import PRICE_KINDS, Price, PriceKind, Rates
from llm_router.catalog.prices import find_price, priced_names
from llm_router.messages import Json
from llm_router.units import TOKENS_PER_PRICE, format_price


@dataclass(frozen=True, slots=True)
class KnownModel:
    """One model at one provider, under its wire name there; `provider` is the kind, or the name in a spec.

    Neither card nor price: the catalogue doesn't know it. `listed` tells whether the provider lists it to this key,
    and is None where it wasn't asked, or can't say.
    """

    provider: str
    model: str
    card: ModelCard | None = None
    price: Price | None = None
    listed: bool | None = None

    @property
    def known(self) -> bool:
        """Whether the catalogue knows it."""
        return self.card is not None or self.price is not None

    @property
    def supports(self) -> frozenset[str]:
        """What it is known to support."""
        return frozenset() if self.card is None or self.card.supports is None else self.card.supports

    @property
    def retired(self) -> str | None:
        """The day (ISO) on which it is switched off."""
        return None if self.card is None else self.card.retired

    def json(self) -> dict[str, Json]:
        """As JSON: tokens, prices in USD per million tokens (`request`: per call) as exact strings, sources, days."""
        card, price = self.card or ModelCard(""), self.price
        facts: dict[str, Json] = {
            "provider": self.provider,
            "model": self.model,
            "card": card.name or None,
            "context": card.context,
            "max_output": card.max_output,
            "supports": None if card.supports is None else sorted(card.supports),
            "dimensions": card.vectors.dimensions if card.vectors else None,
            "retired": card.retired,
            "replaced_by": card.replaced_by,
            "source": card.source or None,
            "date": card.date or None,
            "price": None if price is None else _price_json(price),
        }
        return facts if self.listed is None else {**facts, "listed": self.listed}


def known_models(kind: str) -> tuple[KnownModel, ...]:
    """All models that the catalogue knows at this kind of provider, by name; each under one of its names."""
    found: dict[str, str] = {}
    for name in (*wire_names(kind), *_priced(kind)):
        found.setdefault(name.lower().replace(".", "-"), name)
    return tuple(look_up(kind, name) for name in sorted(found.values()))


def look_up(kind: str, model: str) -> KnownModel:
    """What is known of one model at a kind of provider."""
    return KnownModel(kind, model, find_card(kind, model), find_price(kind, model))


def with_listed(
    known: tuple[KnownModel, ...], kind: str, listed: frozenset[str], *, whole: bool
) -> tuple[KnownModel, ...]:
    """What is known, with what the provider lists: which of it is there, and what of that is new to the catalogue.

    A name also counts as listed where it stands with a date or `:latest` behind it. What isn't listed isn't there if
    the list is `whole`; otherwise that isn't known.
    """
    names = {each.model for each in known}
    also = {_BEHIND.sub("", name) for name in listed} | listed
    said = tuple(replace(each, listed=True if each.model in also else False if whole else None) for each in known)
    new = {name for name in listed - names if name.removesuffix(":latest") not in names}
    return (*said, *(replace(look_up(kind, name), listed=True) for name in sorted(new)))


_BEHIND = re.compile(r"(?:-\d{8}|-\d{4}-\d{2}-\d{2}|:latest)$")


def _priced(kind: str) -> Iterator[str]:
    """One name a price: the card's own where it is among them."""
    for names in priced_names(kind):
        own = next((name for name in names if (card := find_card(kind, name)) and card.name == name), None)
        yield own or names[0]


def _price_json(price: Price) -> Json:
    above: list[Json] = [{"above": tier.above, **_rates(tier.rates)} for tier in price.tiers]
    told: dict[str, Json] = {**_rates(price), "source": price.source, "date": price.date}
    if price.batch:
        told["batch"] = {"percent": price.batch.percent, "source": price.batch.source, "date": price.batch.date}
    return {**told, "tiers": above} if above else told


def _rates(rates: Rates) -> dict[str, Json]:
    amounts: dict[PriceKind, int | None] = {kind: getattr(rates, kind) for kind in PRICE_KINDS}
    amounts["request"] = rates.request // TOKENS_PER_PRICE or None
    return {kind: format_price(amount) for kind, amount in amounts.items() if amount is not None}
