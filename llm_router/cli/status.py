"""Show how the deployments of a spec do, by what its processes share: who cools or is limited, and what limits leave.

It needs a store that processes share (`state:`). What each process counts and measures by itself is in
`Router.status()`. Nobody is asked, and no key is needed. The exit code is 0 whatever the state.

  llm-router status router.yaml
  llm-router status router.yaml --json
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llm_router.cli.arguments import spec_argument
from llm_router.cli.console import Console

if TYPE_CHECKING:
    from llm_router.engine.effects import Effect
    from llm_router.engine.health.status import Status
    from llm_router.policy.program import Program
    from llm_router.state.accounts import Accounts

SUMMARY = "show who cools or is limited, and what limits leave"


def arguments(parser: argparse.ArgumentParser) -> None:
    """SPEC, --json."""
    spec_argument(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(options: argparse.Namespace, console: Console) -> int:
    """Look, and tell; 1 where the spec doesn't compile, or nothing is shared."""
    from llm_router.cli.specs import compiled
    from llm_router.engine.stores import Stores
    from llm_router.spec.refs import Environment

    done = compiled(options.spec, console)
    if done is None:
        return 1
    stores = Stores()
    try:
        accounts = stores.of(done[0], Environment.of_process(Path(options.spec).parent))
        if not accounts.shared:
            console.error(f"{options.spec} keeps its state in the memory of each process: nothing is to be seen here")
            console.note("  help: write `state: sqlite:llm-router.db`, or ask `Router.status()` in the program")
            return 1
        status = _status(done[0], accounts)
    finally:
        stores.close()
    console.write(json.dumps(status.json(), indent=2) + "\n" if options.json else status.text(counts=False))
    return 0


def _status(program: Program, accounts: Accounts) -> Status:
    """What is shared. Raises StoreDown."""
    from llm_router.engine.driving.drive import run as driven
    from llm_router.engine.health.status import look
    from llm_router.engine.wiring import Wiring

    accounts.store.load("health")  # so that a store that is down is an error here, and no empty answer
    return driven(look(program, Wiring({}, {}, accounts=accounts)), _performer())


def _performer() -> Callable[[Effect[Any]], Any]:
    """The effects of looking at a state."""
    from llm_router.engine.effects import Now, StoreEffect, WallTime
    from llm_router.engine.storing import AccountEffect
    from llm_router.state.health import HealthBook

    book = HealthBook()

    def perform(effect: Effect[Any]) -> Any:
        match effect:
            case AccountEffect():
                return effect.act()
            case StoreEffect():
                return effect.act(book)
            case Now():
                return time.monotonic()
            case WallTime():
                return time.time()
            case _:
                return None

    return perform
