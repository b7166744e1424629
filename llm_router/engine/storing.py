"""What a script may ask of limits, budgets and the ledger. Instants are seconds since the epoch, except in `Park`.

A store may take input and output, so these are performed in a thread where a loop drives the script. They are atomic to
a cancellation: it waits until the act is over, so that no reservation is made of which nobody knows.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from typing_extensions import override

from llm_router.engine.effects import Effect
from llm_router.policy.snapshot import Standing
from llm_router.state.accounts import Accounts
from llm_router.state.entry import Entry
from llm_router.state.parking import Spot
from llm_router.state.store import Blocked, Claim, Frame, Reserved

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class AccountEffect(Effect[T_co]):
    """An act on the accounts of a router. Raises StoreDown where their store can't be reached."""

    accounts: Accounts = field(repr=False)

    @abstractmethod
    def act(self) -> T_co:
        """Perform it; may block where the accounts are `shared`."""


@dataclass(frozen=True, slots=True)
class Look(AccountEffect[Mapping[str, Standing]]):
    """How full accounts are."""

    concludes = True

    frames: Mapping[str, Frame]
    now: float

    @override
    def act(self) -> Mapping[str, Standing]:
        return self.accounts.standings(self.frames, self.now)


@dataclass(frozen=True, slots=True)
class Reserve(AccountEffect[Reserved | Blocked]):
    """A reservation of all claims, or what stands in the way of one. From `expires` on nobody can settle it."""

    claims: tuple[Claim, ...]
    opening: Entry
    now: float
    expires: float
    spot: Spot | None = None

    @override
    def act(self) -> Reserved | Blocked:
        return self.accounts.reserve(self.claims, self.opening, now=self.now, expires=self.expires, spot=self.spot)


@dataclass(frozen=True, slots=True)
class Settle(AccountEffect[None]):
    """Nothing, once the reservation is charged what it came to, and its entry is in the ledger."""

    concludes = True

    ticket: str
    amounts: Mapping[str, int]
    entry: Entry | None
    now: float

    @override
    def act(self) -> None:
        self.accounts.settle(self.ticket, self.amounts, self.entry, now=self.now)


@dataclass(frozen=True, slots=True)
class Record(AccountEffect[None]):
    """Nothing, once an entry without reservation is in the ledger, and what it claims is charged."""

    concludes = True

    entry: Entry
    now: float
    claims: tuple[Claim, ...] = ()

    @override
    def act(self) -> None:
        self.accounts.record(self.entry, self.claims, now=self.now)


@dataclass(frozen=True, slots=True)
class Once(AccountEffect[bool]):
    """True for the first who asks for this mark, in whichever process; False for everybody else before `until`."""

    concludes = True

    mark: str
    until: float
    now: float

    @override
    def act(self) -> bool:
        return self.accounts.once(self.mark, until=self.until, now=self.now)


@dataclass(frozen=True, slots=True)
class Park(Effect[None]):
    """Nothing, once the spot was woken, or the instant `until` (monotonic) has come."""

    spot: Spot
    until: float
