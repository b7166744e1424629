"""The sections about what was paid: over time, by what, and what the cache saved."""

from __future__ import annotations

from collections.abc import Sequence

from llm_router.report.blocks import chart, empty, key_of, keys, listing, of_all, section, shortened, stacked, usd
from llm_router.report.charts import Frame, Series, bar, columns
from llm_router.report.figures import axis_money, counted, money, share, whole
from llm_router.report.markup import Html, join, name, tag
from llm_router.report.values import Part, Report

NO_PROVIDER = "no provider"


def over_time(report: Report) -> Html:
    """Spend a step, by provider."""
    unit, steps = report.days.unit, report.days.steps
    series = stacked(report.providers, NO_PROVIDER)
    costs = [total.cost for total in report.steps]
    most = max(range(len(costs)), key=costs.__getitem__)
    under = f"The dearest {unit}: {steps[most].label}, with {usd(costs[most])}." if any(costs) else "Nothing was paid."
    tips = [f"{step.label}: {_pieces(series, place, costs[place])}" for place, step in enumerate(steps)]
    title = f"Spend per {unit}"
    drawn = columns(
        Frame("spend", title, f"By provider, stacked. {under}", [step.tick for step in steps], axis_money, tips),
        series,
    )
    rows = [
        (step.label, *(money(each.values[place]) for each in series), money(costs[place]))
        for place, step in enumerate(steps)
    ]
    legend = keys(series, [_sum(each, sum(costs)) for each in series])
    return section("spend", title, under, chart(drawn, (unit, *(each.name for each in series), "USD"), rows, legend))


def by(title: str, parts: Sequence[Part], absent: str) -> Html:
    """Spend by one thing, the dearest first."""
    total = sum(part.cost for part in parts)
    longest = max((part.cost for part in parts), default=0)
    rows = [
        (
            join((name(part.name, absent), bar(part.cost, longest, "c1", _bar_text(part, absent, total)))),
            _cost(part),
            share(part.cost, total),
            whole(part.attempts),
        )
        for part in parts
    ]
    first = f"{shortened(parts[0].name, absent)}: {of_all(parts[0].cost, total)}." if total else "Nothing was paid."
    drawn = listing((title, "USD", "share", "calls"), rows, (3,))
    return section(key_of(f"by {title}"), f"By {title}", first, drawn, long=True)


def savings(report: Report) -> Html:
    """What answers from the cache would have cost."""
    unit, steps = report.days.unit, report.days.steps
    saved, cached, requests = (
        sum(getattr(each, of) for each in report.steps) for of in ("saved", "cached", "requests")
    )
    if not cached:
        return section("cache", "Cache", "", _no_savings(report))
    title = f"The cache saved {usd(saved)}"
    under = f"{counted(cached, 'answer')}, {share(cached, requests)} of all requests, needed no call."
    both = list(zip(steps, report.steps, strict=True))
    tips = [f"{step.label}: {usd(total.saved)}, {counted(total.cached, 'answer')}" for step, total in both]
    frame = Frame("cache", title, f"USD saved per {unit}. {under}", [step.tick for step in steps], axis_money, tips)
    drawn = columns(frame, [Series("saved", [total.saved for total in report.steps], "c3")])
    rows = [(step.label, money(total.saved), whole(total.cached)) for step, total in both]
    return section("cache", title, under, chart(drawn, (unit, "USD saved", "answers"), rows))


def _no_savings(report: Report) -> Html:
    if report.caches:
        return empty("No answer came from the cache.", "Only requests that are equal in every part meet it.")
    code = tag("code", "cache: {exact: {keep: 1h, entries: 10k}}")
    return empty("The cache is off.", join(("With ", code, " in the spec, equal requests are paid for once.")))


def _pieces(series: Sequence[Series], place: int, cost: int) -> str:
    pieces = [f"{each.name} {money(each.values[place])}" for each in series if each.values[place]]
    return usd(cost) + (f" ({', '.join(pieces)})" if len(pieces) > 1 else "")


def _sum(series: Series, total: int) -> str:
    return f"{usd(sum(series.values))} · {share(sum(series.values), total)}"


def _bar_text(part: Part, absent: str, total: int) -> str:
    return f"{part.name or absent}: {usd(part.cost)}, {of_all(part.cost, total)}"


def _cost(part: Part) -> str:
    """Money, with how many calls nobody knows the cost of."""
    if not part.unknown:
        return money(part.cost)
    return join((money(part.cost), tag("small", f"and {whole(part.unknown)} unknown")))
