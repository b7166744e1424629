"""Numbers, scales and days, as data."""

from __future__ import annotations

import datetime
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_router.report.charts import Frame, Series, columns, shown, ticks_up_to
from llm_router.report.days import Days
from llm_router.report.figures import axis_money, brief, change, money, seconds, share
from llm_router.report.markup import Html, join, tag
from llm_router.report.style import CSS

DOLLAR = 10**12

MONEY = [
    (0, "0"),
    (1, "<0.000001"),
    (2_500_000, "0.0000025"),
    (123_456_789, "0.00012"),
    (DOLLAR // 20, "0.05"),
    (95 * DOLLAR // 1000, "0.10"),
    (DOLLAR, "1.00"),
    (999_990_000_000_000, "999.99"),
    (999_996_000_000_000, "1,000"),
    (1_234_567 * DOLLAR, "1,234,567"),
]


@pytest.mark.parametrize(("picodollars", "text"), MONEY)
def test_money_has_the_digits_that_help(picodollars: int, text: str) -> None:
    assert money(picodollars) == text


NUMBERS = [
    (brief(0), "0"),
    (brief(950), "950"),
    (brief(999.9), "1k"),
    (brief(12_345), "12.3k"),
    (brief(4_560_000), "4.56M"),
    (brief(7.2e9), "7.2B"),
    (axis_money(DOLLAR // 4), "0.25"),
    (axis_money(1500 * DOLLAR), "1.5k"),
    (axis_money(DOLLAR // 2000), "0.0005"),
    (seconds(None), "–"),
    (seconds(0.0854), "85 ms"),
    (seconds(1.44), "1.44 s"),
    (seconds(150), "2.5 min"),
    (share(1, 0), "–"),
    (share(0, 5), "0 %"),
    (share(1, 5000), "<0.1 %"),
    (share(1, 80), "1.2 %"),
    (share(62, 100), "62 %"),
    (change(5, 0), ""),
    (change(112, 100), "+12 %"),
    (change(97, 100), "−3 %"),
    (change(100.1, 100), "±0 %"),
    (change(420, 100), "×4.2"),
]


@pytest.mark.parametrize(("said", "text"), NUMBERS)
def test_numbers_are_short(said: str, text: str) -> None:
    assert said.replace("\u00a0", " ") == text


@given(st.floats(min_value=1e-9, max_value=1e20))
def test_a_scale_begins_at_zero_and_ends_just_past_the_most(most: float) -> None:
    scale = ticks_up_to(most)
    step = scale[1]
    assert scale[0] == 0
    assert 2 <= len(scale) <= 7
    assert most * 0.99999 <= scale[-1] < (most + step) * 1.00001


@given(st.integers(1, 500), st.integers(1, 20))
def test_an_axis_never_has_more_names_than_room(count: int, most: int) -> None:
    names = shown(count, most)
    assert 0 in names
    assert len(names) <= most


@given(st.lists(st.integers(0, 10**15), min_size=1, max_size=60))
def test_columns_are_as_high_as_their_numbers(values: list[int]) -> None:
    frame = Frame("k", "title", "description", [str(each) for each in range(len(values))], axis_money)
    drawn = columns(frame, [Series("a", values, "c1")])
    heights = [float(each) for each in re.findall(r'height="([0-9.]+)" class="c1"', drawn)]
    top = ticks_up_to(max(values))[-1]
    assert heights == [pytest.approx(max(190 * each / top, 0.75), abs=0.02) for each in values if each]


@given(st.text())
def test_text_stays_text(text: str) -> None:
    drawn = tag("p", text, title=text)
    assert drawn.count("<") == 2
    assert drawn.count(">") == 2
    assert drawn.count('"') == 2
    assert join([Html("<b>"), "<b>"]) == "<b>&lt;b&gt;"


@given(st.dates(datetime.date(2020, 1, 1), datetime.date(2030, 1, 1)), st.integers(1, 1500))
def test_every_day_has_its_step(first: datetime.date, count: int) -> None:
    last = first + datetime.timedelta(days=count - 1)
    days = Days(first, last, "Europe/Berlin")
    places = [days.place((first + datetime.timedelta(days=each)).isoformat()) for each in range(count)]
    assert places == sorted(places)
    assert places[0] == 0
    assert days.place(f"{last}T23") == len(days.steps) - 1
    assert days.before.until == days.since
    assert len(days.steps) <= 150 or days.unit == "month"


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    digits = colour.strip("#")
    digits = "".join(each * 2 for each in digits) if len(digits) == 3 else digits
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, second: str) -> float:
    """The contrast of two colours."""
    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_and_drawings_stand_out(scheme: int) -> None:
    palettes = re.findall(r"\{(?:color-scheme:[a-z ]+;)?(--ground:[^}]*)\}", CSS)
    colours = dict(re.findall(r"--([a-z0-9]+):(#[0-9a-f]+)", palettes[scheme]))
    for text in ("ink", "soft", "bad"):
        assert contrast(colours[text], colours["ground"]) >= 4.5, text
        assert contrast(colours[text], colours["panel"]) >= 4.5, text
    for drawn in ("c1", "c2", "c3", "c4", "c5", "c6", "rest"):
        assert contrast(colours[drawn], colours["ground"]) >= 3, drawn
