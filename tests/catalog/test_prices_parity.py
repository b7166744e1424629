"""Our costs are those of genai-prices, from which the data is made: same models, same usage, to the picodollar."""

from __future__ import annotations

import datetime
import importlib.metadata
from decimal import Decimal
from pathlib import Path

import genai_prices
import pytest
import yaml

from llm_router.catalog.price import Price
from llm_router.catalog.prices import find_price
from llm_router.messages import Usage
from tests.catalog import make_data

INSTALLED = f"genai-prices {importlib.metadata.version('genai-prices')}"
same_version = pytest.mark.skipif(
    make_data.written_from() != INSTALLED,
    reason=f"the data is made from {make_data.written_from()}, installed is {INSTALLED}: run tests.catalog.make_data",
)

CASES = [tuple(case) for case in yaml.safe_load(Path(__file__).with_name("parity.yaml").read_text())]
USAGES = [
    Usage(1_000, 500),
    Usage(120_000, 4_000, cache_read=90_000),
    Usage(300_000, 1, cache_read=1_000, cache_creation=2_000),
    Usage(0, 0),
]
AT = datetime.datetime(2026, 11, 21, 20, tzinfo=datetime.UTC)
PEAK = datetime.datetime(2026, 11, 21, 2, 30, tzinfo=datetime.UTC)


def theirs(provider: str, model: str, usage: Usage, price: Price, at: datetime.datetime) -> int:
    """Picodollars that the package reckons; cache kinds only where they are priced, for it bills nothing for others."""
    calculated = genai_prices.calc_price(
        genai_prices.Usage(
            input_tokens=usage.input,
            output_tokens=usage.output,
            cache_read_tokens=usage.cache_read if price.cache_read is not None else None,
            cache_write_tokens=usage.cache_creation if price.cache_creation is not None else None,
        ),
        model_ref=model,
        provider_id=provider,
        genai_request_timestamp=at,
    )
    return int(calculated.total_price * Decimal(10) ** 12)


@same_version
@pytest.mark.parametrize(("kind", "provider", "model"), CASES, ids=str)
def test_our_cost_is_the_librarys(kind: str, provider: str, model: str) -> None:
    price = find_price(kind, model)
    assert price is not None
    for at in (AT, PEAK):
        for usage in USAGES:
            cost = price.cost(usage, at)
            assert cost is not None
            assert cost.total == theirs(provider, model, usage, price, at), (usage, at)


def test_there_are_enough_models_to_trust_the_comparison() -> None:
    assert len(CASES) >= 40
    assert len({kind for kind, _, _ in CASES}) >= 11


@same_version
def test_the_files_are_what_the_package_gives() -> None:
    assert make_data.differing() == [], "run `python -m tests.catalog.make_data`, and read what has changed"
