"""The front door of the command line: verbs, common options, exit codes.

Exit codes: 0 all is well; 1 the spec or its tests are wrong, or the request failed; 2 the command line can't be
understood or a file can't be read; 130 interrupted.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version

from llm_router.cli import (
    ask,
    cache,
    check,
    completion,
    demo,
    emulate,
    explain,
    init,
    key,
    ledger,
    lints,
    models,
    plan,
    report,
    schema,
    spend,
    status,
    test,
)
from llm_router.cli.console import Console
from llm_router.cli.parser import Parser
from llm_router.errors import RouterError

VERBS = (
    *(init, check, explain, ask, spend, report, status, test, plan, schema, lints),
    *(models, key, ledger, cache, emulate, demo, completion),
)

EPILOG = """\
a first hour:
  llm-router demo                          see it work, without any key
  llm-router init                          write a spec for the keys that are set here
  llm-router check llm-router.yaml         is the spec right?
  llm-router explain "hi"                  who would answer, and why?
  llm-router test llm-router.yaml          run the spec's own tests, faults included
  llm-router ask "hi"                      ask for real
  llm-router spend                         what did that cost?
  llm-router report                        and as a page with charts?

SPEC is a YAML file; without one, llm-router.yaml in this folder is read.
"""


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = Parser(
        prog="llm-router",
        description="One checked YAML file picks a provider and model for each request.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"llm-router {version('llm-router-core')}")
    top.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="when to use colour")
    verbs = top.add_subparsers(dest="verb", metavar="VERB", required=True)
    for verb in VERBS:
        name = verb.__name__.rpartition(".")[2]
        sub = verbs.add_parser(
            name,
            help=verb.SUMMARY,
            description=verb.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        verb.arguments(sub)
        sub.set_defaults(perform=verb.run, parser=top)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit code. Raises BrokenPipeError where nobody reads any more."""
    options = parser().parse_args(arguments)
    console = Console(colour=options.color)
    try:
        code: int = options.perform(options, console)
    except RouterError as error:
        console.error(str(error))
        return 1
    except BrokenPipeError:
        raise
    except OSError as error:
        console.error(f"{error.filename or 'input'}: {error.strerror or error}")
        return 2
    except KeyboardInterrupt:
        return 130
    return code


def entry() -> None:
    """The installed command: a reader that leaves early (`| head`) is no error.

    What the router would log is shown by the verbs themselves, with its place in the spec.
    """
    logging.getLogger("llm_router").addHandler(logging.NullHandler())
    try:
        code = main()
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    sys.exit(code)


if __name__ == "__main__":
    entry()
