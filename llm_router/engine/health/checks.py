"""Active checks: with `health.check_every`, deployments that cool are asked themselves whether they are there.

A check costs nothing: it asks for the provider's list of models, once for each key, and never for an answer. So it
shows that the provider is reachable and takes the key, and not that the model answers. That is why a good check doesn't
end the cooling but its waiting: the next request is the probe, and ends it. A check that finds nobody (no connection,
no reply, a 5xx) begins the cooldown anew, so that no request is spent on a probe meanwhile; any other reply says
nothing. A `cooldown` that the spec sets for a class of failures is left alone: an empty account lists models too.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from typing_extensions import override

from llm_router.catalog.providers import row_of
from llm_router.engine.driving.drive import run
from llm_router.engine.effects import Close, Expired, Lost, Now, Open, StoreEffect, Tell
from llm_router.engine.events import DeploymentChecked
from llm_router.engine.log import logger
from llm_router.engine.wiring import Wiring
from llm_router.errors import RouterClosed
from llm_router.policy.program import Deployment, Health, Program
from llm_router.state.health import HealthBook, Verdict
from llm_router.wire.codec import HttpRequest
from llm_router.wire.listing import form_of, list_request

if TYPE_CHECKING:
    from llm_router.engine.driving.runtime import Runtime

PATIENCE_S = 5.0
"""How long a check may take: a provider that needs longer for a list isn't well."""

Served: TypeAlias = tuple[Program, Wiring]
"""What new requests run on."""


@dataclass(frozen=True, slots=True)
class Cooling(StoreEffect[tuple[str, ...]]):
    """The identities of those who cool for their failures."""

    @override
    def act(self, book: HealthBook) -> tuple[str, ...]:
        return book.cooling()


@dataclass(frozen=True, slots=True)
class Checked(StoreEffect[None]):
    """Nothing, once it is noted what a check found."""

    identity: str
    now: float
    health: Health
    verdict: Verdict

    @override
    def act(self, book: HealthBook) -> None:
        book.checked(self.identity, self.now, self.health, self.verdict)


async def check_cooling(program: Program, wiring: Wiring) -> None:
    """Check every deployment that cools, one after the other."""
    identities = frozenset(await Cooling())
    for http, deployments in _questions(program, wiring, identities) if identities else ():
        began = await Now()
        verdict, said = await _asked(http, began + PATIENCE_S)
        now = await Now()
        for deployment in deployments:
            await Checked(deployment.identity, now, program.health, verdict)
            await Tell(DeploymentChecked(deployment.name, verdict, said, now - began))


def _questions(
    program: Program, wiring: Wiring, identities: frozenset[str]
) -> Iterator[tuple[HttpRequest, list[Deployment]]]:
    """Yields what to ask, once for each key of each provider, and whom the reply speaks of."""
    by_key: dict[tuple[str, int], list[Deployment]] = {}
    for deployment in program.deployments.values():
        if deployment.identity in identities and deployment.name in wiring.targets:
            by_key.setdefault((deployment.provider.name, deployment.key), []).append(deployment)
    for found in by_key.values():
        kind = found[0].provider.kind
        form = form_of(kind, row_of(kind).dialect)
        if form is not None:
            yield list_request(form, wiring.targets[found[0].name]), found


async def _asked(http: HttpRequest, until: float) -> tuple[Verdict, str]:
    """What the reply's status tells; its body isn't read."""
    try:
        reply = await Open(http, until, until)
    except Lost:
        return "down", "no connection"
    except Expired:
        return "down", "no reply in time"
    await Close(reply)
    said = f"status {reply.status}"
    if reply.status >= 500:
        return "down", said
    return ("up" if reply.status < 300 else "unsure"), said


class Checker:
    """A thread of a router's own that checks at the interval that its program says.

    It is a daemon and holds neither router nor runtime between checks, so it outlives none of them: it ends when the
    router is closed or garbage, or when a new program wants no checks. A child process begins its own.
    """

    def __init__(self, runtime: Runtime, served: Callable[[], Served | None]) -> None:
        self._runtime = runtime
        self._served = served
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def ensure(self) -> None:
        """Begin, where the program wants checks and nobody makes them; in a child process, too, nobody does."""
        if self.pause_s() is None or self._is_running() or not self._starting.acquire(blocking=False):
            return
        try:
            if not self._is_running():
                arguments = (weakref.ref(self), self._runtime.closing)
                self._thread = threading.Thread(target=_watch, args=arguments, name="llm-router checks", daemon=True)
                self._thread.start()
        finally:
            self._starting.release()

    def check(self) -> float | None:
        """Check now; the seconds until the next time, `None` where there is none."""
        served = self._served()
        try:
            if served is not None:
                run(check_cooling(*served), self._runtime.perform)
        except RouterClosed:
            return None
        except Exception:
            logger.warning("a check of cooling deployments failed", exc_info=True)
        return self.pause_s()

    def pause_s(self) -> float | None:
        """The seconds between checks; `None` where the program wants none, or nobody is left to check for."""
        served = self._served()
        return None if served is None or self._runtime.closed else served[0].health.check_every_s

    def _is_running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()


def _watch(place: weakref.ref[Checker], closing: threading.Event) -> None:
    """Check again and again, for as long as there is somebody to check for."""
    checker = place()
    pause_s = None if checker is None else checker.pause_s()
    while pause_s is not None:
        del checker
        if closing.wait(pause_s):
            return
        checker = place()
        pause_s = None if checker is None else checker.check()
