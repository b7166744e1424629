"""Serve a local stand-in for the providers, with scripted faults, until interrupted.

It speaks every dialect that a provider of a spec can have, is as strict about requests as the real ones, and shows
what it is asked. Point a provider's base_url at it and see what your application does:

  llm-router emulate --port 8080 --fault gpt-4o=rate_limit,ok --fault llama3=silence
"""

from __future__ import annotations

import argparse
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from llm_router.cli.console import Console, Style

if TYPE_CHECKING:
    from llm_router.testing import Emulator

SUMMARY = "serve a local stand-in for the providers, with faults"

ADDRESSES = (("openai and compatible", "/v1"), ("anthropic, ollama", ""), ("gemini", "/v1beta"))
"""Which base URL each kind of provider has at the emulator."""

LOOK_S = 0.2
"""How often the log is looked into, in seconds."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """--host, --port, --fault, --faults."""
    parser.add_argument("--host", default="127.0.0.1", help="default: 127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="default: any free one")
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="MODEL=FAULT[,FAULT…]",
        help="what a model answers, attempt by attempt, the last repeated; ok is an answer; may be repeated",
    )
    parser.add_argument("--faults", action="store_true", help="list the faults and stop")


def run(options: argparse.Namespace, console: Console) -> int:
    """Serve until interrupted, printing each request."""
    from llm_router.testing import FAULTS, Emulator, serve

    if options.faults:
        console.table(list(FAULTS.items()), indent=0)
        return 0
    try:
        emulator = Emulator(script(options.fault))
    except ValueError as error:
        console.error(str(error))
        return 2
    with serve(emulator, host=options.host, port=options.port) as url:
        console.line(f"listening on {url}", "bold")
        console.table([(kind, f"base_url: {url}{path}") for kind, path in ADDRESSES])
        console.line("stop with Ctrl-C", "dim")
        watch(emulator, console, threading.Event())
    return 0


def script(faults: Sequence[str]) -> dict[str, list[str]]:
    """The emulator's script for `MODEL=FAULT,…` words. Raises ValueError for a word of another form."""
    found = {}
    for word in faults:
        model, equals, turns = word.partition("=")
        if not equals or not model or not turns:
            raise ValueError(f"--fault takes MODEL=FAULT[,FAULT…], not `{word}`")
        found[model] = [turn.strip() for turn in turns.split(",")]
    return found


def watch(emulator: Emulator, console: Console, stopped: threading.Event) -> None:
    """Print each request as it arrives, until `stopped` is set or the user interrupts."""
    shown = 0
    while not stopped.wait(LOOK_S):
        for entry in emulator.log[shown:]:
            shown = entry.number
            style: Style = "green" if entry.answered == "ok" else "yellow"
            outcome = console.style(f"{entry.answered} {entry.status or ''}".rstrip(), style)
            console.line(f"{entry.number:4} {entry.method} {entry.path} {entry.model or ''}: {outcome}")
