"""See it work: a LangChain chain and a LlamaIndex query engine over this project's own documentation, and an outage.

Needs no key: unless one of the spec's providers has a key in the environment, a local emulator answers in their place
(it quotes the passage that fits best). After each call you see which rule decided, which deployment answered, what was
attempted, and why.
"""

from __future__ import annotations

import argparse

from llm_router.cli.console import Console

SUMMARY = "see it work, without any key"


def arguments(parser: argparse.ArgumentParser) -> None:
    """SPEC, --emulate."""
    parser.add_argument("spec", metavar="SPEC", nargs="?", help="the spec to run (default: one with three providers)")
    parser.add_argument("--emulate", action="store_true", help="use the emulator even where there are keys")


def run(options: argparse.Namespace, console: Console) -> int:
    """Play all acts, then the outage."""
    from llm_router.cli.demo.stage import play

    return play(options.spec, console, emulate=options.emulate)
