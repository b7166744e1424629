"""Show what was spent, as the ledger of a spec's store tells: in all, against the usual, and by group.

Days are those of the spec's timezone. Amounts in the table are rounded; --json and --csv have every digit.

  llm-router spend --week --by deployment
  llm-router spend --since 2026-11-01 --by day --where user=ada --csv
  llm-router spend --follow
"""

from __future__ import annotations

import argparse
import json
import time
from typing import TYPE_CHECKING

from llm_router.cli.arguments import spec_argument
from llm_router.cli.console import Console
from llm_router.errors import RequestError

if TYPE_CHECKING:
    from llm_router.cli.ledgers import Ledger
    from llm_router.engine.accounting.spending import Question

SUMMARY = "show what was spent, by provider, model, user, day, …"

PERIODS = ("today", "week", "month")
POLL_S = 2.0
"""How often --follow looks at the store."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """SPEC, the span, --by, --where, the format, --follow."""
    spec_argument(parser)
    span = parser.add_mutually_exclusive_group()
    for period in PERIODS:
        span.add_argument(f"--{period}", dest="period", action="store_const", const=period, help=_HELP[period])
    span.add_argument("--since", metavar="WHEN", help="2026-11-01, 2026-11-01T09:30, or how long ago: 24h, 7d")
    parser.add_argument("--until", metavar="WHEN", help="as --since; up to now if absent")
    parser.add_argument(
        "--by",
        metavar="WHAT",
        action="append",
        help="provider, deployment (default), model, rule, user, session, run, tag, outcome, day, hour, metadata.KEY; "
        "may be repeated",
    )
    parser.add_argument(
        "--where", metavar="WHAT=VALUE", action="append", default=[], help="only these; may be repeated"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON object")
    form.add_argument("--csv", action="store_true", help="the groups as CSV")
    parser.add_argument("--follow", action="store_true", help="show it anew whenever it changes; Ctrl-C ends it")


_HELP = {
    "today": "since midnight (if no span is said)",
    "week": "since Monday",
    "month": "since the first of the month",
}


def run(options: argparse.Namespace, console: Console) -> int:
    """Read, and show."""
    from llm_router.cli.ledgers import ledger_of

    if options.csv and options.follow:
        raise RequestError("--csv is written once", help="follow as a table, or as --json: one object a line")
    question = _question(options)
    with ledger_of(options.spec, console) as ledger:
        if ledger is None:
            return 1
        if options.follow:
            _follow(ledger, question, options, console)
        else:
            console.write(_shown(ledger, question, options, console))
    return 0


def _question(options: argparse.Namespace) -> Question:
    from llm_router.engine.accounting.spending import Question

    where: dict[str, list[str]] = {}
    for said in options.where:
        name, equals, value = said.partition("=")
        if not equals:
            raise RequestError(f"--where takes WHAT=VALUE, not `{said}`")
        where.setdefault(name, []).append(value)
    by = [name for said in options.by or ["deployment"] for name in said.split(",")]
    return Question.of(options.period, (options.since, options.until), by, where, usual=not options.csv)


def _shown(ledger: Ledger, question: Question, options: argparse.Namespace, console: Console) -> str:
    from llm_router.cli.figures import as_csv, as_table

    spending = ledger.spent(question)
    if options.json:
        return json.dumps(spending.json(), ensure_ascii=False, indent=None if options.follow else 2) + "\n"
    return as_csv(spending) if options.csv else as_table(spending, console)


def _follow(ledger: Ledger, question: Question, options: argparse.Namespace, console: Console) -> None:
    """Show it whenever the figures change; on a terminal in one place."""
    last: object = None
    while True:
        spending = ledger.spent(question)
        if (spending.total, spending.groups) != last:
            last = (spending.total, spending.groups)
            home = "\033[H\033[2J" if console.out.isatty() and not options.json else ""
            console.write(home + _shown(ledger, question, options, console))
        time.sleep(POLL_S)
