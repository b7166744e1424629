"""Charts as SVG, from numbers alone.

Text keeps its size on every screen: across, everything stands at percentages of the width, downwards at pixels; the
axis is drawn into the padding around. Only lines are stretched, with strokes that don't scale. Details show as the
browser's own tooltips, by `title`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from llm_router.report.markup import Html, join, tag

HEIGHT = 190
_LONG = 6
"""From how many characters on a number needs more room than charts usually have left of them."""
_WIDE, _NARROW = 9, 4
"""How many names an axis has room for, on a screen and on a phone."""


@dataclass(frozen=True, slots=True)
class Series:
    """One number a step; `colour` is a class of the page's: `c1` to `c6`, `rest`, `bad`."""

    name: str
    values: Sequence[float]
    colour: str


@dataclass(frozen=True, slots=True)
class Frame:
    """What a chart of steps is drawn in: its `key` in the page, what it shows, the names of the steps.

    `says` writes a number on the axis, `tips` are the tooltips, one a step.
    """

    key: str
    title: str
    description: str
    ticks: Sequence[str]
    says: Callable[[float], str]
    tips: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """Points (0 to 1 across; a value) that are joined; `label` stands at the last one."""

    points: Sequence[tuple[float, float]]
    style: str
    label: str = ""


def columns(frame: Frame, series: Sequence[Series]) -> Html:
    """Stacked columns, the first series at the bottom."""
    count = len(frame.ticks)
    sums = [sum(each.values[number] for each in series) for number in range(count)]
    scale = ticks_up_to(max(sums, default=0.0))
    drawn = [_column(frame, series, number, scale[-1]) for number in range(count)]
    return _svg(frame, scale, *drawn)


def lines(frame: Frame, drawn: Sequence[Line], *, level: float | None = None, level_name: str = "") -> Html:
    """Lines over steps whose names stand at their middles, and a ruler at a `level` that matters."""
    most = max([value for line in drawn for _, value in line.points] + ([] if level is None else [level]), default=0.0)
    scale = ticks_up_to(most)
    stretched = tag(
        "svg",
        *(_path(line, scale[-1]) for line in drawn),
        width="100%",
        height=HEIGHT,
        viewBox=f"0 0 100 {HEIGHT}",
        preserveAspectRatio="none",
        class_="stretched",
    )
    ends = [_end(line, scale[-1]) for line in drawn if line.label]
    levels = [] if level is None else [_level(_down(level, scale[-1]), level_name)]
    return _svg(frame, scale, *levels, stretched, *ends)


def bar(part: float, whole: float, colour: str, title: str) -> Html:
    """One bar of a list, as long as its part of the longest. Its row says the same in numbers."""
    width = _percent(part / whole if whole else 0.0)
    drawn = tag("rect", width=width, height=10, rx=2, class_=colour) if part else Html("")
    ground = tag("rect", width="100%", height=10, rx=2, class_="ground")
    return tag("svg", tag("title", title), ground, drawn, class_="bar", height=10, aria_hidden="true")


def meter(shares: Sequence[tuple[float, str]], mark: float | None, title: str) -> Html:
    """How full something is: shares of it one after the other, and a mark."""
    drawn, begin = [], 0.0
    for share, colour in shares:
        drawn.append(_stretch(begin, min(share, 1 - begin), 14, colour))
        begin = min(1.0, begin + share)
    ground = tag("rect", width="100%", height=14, rx=2, class_="ground")
    line = [] if mark is None else [tag("line", x1=_percent(mark), x2=_percent(mark), y1=-3, y2=17, class_="mark")]
    return tag("svg", tag("title", title), ground, *drawn, *line, class_="bar", height=14, role="img", aria_label=title)


def spread(values: Sequence[float], longest: float, title: str) -> Html:
    """Three durations on one scale from zero: a dot, a line to the second, a thin one to the third.

    Its row says the same in numbers.
    """
    middle, most, last = (_percent(value / longest if longest else 0.0) for value in values)
    drawn = (
        tag("line", x1="0", x2="100%", y1=7, y2=7, class_="ground"),
        tag("line", x1=middle, x2=last, y1=7, y2=7, class_="thin"),
        tag("line", x1=middle, x2=most, y1=7, y2=7, class_="thick"),
        tag("line", x1=last, x2=last, y1=3, y2=11, class_="thin"),
        tag("circle", cx=middle, cy=7, r=5, class_="c1"),
    )
    return tag("svg", tag("title", title), *drawn, class_="spread", height=14, aria_hidden="true")


