"""The sections about the service: requests, tokens, how long answers took, failures and fallbacks."""

from __future__ import annotations

from collections.abc import Sequence

from llm_router.report.blocks import NOTHING, chart, empty, key_of, keys, listing, section
from llm_router.report.charts import Frame, Series, columns, spread
from llm_router.report.figures import brief, counted, seconds, share, whole
from llm_router.report.markup import Html, join, name, tag
from llm_router.report.values import Answerer, Report

PERCENTILES = (0.5, 0.95, 0.99)
NO_DEPLOYMENT = "no deployment"


def requests(report: Report) -> Html:
    """Requests a step, answered by a provider or by the cache."""
    cached = [total.cached for total in report.steps]
    asked = [max(0, total.requests - total.cached) for total in report.steps]
    series = [Series("asked of a provider", asked, "c1")]
    if any(cached):
        series.append(Series("answered by the cache", cached, "c3"))
    total = sum(each.requests for each in report.steps)
    under = f"{whole(total)} in all, {brief(total / report.days.count)} a day."
    return _over_time(report, "Requests", under, series)


def tokens(report: Report) -> Html:
    """Tokens a step, in and out."""
    usages = [total.usage for total in report.steps]
    series = [
        Series("input", [usage.input or 0 for usage in usages], "c1"),
        Series("output", [usage.output or 0 for usage in usages], "c2"),
    ]
    read, sent = (sum(getattr(usage, kind) or 0 for usage in usages) for kind in ("cache_read", "input"))
    under = "As reported" + (f"; {share(read, sent)} of the input was cached." if read else ".")
    return _over_time(report, "Tokens", under, series)


def latency(report: Report) -> Html:
    """How long the answers of each deployment took."""
    timed = [each for each in report.answerers if each.duration.bins]
    head = "Latency"
    under = "How soon 50, 95 and 99 of 100 answers were whole, and how soon half of them began."
    if not timed:
        return section("latency", head, "", empty("Nothing was measured.", "Only answers that came whole are timed."))
    longest = max(each.duration.percentile(PERCENTILES[-1]) or 0.0 for each in timed)
    rows = [_timed(each, longest) for each in timed]
    drawn = listing(("deployment", "first token", "50 %", "95 %", "99 %"), rows, (1,))
    return section("latency", head, under, drawn, long=True)


def failures(report: Report) -> Html:
    """Attempts that failed, over time and by deployment."""
    failed, attempts = (sum(getattr(each, of) for each in report.steps) for of in ("failures", "attempts"))
    title = f"{share(failed, attempts)} of all calls failed"
    under = f"{whole(failed)} of {counted(attempts, 'call')}, retries included."
    if not failed:
        return section(
            "failures", "Failures", "", empty("No call failed.", f"The ledger has {counted(attempts, 'call')}.")
        )
    series = [Series("failed calls", [total.failures for total in report.steps], "bad")]
    rows = [_failed(each) for each in sorted(report.answerers, key=lambda each: -each.failed) if each.failed]
    listed = listing(("deployment", "failed", "share", "mostly"), rows)
    return section("failures", title, under, _chart(report, "failures", title, under, series), listed, long=True)


def fallbacks(report: Report) -> Html:
    """How often one more deployment was asked."""
    moves = sum(report.moves)
    if not moves:
        return section(
            "fallbacks", "Fallbacks", "", empty("There was none.", "No request was asked of a second deployment.")
        )
    title = counted(moves, "fallback")
    under = "One more deployment was asked, hedges included."
    series = [Series("fallbacks", report.moves, "c5")]
    return section("fallbacks", title, under, _chart(report, "fallbacks", title, under, series))


def _over_time(report: Report, title: str, under: str, series: Sequence[Series]) -> Html:
    legend = keys(series, [brief(sum(each.values)) for each in series]) if len(series) > 1 else NOTHING
    key = key_of(title)
    head = f"{title} per {report.days.unit}"
    return section(key, head, under, _chart(report, key, head, under, series, legend=legend))


def _chart(
    report: Report, key: str, title: str, under: str, series: Sequence[Series], *, legend: Html = NOTHING
) -> Html:
    steps = report.days.steps
    tips = [f"{step.label}: {_pieces(series, place)}" for place, step in enumerate(steps)]
    drawn = columns(Frame(key, title, under, [step.tick for step in steps], brief, tips), series)
    rows = [(step.label, *(whole(each.values[place]) for each in series)) for place, step in enumerate(steps)]
    return chart(drawn, (report.days.unit, *(each.name for each in series)), rows, legend)


def _pieces(series: Sequence[Series], place: int) -> str:
    return ", ".join(f"{whole(each.values[place])} {each.name}" for each in series)


def _timed(answerer: Answerer, longest: float) -> tuple[str, ...]:
    times = [answerer.duration.percentile(each) or 0.0 for each in PERCENTILES]
    text = ", ".join(f"{100 * part:g} % within {seconds(time)}" for part, time in zip(PERCENTILES, times, strict=True))
    named = answerer.name or NO_DEPLOYMENT
    drawn = spread(times, longest, f"{named}: {text}")
    first = seconds(answerer.first_token.percentile(PERCENTILES[0]))
    return (join((name(answerer.name, NO_DEPLOYMENT), drawn)), first, *map(seconds, times))


def _failed(answerer: Answerer) -> tuple[str, ...]:
    mostly = join(
        tag("span", f"{kind.replace('_', ' ') or 'not kept'} {whole(count)}") for kind, count in answerer.failures[:1]
    )
    shown = name(answerer.name, NO_DEPLOYMENT)
    return (shown, whole(answerer.failed), share(answerer.failed, answerer.attempts), mostly)
