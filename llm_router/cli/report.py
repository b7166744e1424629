"""Write a page that shows what was spent, on whom, and how well it went: one HTML file that works offline and prints.

  llm-router report                                  the last 30 days, into report.html
  llm-router report --since 2026-11-01               from a day on; or `7d`: so long back
  llm-router report --since 2026-10-01 --until 2026-11-01 -o october.html

What it shows comes from the ledger in the spec's `state:`. No prompt and no key is in it.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from llm_router.cli.arguments import spec_argument
from llm_router.cli.console import Console

SUMMARY = "write a page with charts of what was spent"

STDOUT = "-"


def arguments(parser: argparse.ArgumentParser) -> None:
    """SPEC, -o, --since, --until."""
    spec_argument(parser)
    parser.add_argument(
        "-o", "--output", metavar="FILE", default="report.html", help="default: report.html; - prints it"
    )
    parser.add_argument(
        "--since", metavar="WHEN", help="the first day, as 2026-11-01, or how far back, as 30d (default)"
    )
    parser.add_argument(
        "--until", metavar="WHEN", help="up to this day or moment, which is not included (default: now)"
    )


def run(options: argparse.Namespace, console: Console) -> int:
    """Write the page; exit code 1 where the ledger is in memory, and so of no process but the one that asks."""
    from llm_router.cli.ledgers import ledger_of
    from llm_router.report.make import make

    name, span = Path(options.spec).name, {"since": options.since, "until": options.until}
    with ledger_of(options.spec, console) as ledger:
        if ledger is None:
            return 1
        text = make(ledger.accounts.store, ledger.program, time.time(), name=name, **span)
    _write(text, options.output, console)
    return 0


def _write(text: str, output: str, console: Console) -> None:
    if output == STDOUT:
        console.write(text)
        return
    Path(output).write_text(text, encoding="utf-8")
    console.note(f"wrote {output}")
