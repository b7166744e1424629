"""The page: a report as one file of HTML that asks for nothing else."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from functools import reduce
from zoneinfo import ZoneInfo

from llm_router.report import ahead, service, spend
from llm_router.report.blocks import empty, usd
from llm_router.report.days import long, short
from llm_router.report.figures import brief, change, counted, money, share
from llm_router.report.markup import Html, join, name, tag
from llm_router.report.style import CSS
from llm_router.report.values import Report
from llm_router.state.totals import Total, plus

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""The browser itself keeps the page from asking anybody for anything."""


def page(report: Report) -> str:
    """The whole file."""
    title = f"{report.name}: what it cost, {span_text(report)}"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="robots", content="noindex"),
        tag("link", rel="icon", href="data:,"),
        tag("title", title),
        tag("style", Html(CSS)),
    )
    body = tag("body", _header(report), tag("main", *_sections(report)), _footer(report))
    return "<!doctype html>\n" + tag("html", head, body, lang="en")


def span_text(report: Report) -> str:
    """`1 to 30 Nov 2026`, or a single day."""
    first, last = report.days.first, report.days.last
    if first == last:
        return long(last)
    begin = str(first.day) if (first.year, first.month) == (last.year, last.month) else short(first)
    year = "" if first.year == last.year else f" {first.year}"
    return f"{begin}{year} to {short(last)} {last.year}"


def _header(report: Report) -> Html:
    total = _total(report)
    lead = f"{usd(total.cost)} for {counted(total.requests, 'request')}" if total.requests else _nothing(report)
    days = counted(report.days.count, "day")
    under = f"{span_text(report)} ({days}, {report.days.timezone})"
    notes = (tag("p", text, class_="note") for text in _notes(report, total))
    return tag(
        "header",
        tag("h1", name(report.name)),
        tag("p", lead, class_="lead"),
        tag("p", under, class_="under"),
        *notes,
        _tiles(report, total) if total.requests else "",
    )


def _nothing(report: Report) -> str:
    """What a page without any request begins with."""
    return (
        "Nothing was asked yet" if report.current and not report.before.requests else "Nothing was asked in these days"
    )


def _notes(report: Report, total: Total) -> Iterator[str]:
    """Yields what a reader of the sums must know."""
    if report.passing:
        yield "The store is this process's memory: what other processes asked isn't here, and nothing outlasts it."
    if total.unknown:
        yield f"Nobody knows the cost of {counted(total.unknown, 'call')}: it is in no sum of money."
    if total.reserved:
        yield f"{usd(total.reserved)} of it is the most that calls may have cost whose usage was not reported."


def _tiles(report: Report, total: Total) -> Html:
    before = report.before
    average, earlier = (each.cost / each.requests if each.requests else 0 for each in (total, before))
    tokens, earlier_tokens = (_tokens(each) for each in (total, before))
    tiles = (
        ("Spent", money(total.cost), "USD", change(total.cost, before.cost)),
        ("Requests", brief(total.requests), "", change(total.requests, before.requests)),
        ("A request", money(average), "USD", change(average, earlier)),
        ("Tokens", brief(tokens), "", change(tokens, earlier_tokens)),
        ("Failed calls", share(total.failures, total.attempts), "", ""),
        ("Saved by the cache", money(total.saved), "USD", ""),
    )
    drawn = (
        tag("div", tag("dt", what), tag("dd", said, " ", tag("small", unit)), tag("dd", than, class_="then"))
        for what, said, unit, than in tiles
    )
    length = "day" if report.days.count == 1 else f"{report.days.count} days"
    against = tag("p", f"Changes are against the {length} before.", class_="under") if before.requests else ""
    return join((tag("dl", *drawn, class_="tiles"), against))


def _sections(report: Report) -> Iterator[Html]:
    if not _total(report).requests:
        ask = tag("code", 'llm-router ask "hi"')
        text = join(("As soon as something is asked (try ", ask, "), this page shows what it cost."))
        yield empty("The ledger has no entry of these days.", text)
        yield ahead.budgets(report)
        return
    yield spend.over_time(report)
    yield ahead.month(report)
    yield ahead.budgets(report)
    yield _pair(spend.by("rule", report.rules, "no rule"), spend.by("provider", report.providers, spend.NO_PROVIDER))
    yield spend.by("model", report.models, "no model")
    yield _pair(service.requests(report), service.tokens(report))
    yield service.latency(report)
    yield _pair(service.failures(report), service.fallbacks(report))
    yield spend.savings(report)


def _pair(first: Html, second: Html) -> Html:
    """Two sections beside each other where there is room."""
    return tag("div", first, second, class_="pair")


def _footer(report: Report) -> Html:
    made = datetime.datetime.fromtimestamp(report.made_at, ZoneInfo(report.days.timezone))
    return tag("footer", tag("p", f"Made by llm-router on {long(made.date())} at {made:%H:%M}."))


def _total(report: Report) -> Total:
    return reduce(plus, report.steps, Total())


def _tokens(total: Total) -> int:
    return (total.usage.input or 0) + (total.usage.output or 0)
