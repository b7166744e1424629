"""Quantities are read as written, exactly, and written as they are read."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from llm_router import units

PARSERS: Mapping[str, Callable[[str], Any]] = {
    "duration": units.parse_duration,
    "count": units.parse_count,
    "money": units.parse_money,
    "share": units.parse_share,
    "price": units.parse_price,
}
CASES = yaml.safe_load(Path(__file__).with_name("quantities.yaml").read_text())
GOOD = [(kind, case) for kind, cases in CASES.items() for case in cases if "is" in case]
BAD = [(kind, case) for kind, cases in CASES.items() for case in cases if "error" in case]


@pytest.mark.parametrize(("kind", "case"), GOOD, ids=lambda value: value if isinstance(value, str) else value["text"])
def test_a_quantity_is_read(kind: str, case: Mapping[str, Any]) -> None:
    expected = Fraction(case["is"]) if kind == "share" else case["is"]
    assert PARSERS[kind](case["text"]) == expected


@pytest.mark.parametrize(("kind", "case"), BAD, ids=lambda value: value if isinstance(value, str) else value["text"])
def test_what_is_no_quantity_says_what_to_write(kind: str, case: Mapping[str, Any]) -> None:
    with pytest.raises(units.UnitError) as caught:
        PARSERS[kind](case["text"])
    assert (caught.value.message, caught.value.help) == (case["error"], case["help"])


@given(st.integers(0, 10**18))
def test_money_is_written_as_it_is_read(picodollars: int) -> None:
    assert units.parse_money(units.format_money(picodollars)) == picodollars


@given(st.integers(0, 10**9))
def test_counts_are_written_as_they_are_read(count: int) -> None:
    assert units.parse_count(units.format_count(count)) == count


@given(st.integers(0, 10**9))
def test_durations_are_written_as_they_are_read(milliseconds: int) -> None:
    assert units.parse_duration(units.format_duration(milliseconds / 1000)) == milliseconds / 1000


@given(st.integers(0, 10_000))
def test_shares_are_written_as_they_are_read(parts: int) -> None:
    share = Fraction(parts, 10_000)
    assert units.parse_share(units.format_share(share)) == share


@given(st.decimals(0, 1000, places=6))
def test_prices_are_exact(price: Decimal) -> None:
    assert units.parse_price(price) == price * 10**6


@given(st.text())
def test_nothing_but_a_unit_error_comes_of_any_text(text: str) -> None:
    for parse in PARSERS.values():
        with contextlib.suppress(units.UnitError):
            parse(text)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.5, "500ms"), (8, "8s"), (90, "90s"), (300, "5m"), (3600, "1h"), (172800, "2d"), (0, "0s")]
)
def test_a_duration_takes_its_largest_whole_unit(seconds: float, text: str) -> None:
    assert units.format_duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.04, "0s"),
        (0.5, "500ms"),
        (14.46, "14.5s"),
        (119.9, "119.9s"),
        (300, "5m"),
        (2487.3, "41m27s"),
        (7199.9, "2h"),
        (18_725, "5h12m"),
        (530_000, "6d3h"),
    ],
)
def test_a_time_to_wait_is_said_as_people_say_it(seconds: float, text: str) -> None:
    assert units.format_wait(seconds) == text


@pytest.mark.parametrize(("count", "text"), [(32_000, "32k"), (1_500_000, "1.5M"), (4096, "4096"), (200_000, "200k")])
def test_a_count_is_as_short_as_it_can_be(count: int, text: str) -> None:
    assert units.format_count(count) == text
