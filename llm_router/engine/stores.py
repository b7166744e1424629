"""The stores of one router: opened when a spec first names them, kept over reloads, closed with the router."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING

from llm_router.errors import StoreDown, StoreError
from llm_router.spec.refs import Environment, MissingReference, Reference, resolve
from llm_router.state.accounts import Accounts

if TYPE_CHECKING:
    from llm_router.policy.program import Program


class Stores:
    """Accounts by the address of their store."""

    def __init__(self) -> None:
        self._opened: dict[tuple[str, Path], Accounts] = {}

    def of(self, program: Program, environment: Environment, folder: Path | None = None) -> Accounts:
        """The accounts that the program names; relative paths start from `folder`, else the environment's.

        Raises StoreError where its store can't be used.
        """
        from llm_router.state.opening import open_store

        said = program.state.url
        url = _resolved(said, environment) if isinstance(said, Reference) else said
        place = (url, environment.directory if folder is None else folder)
        if place not in self._opened:
            self._opened[place] = Accounts(open_store(*place))
        return self._opened[place]

    def close(self) -> None:
        """Close them all; what is down is gone anyway."""
        for accounts in self._opened.values():
            with contextlib.suppress(StoreDown):
                accounts.close(time.time())

    def after_fork(self) -> None:
        """Leave to the parent process what is the parent's."""
        for accounts in self._opened.values():
            accounts.after_fork()


def _resolved(address: Reference, environment: Environment) -> str:
    try:
        return resolve(address, environment)
    except MissingReference as error:
        raise StoreError(f"the address of the store can't be read: {error.message}", help=error.help) from None
