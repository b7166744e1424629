"""Where each character of a YAML scalar stands: through quotes, escapes, folds and the indentation of blocks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_ESCAPE_LENGTHS: Mapping[str, int] = {"x": 4, "u": 6, "U": 10}


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a text; line and column count from 1."""

    line: int
    column: int


def positions(text: str, start: Spot, end: Spot) -> list[Spot]:
    """The places of the characters of the scalar that is written between two places."""
    lines = text.split("\n")[start.line - 1 : end.line]
    if not lines:
        return []
    lines[-1] = lines[-1][: end.column - 1]
    style = lines[0][start.column - 1 : start.column]
    if style in ("|", ">"):
        return _block(lines[1:], start.line + 1)
    quote = style if style in ("'", '"') else ""
    spots: list[Spot] = []
    for number, line in enumerate(lines):
        first = start.column - 1 + len(quote) if number == 0 else len(line) - len(line.lstrip())
        stop = len(line) - len(quote) if number == len(lines) - 1 else len(line)
        if number:
            spots.append(Spot(start.line + number, first + 1))  # the fold: one space
        spots += [Spot(start.line + number, column + 1) for column in _columns(line, first, stop, quote)]
    return spots


def _block(lines: list[str], first_line: int) -> list[Spot]:
    """A block scalar: its indentation is no part of it, its line ends are."""
    indent = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return [
        Spot(first_line + number, column + 1)
        for number, line in enumerate(lines)
        for column in range(indent, max(len(line), indent) + 1)
    ]


def _columns(line: str, first: int, stop: int, quote: str) -> list[int]:
    """Where the characters of one line begin, an escape counting as the one that it writes."""
    columns: list[int] = []
    at = first
    while at < stop:
        columns.append(at)
        at += _width(line, at, quote)
    return columns


def _width(line: str, at: int, quote: str) -> int:
    if quote == '"' and line[at] == "\\":
        return _ESCAPE_LENGTHS.get(line[at + 1 : at + 2], 2)
    return 2 if quote == "'" and line[at : at + 2] == "''" else 1
