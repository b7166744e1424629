"""Look after the ledger of a spec.

`prune` drops the entries that are older than the spec's `ledger: {keep: …}` says; their daily totals stay. A router
that runs does so by itself, once a day.
"""

from __future__ import annotations

import argparse
import time

from llm_router.cli.arguments import spec_argument
from llm_router.cli.console import Console

SUMMARY = "drop the ledger's old entries, as the spec says"


def arguments(parser: argparse.ArgumentParser) -> None:
    """ACTION and SPEC."""
    parser.add_argument("action", choices=("prune",), help="prune: drop what is older than `ledger: {keep}` says")
    spec_argument(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    """Prune, and say how much."""
    from llm_router.cli.ledgers import ledger_of

    with ledger_of(options.spec, console) as ledger:
        if ledger is None:
            return 1
        keep_s = ledger.program.ledger.keep_s
        if keep_s is None:
            console.error(f"{options.spec} keeps its entries for ever: there is no `ledger: {{keep: 90d}}` in it")
            return 1
        count = ledger.accounts.store.prune(time.time() - keep_s)
    console.line("1 entry was dropped" if count == 1 else f"{count} entries were dropped")
    return 0
