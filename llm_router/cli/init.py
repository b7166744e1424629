"""Write a spec to start with, for the keys that are set in this environment; it has its own tests, and checks clean.

No provider is asked, so a key isn't proven to be right: `llm-router check --live` does that. Keys stay where they are,
the file names none. --local takes models of an Ollama on this machine too (as does a set OLLAMA_HOST): those that it
has, if it answers within two seconds.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from llm_router.cli.arguments import DEFAULT_SPEC, YAML_FILES
from llm_router.cli.console import Console

SUMMARY = "write a spec for the keys that are set here"


def arguments(parser: argparse.ArgumentParser) -> None:
    """PATH, --force, --local."""
    path = parser.add_argument("path", metavar="PATH", nargs="?", default=DEFAULT_SPEC, help=f"default: {DEFAULT_SPEC}")
    path.complete = YAML_FILES  # type: ignore[attr-defined] # shtab reads it
    parser.add_argument("--force", action="store_true", help="write over a file that is there")
    parser.add_argument("--local", action="store_true", help="take models of an Ollama on this machine too")


def run(options: argparse.Namespace, console: Console) -> int:
    """Write the file, and say what to do with it."""
    from llm_router.policy.starter import starter_spec

    path = Path(options.path)
    there = _models_there(console, local=options.local)
    text = starter_spec(os.environ, local=options.local, path=options.path, there=there)
    try:
        with path.open("w" if options.force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        console.error(f"{path} is there already: name another file, or write over it with --force")
        return 1
    console.line(f"wrote {path}", "bold")
    console.table(
        [
            (f"llm-router test {path}", "run its tests, without a network"),
            (f"llm-router check --live {path}", "are the keys and the models there?"),
            (f'llm-router ask "hi" -s {path}', "ask for real"),
        ]
    )
    return 0


def _models_there(console: Console, *, local: bool) -> tuple[str, ...]:
    """What the Ollama that the spec will name has; where it has nothing, or doesn't answer, a note on what to do."""
    from llm_router.catalog.starters import among, starters_for
    from llm_router.cli.local_models import models_there

    usual = next((each for each in starters_for(os.environ, local=local) if each.kind == "ollama"), None)
    if usual is None:
        return ()
    there = models_there(os.environ)
    if there is not None and among(usual, there) is not None:
        return there
    why = "nobody answers at Ollama's address" if there is None else "Ollama has no model yet that chats"
    names = (usual.small, usual.large, usual.embedding)
    pulls = "; ".join(f"ollama pull {name}" for name in names if name)
    console.note(f"{why}, so the spec names models to begin with: {pulls}")
    return ()
