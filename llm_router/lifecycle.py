"""The life of a router: what it runs on is loaded, taken anew while requests run, and closed.

Beside its requests a router sends alerts, checks deployments that cool, and drops old entries of its ledger: always by
the program that is in use then.
"""

from __future__ import annotations

import logging
import weakref
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from llm_router.diagnostics import Diagnostic, SpecError
from llm_router.engine.assembly import assembled
from llm_router.engine.loading import Loaded, NotLoaded, Origin, loaded, log_diagnostics
from llm_router.engine.pruning import Pruner
from llm_router.spec.refs import Environment

if TYPE_CHECKING:
    import httpx

    from llm_router.alerts.desk import Desk
    from llm_router.engine.driving.runtime import Runtime
    from llm_router.engine.events import Observer
    from llm_router.engine.health.checks import Checker, Served

logger = logging.getLogger("llm_router")


class Lifecycle:
    """What one router runs on: `loaded` is what new requests do, `runtime` what all of them share.

    Without an `environment`, references are read from the process's own. Raises SpecError, with all diagnostics, and
    StoreError.
    """

    def __init__(
        self,
        origin: Origin,
        environment: Environment | None,
        observers: Sequence[Observer],
        *,
        http_client: httpx.Client | None,
        async_http_client: httpx.AsyncClient | None,
    ) -> None:
        self.environment = environment
        self._desk = _desk()
        self.runtime: Runtime = assembled(http_client, async_http_client, (*observers, self._desk))
        self.loaded = self._first(origin)
        self._pruner = Pruner()
        self._checker = _checker(weakref.ref(self))
        self._checker.ensure()

    def taken(self) -> Loaded:
        """What a request runs on that begins now; what should go on beside it is begun too. Raises RouterClosed."""
        self.runtime.check_open()
        self.runtime.drain()
        self._checker.ensure()
        self._pruner.ensure(self.loaded.program, self.loaded.wiring.accounts)
        return self.loaded

    def reload(self, path: str | Path | None) -> tuple[Diagnostic, ...]:
        """Load the spec anew, from where it came or from `path`; what was found. After an error all stays as it was.

        Raises StoreError.
        """
        origin = self.loaded.origin.anew() if path is None else Origin.of_path(path)
        fresh = loaded(origin, self._environment_for(origin))
        if isinstance(fresh, NotLoaded):
            first = fresh.diagnostics[0]
            place = f"{first.code} at line {first.span.line}"
            logger.error("%s doesn't compile (%s first): the last good program stays", origin.file, place)
            return fresh.diagnostics
        self.loaded = self._with_store(fresh)
        self._checker.ensure()
        log_diagnostics(fresh)
        return fresh.diagnostics

    def close(self) -> None:
        """End requests under way with RouterClosed, and close all connections. Twice does no harm."""
        self._desk.close()
        self.runtime.close()
        self._pruner.close()
        self.runtime.stores.close()

    async def aclose(self) -> None:
        """As `close`, and wait for what cancelled requests still have to tidy up."""
        await self._desk.aclose()
        await self.runtime.aclose()
        self._pruner.close()
        self.runtime.stores.close()

    def as_read(self) -> Origin:
        """The spec in use, whose text isn't read anew: another router's origin."""
        return replace(self.loaded.origin, text=self.loaded.text)

    def _first(self, origin: Origin) -> Loaded:
        fresh = loaded(origin, self._environment_for(origin))
        if isinstance(fresh, NotLoaded):
            raise SpecError(fresh.diagnostics, {origin.file: fresh.text})
        log_diagnostics(fresh)
        return self._with_store(fresh)

    def _with_store(self, fresh: Loaded) -> Loaded:
        """What was loaded, with the accounts of the store that it names. Raises StoreError."""
        folder = fresh.origin.directory if fresh.origin.path is not None else None
        accounts = self.runtime.stores.of(fresh.program, self._environment_for(fresh.origin), folder)
        self._desk.use(fresh.alerts, accounts)
        return replace(fresh, wiring=replace(fresh.wiring, accounts=accounts))

    def _environment_for(self, origin: Origin) -> Environment:
        return self.environment or Environment.of_process(origin.directory)


def _desk() -> Desk:
    """What tells of events as the spec's `alerts` say."""
    from llm_router.alerts.desk import Desk

    return Desk()


def _checker(life: weakref.ref[Lifecycle]) -> Checker:
    """What checks the deployments of a router, whichever program it has then; it doesn't keep the router alive."""
    from llm_router.engine.health.checks import Checker

    def served() -> Served | None:
        here = life()
        return None if here is None else (here.loaded.program, here.loaded.wiring)

    here = life()
    assert here is not None  # whoever asks holds it
    return Checker(here.runtime, served)
