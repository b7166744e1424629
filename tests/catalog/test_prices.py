"""Prices are exact, costs add up, and the bound holds."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_router.catalog.price import FREE, PRICE_KINDS, Price, PriceTier, Rates, Revision
from llm_router.catalog.prices import find_price
from llm_router.messages import Usage
from llm_router.units import UnitError

CASES = yaml.safe_load(Path(__file__).with_name("prices.yaml").read_text())
NOON = datetime.datetime(2026, 11, 21, 12, tzinfo=datetime.UTC)


@pytest.mark.parametrize(("kind", "model", "expected"), CASES["known"], ids=str)
def test_a_wire_name_finds_its_price(kind: str, model: str, expected: dict[str, int]) -> None:
    price = find_price(kind, model)
    assert price is not None
    assert price.source
    assert price.date or price is FREE
    assert {name: getattr(price, name) for name in expected} == expected


@pytest.mark.parametrize(("kind", "model"), CASES["unknown"], ids=str)
def test_what_is_not_known_has_no_price(kind: str, model: str) -> None:
    assert find_price(kind, model) is None


def test_a_spec_writes_dollars_per_million_tokens() -> None:
    price = Price.from_spec({"input": 2.5, "output": "10", "cache_read": 1.25, "request": "0.005"})
    assert (price.input, price.output, price.cache_read) == (2_500_000, 10_000_000, 1_250_000)
    assert price.request == 5_000_000_000


@pytest.mark.parametrize(
    "amounts",
    [
        {"input": 1},
        {"output": 1},
        {"input": 1, "output": 1, "outptu": 1},
        {"input": -1, "output": 1},
        {"input": "0.0000001", "output": 1},
        {"input": "much", "output": 1},
    ],
    ids=str,
)
def test_a_price_that_cannot_be_read_is_an_error(amounts: dict[str, Any]) -> None:
    with pytest.raises(UnitError):
        Price.from_spec(amounts)


def test_cached_and_reasoned_tokens_are_parts_of_their_side() -> None:
    price = Price.from_spec({"input": "2", "output": "8", "cache_read": "0.5"})
    cost = price.cost(Usage(1_000_000, 500_000, cache_read=400_000, reasoning=300_000))
    assert cost is not None
    assert (cost.input, cost.cache_read) == (1_200_000_000_000, 200_000_000_000)
    assert (cost.output, cost.reasoning) == (1_600_000_000_000, 2_400_000_000_000)
    assert cost.total == 5_400_000_000_000


def test_a_side_that_was_not_reported_has_no_cost() -> None:
    price = Price.from_spec({"input": 1, "output": 1})
    assert price.cost(Usage()) is None
    assert price.cost(Usage(input=1)) is None
    assert FREE.cost(Usage()) is not None
    assert Price.from_spec({"input": 1, "output": 0}).cost(Usage(input=5)) is not None


def test_a_tier_bills_the_whole_request() -> None:
    price = find_price("anthropic", "claude-sonnet-4-5")
    assert price is not None
    costs = [price.cost(Usage(tokens, 0)) for tokens in (200_000, 200_001)]
    assert [cost and cost.total for cost in costs] == [600_000_000_000, 1_200_006_000_000]


@pytest.mark.parametrize(
    ("moment", "dollars_per_million"),
    [
        ("2025-06-09T23:59:59+00:00", 10),
        ("2025-06-10T00:00:00+00:00", 2),
        ("2025-06-10T01:00:00+02:00", 10),
        ("2026-11-21T12:00:00+00:00", 2),
    ],
)
def test_a_price_changes_with_the_date(moment: str, dollars_per_million: int) -> None:
    price = find_price("openai", "o3")
    assert price is not None
    cost = price.cost(Usage(1_000_000, 0), datetime.datetime.fromisoformat(moment))
    assert cost is not None
    assert cost.total == dollars_per_million * 10**12


@pytest.mark.parametrize(
    ("hour", "input"),
    [("00:30", 1), ("01:00", 3), ("03:59", 3), ("04:00", 1), ("22:59", 1), ("23:00", 5), ("00:10", 5)],
)
def test_a_price_changes_with_the_hour(hour: str, input: int) -> None:
    times = datetime.time.fromisoformat
    peak = Revision(Rates(3, 3), hours=(times("01:00"), times("04:00")))
    night = Revision(Rates(5, 5), hours=(times("23:00"), times("00:30")))
    price = Price(1, 1, revisions=(Revision(Rates(1, 1)), peak, night))
    assert price.rates_for(0, datetime.datetime.fromisoformat(f"2026-01-05T{hour}:00+00:00")).input == input
    assert price.upper_bound(1, 0, NOON) == 5


def test_the_bound_knows_of_a_rise_at_midnight_and_forgets_what_was_dearer_once() -> None:
    day = datetime.date(2026, 11, 22)
    price = Price(9, 9, revisions=(Revision(Rates(9, 9)), Revision(Rates(1, 1), since=datetime.date(2026, 1, 1))))
    assert price.upper_bound(1, 0, NOON) == 1
    rising = Price(1, 1, revisions=(Revision(Rates(1, 1)), Revision(Rates(5, 5), since=day)))
    assert rising.upper_bound(1, 0, NOON) == 5
    assert Price(1, 1, cache_creation=7).upper_bound(1, 0) == 7
    kept = Price(1, 1, cache_creation=7, cache_creation_1h=9)
    assert (kept.upper_bound(1, 0), kept.upper_bound(1, 0, hour=True)) == (7, 9)


def test_what_the_cache_keeps_for_an_hour_has_a_price_of_its_own() -> None:
    price = Price(10, 0, cache_creation=12, cache_creation_1h=20)
    cost = price.cost(Usage(input=100, output=0, cache_creation=30, cache_creation_1h=20))
    assert cost is not None
    assert (cost.input, cost.cache_creation, cost.cache_creation_1h, cost.total) == (700, 120, 400, 1220)


quick = settings(deadline=None, max_examples=60)
amounts = st.integers(0, 10**9)
tokens = st.integers(0, 10**7)
optional = st.none() | amounts


def rates() -> st.SearchStrategy[Rates]:
    return st.builds(Rates, amounts, amounts, optional, optional, optional, optional, optional, amounts)


@st.composite
def tiers(draw: st.DrawFn) -> tuple[PriceTier, ...]:
    starts = sorted(draw(st.sets(st.integers(0, 10**6), max_size=3)))
    return tuple(PriceTier(start, draw(rates())) for start in starts)


@st.composite
def revisions(draw: st.DrawFn) -> Revision:
    hours = draw(st.none() | st.tuples(st.times(), st.times()))
    since = draw(st.none() | st.dates(datetime.date(2026, 11, 15), datetime.date(2026, 11, 28)))
    return Revision(draw(rates()), draw(tiers()), since, hours)


@st.composite
def prices(draw: st.DrawFn) -> Price:
    return Price.of(draw(rates()), draw(tiers()), revisions=tuple(draw(st.lists(revisions(), max_size=3))))


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    parts = [draw(st.none() | tokens) for _ in range(5)]
    return Usage(draw(tokens), draw(tokens), *parts)


moments = st.datetimes(datetime.datetime(2026, 11, 14), datetime.datetime(2026, 11, 29))


@quick
@given(prices(), usages(), moments)
def test_a_cost_is_the_sum_of_its_parts_and_exact(price: Price, usage: Usage, at: datetime.datetime) -> None:
    cost = price.cost(usage, at)
    assert cost is not None
    assert cost.total == sum(getattr(cost, kind) for kind in PRICE_KINDS)
    assert all(getattr(cost, kind) >= 0 for kind in PRICE_KINDS)


@quick
@given(prices(), usages(), moments, tokens, tokens)
def test_no_usage_within_the_bounds_costs_more_than_the_bound(
    price: Price, usage: Usage, at: datetime.datetime, more_input: int, more_output: int
) -> None:
    bound = (usage.input or 0) + more_input, (usage.output or 0) + more_output
    cost = price.cost(usage, at)
    assert cost is not None
    assert cost.total <= price.upper_bound(*bound, at)
    undated = price.cost(usage)
    assert undated is not None
    assert undated.total <= price.upper_bound(*bound)


@quick
@given(prices(), usages(), moments)
def test_a_request_that_lasts_past_midnight_keeps_its_bound(price: Price, usage: Usage, at: datetime.datetime) -> None:
    later = price.cost(usage, at + datetime.timedelta(hours=23))
    assert later is not None
    assert later.total <= price.upper_bound(usage.input or 0, usage.output or 0, at)


@quick
@given(rates(), tokens, tokens, tokens)
def test_more_tokens_never_cost_less(rate: Rates, some_input: int, output: int, more: int) -> None:
    price = Price.of(rate)
    few, many = price.cost(Usage(some_input, output)), price.cost(Usage(some_input + more, output + more))
    assert few is not None
    assert many is not None
    assert few.total <= many.total


@quick
@given(usages())
def test_free_costs_nothing(usage: Usage) -> None:
    cost = FREE.cost(usage)
    assert cost is not None
    assert cost.total == 0
    assert FREE.upper_bound(10**9, 10**9) == 0
