"""Figures of a ledger for a terminal: a table with bars, and CSV."""

from __future__ import annotations

import csv
import datetime
import io
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from llm_router.cli.console import Console
from llm_router.units import PICODOLLARS_PER_DOLLAR, format_count

if TYPE_CHECKING:
    from llm_router.engine.accounting.figures import Figures
    from llm_router.engine.accounting.spending import Spending

BAR = 24
"""Characters of the longest bar."""
BLOCKS = " ▏▎▍▌▋▊▉█"
NOBODY = "(none)"


def as_csv(spending: Spending) -> str:
    """The groups with every digit; of no groups, the total. A text that a spreadsheet would compute is quoted."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    rows = spending.groups if spending.by else (spending.total,)
    writer.writerow([*spending.by, *spending.total.json()])
    for each in rows:
        writer.writerow([*map(_inert, each.key), *each.json().values()])
    return out.getvalue()


def as_table(spending: Spending, console: Console) -> str:
    """What people read: the total, the usual, and a line with a bar for each group."""
    lines = [_headline(spending, console), *(f"  {line}" for line in _facts(spending)), ""]
    lines += _groups(spending, console)
    return "\n".join(lines).rstrip("\n") + "\n"


def amount(picodollars: int) -> str:
    """US dollars for a table: rounded to a millionth, to a cent's hundredth above a dollar."""
    if 0 < picodollars < PICODOLLARS_PER_DOLLAR // 2_000_000:
        return "<0.000001"
    return f"{picodollars / PICODOLLARS_PER_DOLLAR:.{4 if picodollars >= PICODOLLARS_PER_DOLLAR else 6}f}"


def bar(share: float, *, plain: bool = False) -> str:
    """A bar of this share (0 to 1) of `BAR` characters; never nothing where there is something."""
    if plain:
        return "#" * max(round(share * BAR), 1 if share else 0)
    eighths = max(round(share * BAR * 8), 1 if share else 0)
    return "█" * (eighths // 8) + BLOCKS[eighths % 8].strip()


def _inert(text: str) -> str:
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


def _headline(spending: Spending, console: Console) -> str:
    zone = ZoneInfo(spending.timezone)
    bounds = (spending.since, spending.until)
    since, until = (f"{datetime.datetime.fromtimestamp(at, zone):%Y-%m-%d %H:%M}" for at in bounds)
    spent = console.style(f"{amount(spending.total.cost)} USD", "bold")
    return f"{spent} from {since} to {until} ({spending.timezone})"


def _facts(spending: Spending) -> Iterator[str]:
    total = spending.total
    failed = f", {total.failures} failed" if total.failures else ""
    asked = f"{total.requests} requests, {total.attempts} attempts{failed}"
    yield f"{asked}; {_average(total)} USD a request" if total.requests else asked
    yield f"{format_count(total.usage.input or 0)} tokens in, {format_count(total.usage.output or 0)} out"
    if total.cached:
        yield f"{total.cached} answered from the cache: {amount(total.saved)} USD saved"
    if total.reserved:
        yield f"{amount(total.reserved)} USD of it are upper bounds: no usage was reported"
    if total.unknown:
        yield f"plus {total.unknown} of unknown cost: a model without a price, or usage that nobody reported"
    yield from _against(spending)


def _against(spending: Spending) -> Iterator[str]:
    usual, share = spending.usual, spending.against_usual
    if usual is None or not usual.spans:
        return
    told = "" if share is None else f"{_percent(share)} of the usual {amount(usual.cost)} USD; "
    yield f"{told}{amount(usual.previous.cost)} USD in the same span before"


def _percent(share: Fraction) -> str:
    return f"{round(share * 100)} %"


def _average(each: Figures) -> str:
    return amount(round(Fraction(each.cost, each.requests))) if each.requests else "-"


def _groups(spending: Spending, console: Console) -> Iterator[str]:
    if not spending.groups:
        yield "  nothing yet" if spending.by else ""
        return
    heads = (*spending.by, "USD", "requests", "failed", "tokens", "USD a request", "")
    most = max(each.cost for each in spending.groups) or 1
    plain = not _can_show(console)
    rows = [heads, *((*_row(each), bar(each.cost / most, plain=plain)) for each in spending.groups)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(heads))]
    for number, row in enumerate(rows):
        text = _aligned(row, widths, len(spending.by))
        yield "  " + (console.style(text, "dim") if number == 0 else _with_bar(text, row[-1], console))


def _row(each: Figures) -> tuple[str, ...]:
    names = (part or NOBODY for part in each.key)
    unknown = f" + {each.unknown} unknown" if each.unknown else ""
    counts = (str(each.requests), str(each.failures), format_count(each.tokens))
    return (*names, amount(each.cost) + unknown, *counts, _average(each))


def _aligned(row: Sequence[str], widths: Sequence[int], names: int) -> str:
    """Names to the left, numbers to the right, the bar at the end."""
    cells = [
        cell.ljust(width) if place < names or place == len(row) - 1 else cell.rjust(width)
        for place, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()


def _with_bar(text: str, drawn: str, console: Console) -> str:
    return text.removesuffix(drawn) + console.style(drawn, "cyan") if drawn else text


def _can_show(console: Console) -> bool:
    """Whether what is printed to can show blocks."""
    try:
        BLOCKS.encode(console.out.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
