"""What a verb prints to: styles only where a terminal shows them, tables, and a way to stream."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import Literal, TextIO

Style = Literal["bold", "dim", "red", "green", "yellow", "blue", "cyan"]
ColourChoice = Literal["auto", "always", "never"]

CODES: dict[Style, str] = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "cyan": "36",
}


def wants_colour(stream: TextIO, choice: ColourChoice = "auto") -> bool:
    """Whether to colour: as asked, else on a terminal that isn't dumb (`NO_COLOR` and `FORCE_COLOR` are heeded)."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


class Console:
    """Standard output and standard error, with styles."""

    def __init__(self, *, colour: ColourChoice = "auto", out: TextIO | None = None, err: TextIO | None = None) -> None:
        self.out = out or sys.stdout
        self.err = err or sys.stderr
        self.colour = wants_colour(self.out, colour)
        self.err_colour = wants_colour(self.err, colour)
        self.width = min(shutil.get_terminal_size((100, 24)).columns, 120)

    def style(self, text: str, *styles: Style) -> str:
        """The text in these styles, or as it stands where nobody sees them."""
        if not self.colour or not styles:
            return text
        return f"\033[{';'.join(CODES[style] for style in styles)}m{text}\033[0m"

    def line(self, text: str = "", *styles: Style) -> None:
        """Print one line."""
        print(self.style(text, *styles), file=self.out)

    def write(self, text: str) -> None:
        """Print a piece of a line at once, as it arrives."""
        self.out.write(text)
        self.out.flush()

    def note(self, text: str) -> None:
        """Print one line for people, beside the output that programs read."""
        print(f"\033[2m{text}\033[0m" if self.err_colour else text, file=self.err)

    def error(self, text: str) -> None:
        """Print what went wrong."""
        label = "\033[1;31merror\033[0m" if self.err_colour else "error"
        print(f"{label}: {text}", file=self.err)

    def table(self, rows: Iterable[Sequence[str]], *, indent: int = 2) -> None:
        """Print rows in columns, each as wide as its widest cell."""
        cells = [list(row) for row in rows]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        for row in cells:
            padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            self.line((" " * indent + "  ".join(padded)).rstrip())
