"""Check specs: everything that is wrong, at once, each at its line and column with what to do.

Errors stop a spec from running; warnings (the lints, see `llm-router lints`) print. Without --env the verdict is the
same on every machine. Exit code 1 when there is an error, or, with --strict, a warning.

--live asks the providers whether each key and each model that the spec names is right: key by key accepted, refused or
not reachable, model by model there or not there, or that it can't be told. Lists of models are asked for, nothing that
costs money, and no key is shown. It includes --env.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from llm_router.cli.arguments import env_argument, spec_argument
from llm_router.cli.console import Console, Style
from llm_router.diagnostics import Diagnostic, has_errors, in_order, render_json, render_sarif, render_text

SUMMARY = "say everything that is wrong with a spec"


def arguments(parser: argparse.ArgumentParser) -> None:
    """SPEC…, the format, --env, --live, --strict."""
    spec_argument(parser, many=True)
    parser.add_argument("--format", choices=("text", "json", "sarif"), default="text", help="text for people")
    parser.add_argument("--strict", action="store_true", help="warnings fail too")
    env_argument(parser)
    parser.add_argument("--live", action="store_true", help="ask the providers about every key and model")


def run(options: argparse.Namespace, console: Console) -> int:
    """Check every file, print all diagnostics, and say how it went."""
    from llm_router.cli import live
    from llm_router.cli.specs import check

    diagnostics: list[Diagnostic] = []
    sources: dict[str, str] = {}
    for path in options.specs:
        found, sources[path] = check(path, environment=options.env or options.live)
        diagnostics.extend(found)
        if options.live and not has_errors(found):
            diagnostics = [*in_order([*map(live.graver, diagnostics), *_asked(path, options, console)])]
    if options.format == "text":
        show(console, diagnostics, sources)
    else:
        render = render_json if options.format == "json" else render_sarif
        console.line(render(diagnostics))
    failing = {"error", "warning"} if options.strict else {"error"}
    return int(any(diagnostic.severity in failing for diagnostic in diagnostics))


def _asked(path: str, options: argparse.Namespace, console: Console) -> tuple[Diagnostic, ...]:
    """What the providers' answers are worth as diagnostics; all of them are shown to people."""
    from llm_router.cli import live

    findings = live.findings_of(path)
    if options.format == "text":
        live.show(findings, console)
    return tuple(live.faults(path, findings))


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
