"""List what the linter looks for, or explain one lint: what it finds, why that hurts, and an example.

Lints are warnings: a spec with them runs. Those about conditions are exact, not guessed.
"""

from __future__ import annotations

import argparse
import inspect

from llm_router.cli.console import Console
from llm_router.diagnostics import closest
from llm_router.policy.lint import LINTS, Lint

SUMMARY = "list and explain what the linter looks for"


def arguments(parser: argparse.ArgumentParser) -> None:
    """CODE."""
    parser.add_argument("code", nargs="?", metavar="CODE", help="a code such as LR401, or a lint's name")


def run(options: argparse.Namespace, console: Console) -> int:
    """Print all lints, or one in full."""
    if options.code is None:
        console.table([(lint.code, lint.name, documentation(lint).partition("\n")[0]) for lint in LINTS], indent=0)
        return 0
    known = {key: lint for lint in LINTS for key in (lint.code.lower(), lint.name)}
    lint = known.get(options.code.lower())
    if lint is None:
        near = closest(options.code, [key for lint in LINTS for key in (lint.code, lint.name)])
        console.error(f"no lint `{options.code}`" + (f"; did you mean `{near}`?" if near else ""))
        return 2
    console.line(f"{lint.code} {lint.name}", "bold")
    console.line()
    console.line(documentation(lint))
    return 0


def documentation(lint: Lint) -> str:
    """A lint's docstring."""
    return inspect.getdoc(lint.find) or ""
