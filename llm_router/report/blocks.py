"""The pieces that sections of the page are made of."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

from llm_router.report.charts import Series
from llm_router.report.figures import NBSP, money, share
from llm_router.report.markup import Html, join, name, tag
from llm_router.report.values import Part

COLOURS = ("c1", "c2", "c3", "c4", "c5", "c6")
NOTHING = Html("")
LONGEST = 40
SHOWN = 12
"""How many rows of a list stand open; the rest unfolds."""


def section(key: str, title: str, under: str, *children: str, long: bool = False) -> Html:
    """A section under its heading; only a `long` one may be cut by the end of a printed page."""
    head = tag("h2", title, id=key)
    kinds = "long" if long else None
    said = tag("p", under, class_="under") if under else NOTHING
    return tag("section", head, said, *children, aria_labelledby=key, class_=kinds)


def empty(title: str, text: str) -> Html:
    """What stands where there is nothing to show."""
    return tag("div", tag("b", title), " ", text, class_="empty")


def chart(drawn: Html, head: Sequence[str], rows: Sequence[Sequence[str]], legend: Html = NOTHING) -> Html:
    """A chart with its key, and the numbers behind it, which unfold."""
    return tag("figure", legend, drawn, behind(head, rows))


def behind(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Html:
    """A table that unfolds."""
    scrolled = tag("div", table(head, rows), class_="scroll", tabindex="0", role="region", aria_label="the numbers")
    return tag("details", tag("summary", "The numbers"), scrolled)


def table(head: Sequence[str], rows: Sequence[Sequence[str]], spare: Sequence[int] = ()) -> Html:
    """A table whose first cells name the rows; columns that are to `spare` are left out on a phone."""
    kinds = ["spare" if number in spare else None for number in range(len(head))]
    tops = (tag("th", text, scope="col", class_=kind) for text, kind in zip(head, kinds, strict=True))
    body = (
        tag(
            "tr",
            tag("th", row[0], scope="row"),
            *(tag("td", cell, class_=kind) for cell, kind in zip(row[1:], kinds[1:], strict=True)),
        )
        for row in rows
    )
    return tag("table", tag("thead", tag("tr", *tops)), tag("tbody", *body))


def listing(head: Sequence[str], rows: Sequence[Sequence[str]], spare: Sequence[int] = ()) -> Html:
    """A table of which a long rest unfolds."""
    first = tag("div", table(head, rows[:SHOWN], spare), class_="list")
    if len(rows) <= SHOWN:
        return first
    rest = tag("details", tag("summary", f"{len(rows) - SHOWN} more"), table(head, rows[SHOWN:], spare))
    return join((first, rest))


def keys(series: Sequence[Series], says: Sequence[str]) -> Html:
    """Which colour is what, with what it comes to."""
    items = (
        tag("li", swatch(each.colour), tag("span", name(each.name)), tag("b", said))
        for each, said in zip(series, says, strict=True)
    )
    return tag("ul", *items, class_="keys")


def swatch(colour: str) -> Html:
    """A square of a colour."""
    square = tag("rect", width=11, height=11, rx=2, class_=colour)
    return tag("svg", square, width=11, height=11, aria_hidden="true")


def stacked(parts: Sequence[Part], absent: str) -> tuple[Series, ...]:
    """The dearest parts as series, the others as one; those that cost nothing are left out."""
    dear = [part for part in parts if part.cost]
    several = len(dear) > len(COLOURS)
    named = dear[: len(COLOURS) - 1] if several else dear
    series = [Series(part.name or absent, part.costs, colour) for part, colour in zip(named, COLOURS, strict=False)]
    if several:
        others = dear[len(named) :]
        sums = [sum(costs) for costs in zip(*(part.costs for part in others), strict=True)]
        series.append(Series(f"{len(others)} others", sums, "rest"))
    return tuple(series)


def key_of(text: str) -> str:
    """What a section of this name is found by: letters, digits and hyphens."""
    readable = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return readable if readable == text.lower().replace(" ", "-") else f"{readable}-{zlib.crc32(text.encode()):x}"


def usd(picodollars: float) -> str:
    """Money with its currency."""
    return f"{money(picodollars)}{NBSP}USD"


def shortened(text: str, absent: str) -> str:
    """A name that stands in a sentence."""
    return text if 0 < len(text) <= LONGEST else f"{text[: LONGEST - 1]}…" if text else absent


def of_all(part: float, whole: float) -> str:
    """`62 % of all`."""
    return f"{share(part, whole)} of all"
