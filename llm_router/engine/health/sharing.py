"""What a process says of deployments' health to the others that share its store, and hears from them.

Nothing here fails a request: while the store is down, each process knows what it found out itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from typing_extensions import override

from llm_router.engine.asking import asked
from llm_router.engine.effects import Now, StoreEffect, WallTime
from llm_router.engine.storing import AccountEffect
from llm_router.errors import StoreDown
from llm_router.policy.program import Health
from llm_router.state.accounts import Accounts
from llm_router.state.facts import Facts
from llm_router.state.health import HealthBook


async def hear(accounts: Accounts) -> None:
    """Take over what others found, if that wasn't done a moment ago."""
    if not accounts.shared or not accounts.health.due(await WallTime()):
        return
    now, wall = await Now(), await WallTime()
    try:
        news = await asked(_News(accounts, wall))
    except StoreDown:
        return
    if news:
        await _Adopt({identity: facts.moved(now - wall) for identity, facts in news.items()})


async def say(accounts: Accounts, identity: str, *, probed: bool) -> None:
    """Let others know how a deployment is, if that is news; `probed` says that a probe of this process is over."""
    if not accounts.shared:
        return
    now, wall = await Now(), await WallTime()
    facts = (await _Found(identity)).moved(wall - now)
    if not probed and not accounts.health.differs(identity, facts, wall):
        return
    try:
        await asked(_Say(accounts, identity, facts, wall, probed))
    except StoreDown:
        return


async def cools(identity: str) -> bool:
    """Whether a deployment cools, by what this process knows, and not even a probe is due."""
    until = (await _Found(identity)).cooling_until
    return until is not None and until > await Now()


async def may_probe(accounts: Accounts, identity: str, health: Health) -> bool:
    """Whether no other process makes the probes that are allowed at a time."""
    if not accounts.shared:
        return True
    try:
        return await asked(_ClaimProbe(accounts, identity, health.probes, await WallTime()))
    except StoreDown:
        return True


@dataclass(frozen=True, slots=True)
class _News(AccountEffect[Mapping[str, Facts]]):
    now: float

    @override
    def act(self) -> Mapping[str, Facts]:
        with self.accounts.reach.asking(self.now):
            return self.accounts.health.news(self.now)


@dataclass(frozen=True, slots=True)
class _Adopt(StoreEffect[None]):
    found: Mapping[str, Facts]

    @override
    def act(self, book: HealthBook) -> None:
        for identity, facts in self.found.items():
            book.adopt(identity, facts)


@dataclass(frozen=True, slots=True)
class _Found(StoreEffect[Facts]):
    identity: str

    @override
    def act(self, book: HealthBook) -> Facts:
        return book.facts(self.identity)


@dataclass(frozen=True, slots=True)
class _Say(AccountEffect[None]):
    identity: str
    facts: Facts
    now: float
    probed: bool

    @override
    def act(self) -> None:
        with self.accounts.reach.asking(self.now):
            self.accounts.health.tell(self.identity, self.facts, self.now, probed=self.probed)


@dataclass(frozen=True, slots=True)
class _ClaimProbe(AccountEffect[bool]):
    identity: str
    most: int
    now: float

    @override
    def act(self) -> bool:
        with self.accounts.reach.asking(self.now):
            return self.accounts.health.claim_probe(self.identity, self.most, self.now)
