"""Look after the answers that a spec's store keeps for equal requests.

  llm-router cache stats             how many were given again, and what that saved, by the ledger
  llm-router cache purge             drop them all
  llm-router cache purge --user ada  drop those of one user

Routers that run give a purged answer no more after ten seconds. What one process did is told by `Router.cache_stats()`.
"""

from __future__ import annotations

import argparse
import datetime
from typing import TYPE_CHECKING

from llm_router.cli.arguments import spec_argument
from llm_router.cli.console import Console
from llm_router.units import format_money

if TYPE_CHECKING:
    from llm_router.cli.ledgers import Ledger

_BEGINNING = datetime.datetime(1970, 1, 2, tzinfo=datetime.UTC)
"""No ledger is older."""

SUMMARY = "count or drop the answers that are kept for equal requests"


def arguments(parser: argparse.ArgumentParser) -> None:
    """ACTION, SPEC and --user."""
    parser.add_argument("action", choices=tuple(_ACTS), help="stats: count them; purge: drop them")
    spec_argument(parser)
    parser.add_argument("--user", metavar="NAME", help="only those of this user")


def run(options: argparse.Namespace, console: Console) -> int:
    """Do what is asked; exit code 1 where nothing is kept."""
    from llm_router.cli.ledgers import ledger_of

    with ledger_of(options.spec, console) as ledger:
        if ledger is None:
            return 1
        if ledger.program.cache is None:
            console.error(f"{options.spec} keeps no answers: there is no `cache: {{exact: {{keep: 1h}}}}` in it")
            return 1
        _ACTS[options.action](ledger, options.user, console)
    return 0


def _stats(ledger: Ledger, user: str | None, console: Console) -> None:
    from llm_router.engine.accounting.spending import Question

    where = {} if user is None else {"user": [user]}
    spent = ledger.spent(Question.of(None, (_BEGINNING, None), ("outcome",), where, usual=False))
    total = spent.total
    asked = total.requests - sum(each.requests for each in spent.groups if each.key == ("recorded",))
    rate = f"{100 * total.cached / asked:.1f} %" if asked else "none"
    rows = (("requests", f"{asked}"), ("given again", f"{total.cached}"), ("rate", rate))
    console.table((*rows, ("saved", format_money(total.saved))))


def _purge(ledger: Ledger, user: str | None, console: Console) -> None:
    from llm_router.engine.caching.key import scope_of
    from llm_router.engine.caching.lookup import Purge

    count = Purge(ledger.accounts, "" if user is None else scope_of(user)).act()
    console.line("1 answer was dropped" if count == 1 else f"{count} answers were dropped")


_ACTS = {"stats": _stats, "purge": _purge}
