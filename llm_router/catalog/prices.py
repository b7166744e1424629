"""Where prices are found: dated rows of data, compiled to integers only for the models that are asked for.

`data/prices/<kind>.json` holds exact decimal strings in USD per million tokens, with source and date; a file is read
when its kind is first asked for. What the package they are made from doesn't know stands in `data/prices_beside.json`,
and so does who sells at another's list price (`like`). A model that is in neither has no price: that is `None`, never
zero. `data/batch.json` says what providers bill for batches.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from llm_router.catalog.price import (
    FREE,
    Batch,
    Price,
    PriceTier,
    Revision,
    read_rates,
)

_DATE_BEHIND = re.compile(r"(?:[-@]\d{4}-\d{2}-\d{2}|[-@]\d{8}|-\d{3,4}|-latest)$")


def find_price(kind: str, model: str) -> Price | None:
    """The price of what a provider of this kind serves under the wire name `model`; None where it isn't known.

    Names are compared exactly but for case; a date behind the name is passed over only where the data says that all
    dates cost the same.
    """
    name = model.strip().lower()
    if kind == "openrouter" and name.endswith(":free"):
        return FREE
    where = _where(kind, name)
    price = _find(*where) if where else None
    return price and _as_sold_by(kind, price)


def _as_sold_by(kind: str, price: Price) -> Price:
    """The price with what this kind of provider says of all its prices."""
    book = _beside().get(kind, _Book())
    source = f"{book.source} ({price.source})" if book.like else price.source
    return replace(price, source=source, batch=_batches().get(kind))


@cache
def _batches() -> Mapping[str, Batch]:
    content = json.loads((Path(__file__).parent / "data" / "batch.json").read_bytes())
    return {kind: Batch(**facts) for kind, facts in content.items()}


def priced_names(kind: str) -> tuple[tuple[str, ...], ...]:
    """The wire names that have a price at this kind of provider; those of one price together."""
    books = (_book(kind), _beside().get(kind, _Book()))
    entries = {id(entry): entry for book in books for entry in book.entries.values()}
    return tuple(tuple(entry["names"]) for entry in entries.values())


LITELLM_PREFIXES: Mapping[str, str] = {
    "openai": "openai",
    "anthropic": "anthropic",
    "gemini": "gemini",
    "groq": "groq",
    "mistral": "mistral",
    "deepseek": "deepseek",
    "xai": "xai",
    "perplexity": "perplexity",
    "together_ai": "together",
    "fireworks_ai": "fireworks",
    "openrouter": "openrouter",
    "cohere": "cohere",
    "cohere_chat": "cohere",
    "replicate": "replicate",
}
"""What a LiteLLM proxy calls the providers, by our kind; a model without such a prefix may be anything."""


def _where(kind: str, name: str) -> tuple[str, str] | None:
    """The file and the name in it under which a price stands."""
    if kind == "litellm":
        prefix, _, rest = name.partition("/")
        return (LITELLM_PREFIXES[prefix], rest) if rest and prefix in LITELLM_PREFIXES else None
    return _beside().get(kind, _Book()).like or kind, name


@lru_cache(maxsize=4096)
def _find(kind: str, name: str) -> Price | None:
    book = _book(kind)
    entry = book.entries.get(name)
    if entry is None:
        entry = book.entries.get(_DATE_BEHIND.sub("", name))
        if entry is None or not entry.get("dated"):
            return _find_beside(kind, name)
    return _price(entry, book)


def _find_beside(kind: str, name: str) -> Price | None:
    """The price of a model that the package which the files are made from doesn't know."""
    book = _beside().get(kind, _Book())
    return _price(book.entries[name], book) if name in book.entries else None


@cache
def _beside() -> Mapping[str, _Book]:
    content = json.loads((Path(__file__).parent / "data" / "prices_beside.json").read_bytes())
    return {kind: _read_book(book) for kind, book in content.items()}


@dataclass(frozen=True, slots=True)
class _Book:
    """One file: raw entries by name, compiled only when asked for; those of the kind `like` are taken instead."""

    source: str = ""
    date: str = ""
    like: str = ""
    entries: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # JSON; `_price` reads it


@cache
def _book(kind: str) -> _Book:
    path = Path(__file__).parent / "data" / "prices" / f"{kind}.json"
    if not kind.replace("-", "").isalpha() or not path.exists():
        return _Book()
    return _read_book(json.loads(path.read_bytes()))


def _read_book(content: Mapping[str, Any]) -> _Book:
    entries = {name: entry for entry in content.get("prices", ()) for name in entry["names"]}
    return _Book(content["source"], content["date"], content.get("like", ""), entries)


def _price(entry: Mapping[str, Any], book: _Book) -> Price:
    revisions = tuple(_revision(each) for each in entry.get("revisions", ()))
    source, date = entry.get("source", book.source), entry.get("date", book.date)
    return Price.of(read_rates(entry), _tiers(entry), revisions=revisions, source=source, date=date)


def _tiers(entry: Mapping[str, Any]) -> tuple[PriceTier, ...]:
    return tuple(PriceTier(tier["above"], read_rates(tier)) for tier in entry.get("tiers", ()))


def _revision(entry: Mapping[str, Any]) -> Revision:
    since = datetime.date.fromisoformat(entry["since"]) if "since" in entry else None
    start, end = (datetime.time.fromisoformat(text) for text in entry.get("hours", ("00:00", "00:00")))
    return Revision(read_rates(entry), _tiers(entry), since, (start, end) if "hours" in entry else None)
