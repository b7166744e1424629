"""The ledger of a spec, opened as the spec says, without keys and without asking anybody."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llm_router.cli.console import Console

if TYPE_CHECKING:
    from llm_router.engine.accounting.spending import Question, Spending
    from llm_router.engine.effects import Effect
    from llm_router.policy.program import Program
    from llm_router.state.accounts import Accounts


@dataclass(frozen=True, slots=True)
class Ledger:
    """A program, and the accounts whose store holds its ledger."""

    program: Program
    accounts: Accounts

    def spent(self, question: Question) -> Spending:
        """What the ledger answers. Raises RequestError, StoreDown."""
        from llm_router.engine.accounting.spending import spent
        from llm_router.engine.driving.drive import run

        return run(spent(self.program, self.accounts, question), _perform)


@contextmanager
def ledger_of(path: str, console: Console) -> Iterator[Ledger | None]:
    """The ledger of this spec; nothing where it doesn't compile, or keeps its ledger in memory, which is told.

    Raises StoreError where its store can't be used.
    """
    from llm_router.cli.specs import compiled
    from llm_router.engine.stores import Stores
    from llm_router.spec.refs import Environment

    done = compiled(path, console)
    if done is None:
        yield None
        return
    program, stores = done[0], Stores()
    try:
        accounts = stores.of(program, Environment.of_process(Path(path).parent))
        if not accounts.shared:
            console.error(f"{path} keeps its ledger in the memory of each process: there is nothing to read from here")
            console.note("  help: write `state: {url: sqlite:llm-router.db}`, or ask `Router.spend()` in the program")
        yield Ledger(program, accounts) if accounts.shared else None
    finally:
        stores.close()


def _perform(effect: Effect[Any]) -> Any:
    """The effects of reading a ledger."""
    from llm_router.engine.storing import AccountEffect

    return effect.act() if isinstance(effect, AccountEffect) else time.time()
