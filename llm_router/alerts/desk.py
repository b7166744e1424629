"""The observer behind a spec's `alerts`: hears every event, and has those told that somebody wants to be told of.

Budgets are told once for each window by whoever tells the event. That a deployment goes down or comes back, and that a
key is refused, every process finds out for itself: the store says who is first, and `calm` keeps them from storming.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import time
import weakref
from collections.abc import Callable
from functools import partial

from llm_router.alerts.calm import QUIET_S, Calm
from llm_router.alerts.notice import Notice, notice_of
from llm_router.alerts.outbox import PAUSES_S, Outbox, Parcel
from llm_router.engine.events import Event
from llm_router.errors import StoreDown
from llm_router.policy.alerting import BoundAlert
from llm_router.state.accounts import Accounts

SHARED_S = QUIET_S - 1.0
"""How long other processes leave a notice to the first of them: a little less than it is quiet, so that none is lost
between two clocks."""


class Desk:
    """Tells what it hears by the alerts in use. `wall` is in epoch seconds; `pauses_s` are those between tries."""

    def __init__(
        self,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        pauses_s: tuple[float, ...] = PAUSES_S,
    ) -> None:
        self._wall = wall
        self._alerts: tuple[BoundAlert, ...] = ()
        self._accounts = Accounts()
        self._calm = Calm(monotonic)
        self._outbox = Outbox(pauses_s)
        _DESKS.add(self)

    def use(self, alerts: tuple[BoundAlert, ...], accounts: Accounts) -> None:
        """From now on tell by these; `accounts` know what other processes have told."""
        self._alerts, self._accounts = alerts, accounts

    def __call__(self, event: Event) -> None:
        """Hear of an event; never blocks."""
        if not self._alerts:
            return
        notice = notice_of(event, self._wall())
        if notice is not None and self._calm.admits(notice):
            self._hand_over(notice)
        for late in self._calm.due():
            self._hand_over(late)

    def close(self) -> None:
        """Deliver what waits, for a few seconds at most."""
        self._outbox.close()

    async def aclose(self) -> None:
        """As `close`, without holding up the event loop."""
        if self._outbox.busy:
            await asyncio.to_thread(self._outbox.close)

    def after_fork(self) -> None:
        """Leave to the parent process what is the parent's."""
        self._calm.after_fork()
        self._outbox.after_fork()

    def _hand_over(self, notice: Notice) -> None:
        places = tuple(dict.fromkeys(alert.place for alert in self._alerts if notice.event in alert.events))
        if places:
            is_news = partial(_is_first, self._accounts, notice, self._wall()) if notice.subject else _yes
            self._outbox.put(Parcel(notice, places, is_news))


def _is_first(accounts: Accounts, notice: Notice, now: float) -> bool:
    """Whether no other process has told it; without a store everybody does."""
    try:
        return accounts.once(f"alert/{notice.event}/{notice.subject}", until=now + SHARED_S, now=now)
    except StoreDown:
        return True


def _yes() -> bool:
    return True


_DESKS: weakref.WeakSet[Desk] = weakref.WeakSet()


def _after_fork() -> None:
    for desk in list(_DESKS):
        desk.after_fork()


def _at_exit() -> None:
    """Let alerts go out of a program that ends without closing its routers."""
    for desk in list(_DESKS):
        desk.close()


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
