"""Check specs: everything that is wrong, at once, each at its line and column with what to do.

Errors stop a spec from running; warnings (the lints, see `llm-router lints`) print. Without --env the verdict is the
same on every machine. Exit code 1 when there is an error, or, with --strict, a warning.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from llm_router.cli.arguments import env_argument, spec_argument
from llm_router.cli.console import Console, Style
from llm_router.diagnostics import Diagnostic, render_json, render_sarif, render_text

SUMMARY = "say everything that is wrong with a spec"


def arguments(parser: argparse.ArgumentParser) -> None:
    """SPEC…, the format, --env, --strict."""
    spec_argument(parser, many=True)
    parser.add_argument("--format", choices=("text", "json", "sarif"), default="text", help="text for people")
    parser.add_argument("--strict", action="store_true", help="warnings fail too")
    env_argument(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    """Check every file, print all diagnostics, and say how it went."""
    from llm_router.cli.specs import check

    diagnostics: list[Diagnostic] = []
    sources: dict[str, str] = {}
    for path in options.specs:
        found, text = check(path, environment=options.env)
        diagnostics.extend(found)
        sources[path] = text
    if options.format == "text":
        show(console, diagnostics, sources)
    else:
        render = render_json if options.format == "json" else render_sarif
        console.line(render(diagnostics))
    failing = {"error", "warning"} if options.strict else {"error"}
    return int(any(diagnostic.severity in failing for diagnostic in diagnostics))


def show(console: Console, diagnostics: Sequence[Diagnostic], sources: dict[str, str]) -> None:
    """All diagnostics with their lines, then one line that counts."""
    if diagnostics:
        console.line(render_text(diagnostics, sources, colour=console.colour))
        console.line()
    errors = sum(diagnostic.severity == "error" for diagnostic in diagnostics)
    warnings = len(diagnostics) - errors
    files = counted(len(sources), "file")
    style: Style = "red" if errors else "yellow" if warnings else "green"
    console.line(f"{files} checked: {counted(errors, 'error')}, {counted(warnings, 'warning')}", style)


def counted(number: int, noun: str) -> str:
    """`1 error`, `2 errors`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
