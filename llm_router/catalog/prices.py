"""Where prices are found: dated rows of data, compiled to integers only for the models that are asked for.

`data/prices/<kind>.json` holds exact decimal strings in USD per million tokens, with source and date; a file is read
when its kind is first asked for. A model that isn't there has no price: that is `None`, never zero.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from llm_router.catalog.price import FREE, PRICE_KINDS, Cost, Price, PriceKind, PriceTier, Rates, Revision, read_rates

__all__ = ["FREE", "PRICE_KINDS", "Cost", "Price", "PriceKind", "PriceTier", "Rates", "Revision", "find_price"]

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
    return _find(*where) if where else None


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
}
"""What a LiteLLM proxy calls the providers, by our kind; a model without such a prefix may be anything."""


def _where(kind: str, name: str) -> tuple[str, str] | None:
    """The file and the name in it under which a price stands."""
    if kind == "litellm":
        prefix, _, rest = name.partition("/")
        return (LITELLM_PREFIXES[prefix], rest) if rest and prefix in LITELLM_PREFIXES else None
    return kind, name


@lru_cache(maxsize=4096)
def _find(kind: str, name: str) -> Price | None:
    book = _book(kind)
    entry = book.entries.get(name)
    if entry is None:
        entry = book.entries.get(_DATE_BEHIND.sub("", name))
        if entry is None or not entry.get("dated"):
            return None
    return _price(entry, book)


@dataclass(frozen=True, slots=True)
class _Book:
    """One file: raw entries by name, compiled only when asked for."""

    source: str = ""
    date: str = ""
    entries: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # JSON; `_price` reads it


@cache
def _book(kind: str) -> _Book:
    path = Path(__file__).parent / "data" / "prices" / f"{kind}.json"
    if not kind.replace("-", "").isalpha() or not path.exists():
        return _Book()
    content = json.loads(path.read_bytes())
    return _Book(
        content["source"], content["date"], {name: entry for entry in content["prices"] for name in entry["names"]}
    )


def _price(entry: Mapping[str, Any], book: _Book) -> Price:
    revisions = tuple(_revision(each) for each in entry.get("revisions", ()))
    return Price.of(read_rates(entry), _tiers(entry), revisions=revisions, source=book.source, date=book.date)


def _tiers(entry: Mapping[str, Any]) -> tuple[PriceTier, ...]:
    return tuple(PriceTier(tier["above"], read_rates(tier)) for tier in entry.get("tiers", ()))


def _revision(entry: Mapping[str, Any]) -> Revision:
    since = datetime.date.fromisoformat(entry["since"]) if "since" in entry else None
    start, end = (datetime.time.fromisoformat(text) for text in entry.get("hours", ("00:00", "00:00")))
    return Revision(read_rates(entry), _tiers(entry), since, (start, end) if "hours" in entry else None)