def ticks_up_to(most: float, about: int = 4) -> tuple[float, ...]:
    """Round numbers from zero on, about so many, the last one not below `most`."""
    if most <= 0:
        return (0.0, 1.0)
    raw = most / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(each * power for each in (1, 2, 2.5, 5, 10) if each * power >= raw * 0.999999)
    return tuple(number * step for number in range(math.ceil(most / step * 0.999999) + 1))


def shown(count: int, most: int) -> frozenset[int]:
    """Which of so many names an axis shows when it has room for `most`: the first, and others evenly after it."""
    return frozenset(range(0, count, max(1, math.ceil(count / most))))


def _svg(frame: Frame, scale: Sequence[float], *drawn: str) -> Html:
    roomy = max(len(frame.says(value)) for value in scale) > _LONG
    title, description = f"{frame.key}-title", f"{frame.key}-desc"
    return tag(
        "svg",
        tag("title", frame.title, id=title),
        tag("desc", frame.description, id=description),
        _rulers(scale, frame.says),
        *drawn,
        _names(frame.ticks),
        class_="plot roomy" if roomy else "plot",
        height=HEIGHT,
        role="img",
        aria_labelledby=f"{title} {description}",
    )


def _rulers(scale: Sequence[float], says: Callable[[float], str]) -> Html:
    """The lines across, each with its number in the padding left of it."""
    return join(
        piece
        for value in scale
        for piece in (
            tag("line", x1="0", x2="100%", y1=_down(value, scale[-1]), y2=_down(value, scale[-1]), class_="ruler"),
            tag("text", says(value), x=-8, y=_down(value, scale[-1]), dy="0.32em", class_="axis number"),
        )
    )


def _names(ticks: Sequence[str]) -> Html:
    """The names of the steps under the chart: fewer on a narrow screen."""
    wide, narrow = shown(len(ticks), _WIDE), shown(len(ticks), _NARROW)
    return join(_tick(ticks, number, number in narrow, number in wide) for number in sorted(wide | narrow))


def _tick(ticks: Sequence[str], number: int, narrow: bool, wide: bool) -> Html:
    middle = (number + 0.5) / len(ticks)
    anchor = "end" if middle > 0.93 else "start" if middle < 0.03 else "middle"
    kind = "axis" if wide and narrow else "axis wide" if wide else "axis only"
    return tag("text", ticks[number], x=_percent(middle), y=HEIGHT + 18, text_anchor=anchor, class_=kind)


def _column(frame: Frame, series: Sequence[Series], number: int, top: float) -> Html:
    """The pieces of one step, under a tooltip that shows over its whole height."""
    count = len(frame.ticks)
    gap = 0.25 if count < 40 else 0.15
    across = {"x": _percent((number + gap / 2) / count), "width": _percent((1 - gap) / count)}
    pieces, base = [], 0.0
    for each in series:
        value = each.values[number]
        if value > 0:
            y, bottom = _down(base + value, top), _down(base, top)
            pieces.append(tag("rect", **across, y=y, height=max(bottom - y, 0.75), class_=each.colour))
            base += value
    tip = [tag("title", frame.tips[number])] if frame.tips else []
    whole = tag("rect", x=_percent(number / count), width=_percent(1 / count), y=0, height=HEIGHT, class_="touch")
    return tag("g", *tip, whole, *pieces)


def _path(line: Line, top: float) -> Html:
    points = " ".join(f"{100 * across:.2f},{_down(value, top):.2f}" for across, value in line.points)
    return tag("polyline", points=points, class_=line.style, vector_effect="non-scaling-stroke")


def _end(line: Line, top: float) -> Html:
    """The label at a line's last point, on the side where there is room."""
    across, value = line.points[-1]
    left = across > 0.75
    dot = tag("circle", cx=_percent(across), cy=_down(value, top), r=4, class_=f"{line.style} dot")
    y = max(12.0, _down(value, top) - 10)
    aside = {"text_anchor": "end" if left else "start", "dx": -2 if left else 2}
    text = tag("text", line.label, x=_percent(across), y=y, **aside, class_="label")
    return join((dot, text))


def _level(y: float, name: str) -> Html:
    line = tag("line", x1="0", x2="100%", y1=y, y2=y, class_="level")
    return join((line, tag("text", name, x=4, y=y - 6 if y > 18 else y + 15, class_="label")))


def _stretch(begin: float, length: float, height: int, colour: str) -> Html:
    if length <= 0:
        return Html("")
    return tag("rect", x=_percent(begin), width=_percent(length), height=height, rx=2, class_=colour)


def _down(value: float, top: float) -> float:
    """Pixels from the top of a chart to a value."""
    return HEIGHT * (1 - value / top)


def _percent(share: float) -> str:
    return f"{100 * share:.3f}".rstrip("0").rstrip(".") + "%"
