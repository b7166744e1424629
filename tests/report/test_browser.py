"""The page in a real browser: on a phone and on a desk, by day and by night, and on paper."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from llm_router.report.make import make
from tests.report import browser as browsers
from tests.report.browser import Browser, Window, browser
from tests.report.ledgers import DOLLAR, NOW, SMALLEST, SPEC, Ledger, charged, filled, program_of

PHONE, DESK = 390, 1440
WINDOWS = [Window(PHONE), Window(DESK), Window(PHONE, "dark"), Window(DESK, "dark")]

PAGES = {
    "usual": (Ledger(60), SPEC, None),
    "a thousandth of a cent": (Ledger(30, 4, 20, worth=1e-6), SPEC, None),
    "millions": (Ledger(30, 4, 20, worth=1e6), SPEC, None),
    "empty": (None, SMALLEST, None),
    "one day": (Ledger(3, 2, 100), SPEC, "2026-11-19"),
    "400 days, 40 deployments": (Ledger(400, 40, 12), SPEC, "399d"),
    "long names": (Ledger(30, 9, 20, "long"), SPEC, None),
    "hostile names": (Ledger(30, 9, 20, "hostile"), SPEC, None),
}

OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
TOO_WIDE = """[...document.querySelectorAll('body *')].filter(each => {
    const box = each.getBoundingClientRect();
    return box.width && box.right > innerWidth + 1 && !each.closest('.scroll');
}).map(each => each.outerHTML.slice(0, 80))"""
BOXES = """[...document.querySelectorAll('svg:not(svg svg)')].map(each => {
    const box = each.getBoundingClientRect();
    return [each.getAttribute('class') || '', box.width, box.height];
})"""
OVERLAPS = """[...document.querySelectorAll('svg.plot')].flatMap(chart => {
    const shown = [...chart.querySelectorAll('text')].filter(each => each.getBoundingClientRect().width);
    return shown.flatMap((first, at) => shown.slice(at + 1).filter(second => {
        const a = first.getBoundingClientRect(), b = second.getBoundingClientRect();
        return a.left < b.right && b.left < a.right && a.top + 2 < b.bottom && b.top + 2 < a.bottom;
    }).map(second => first.textContent + ' | ' + second.textContent));
})"""
CLIPPED = """[...document.querySelectorAll('dl.tiles div, h1, h2, h3, p, td')].filter(
    each => each.scrollWidth > each.clientWidth + 1).map(each => each.outerHTML.slice(0, 80))"""
CUT = """[...document.querySelectorAll('svg.plot text')].filter(each => {
    const box = each.getBoundingClientRect(), room = each.closest('section').getBoundingClientRect();
    return box.width && (box.left < room.left - 1 || box.right > room.right + 1);
}).map(each => each.textContent)"""


@pytest.fixture(scope="module")
def shown() -> Iterator[Browser]:
    """One browser for all tests."""
    with browser() as running:
        yield running


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The files of all pages."""
    folder = tmp_path_factory.mktemp("pages")
    files = {}
    for number, (name, (ledger, spec, since)) in enumerate(PAGES.items()):
        program = program_of(spec)
        spent = {"monthly": 97 * DOLLAR, "openai-week": 40 * DOLLAR, "today": 2 * DOLLAR}
        store = charged(filled(ledger), program, spent, DOLLAR // 2)
        files[name] = folder / f"{number}.html"
        files[name].write_text(make(store, program, NOW, name="llm-router.yaml", since=since), encoding="utf-8")
    return files


@pytest.mark.parametrize("window", WINDOWS, ids=lambda each: f"{each.width} {each.scheme}")
@pytest.mark.parametrize("name", PAGES)
def test_a_page_passes_in_a_browser(shown: Browser, pages: dict[str, Path], name: str, window: Window) -> None:
    shown.open(pages[name], window)
    assert shown.run("innerWidth") == window.width
    assert shown.run(OVERFLOW) == 0
    assert shown.run(TOO_WIDE) == []
    assert [box for box in shown.run(BOXES) if box[1] < 5 or box[2] < 5] == []
    assert shown.run(OVERLAPS) == []
    assert shown.run(CUT) == []
    assert shown.run(CLIPPED) == []
    assert shown.told("Log.entryAdded") == []
    assert shown.told("Runtime.consoleAPICalled") == []
    assert shown.told("Runtime.exceptionThrown") == []
    assert {each["request"]["url"] for each in shown.told("Network.requestWillBeSent")} <= {
        pages[name].as_uri(),
        "data:,",
    }


def test_charts_are_drawn_at_both_widths(shown: Browser, pages: dict[str, Path]) -> None:
    for window in WINDOWS:
        shown.open(pages["usual"], window)
        plots = [box for box in shown.run(BOXES) if box[0].startswith("plot")]
        assert len(plots) >= 7
        assert all(box[1] > 250 and box[2] > 150 for box in plots)


def test_night_is_dark_and_day_is_light(shown: Browser, pages: dict[str, Path]) -> None:
    grounds = []
    for scheme in ("light", "dark"):
        shown.open(pages["usual"], Window(DESK, scheme))
        grounds.append(shown.run("getComputedStyle(document.body).backgroundColor"))
    assert grounds == ["rgb(255, 255, 255)", "rgb(16, 19, 24)"]


def test_what_unfolds_stays_within_the_page(shown: Browser, pages: dict[str, Path]) -> None:
    for name in ("usual", "long names"):
        shown.open(pages[name], Window(PHONE))
        shown.run("document.querySelectorAll('details').forEach(each => each.open = true)")
        assert shown.run(OVERFLOW) == 0
        assert shown.run(TOO_WIDE) == []


@pytest.mark.parametrize("name", PAGES)
def test_it_prints(shown: Browser, pages: dict[str, Path], name: str) -> None:
    shown.open(pages[name], Window(DESK, "dark"))
    paper = shown.paper()
    assert paper.startswith(b"%PDF")
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", paper)) <= 16
    assert shown.told("Log.entryAdded") == []


def test_a_missing_browser_is_told_and_in_ci_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browsers, "NAMES", ("no-such-browser",))
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no browser is here"):
        browsers.found()
    monkeypatch.setenv("CI", "1")
    with pytest.raises(AssertionError, match="no browser is here"):
        browsers.found()
