"""The accounts of one router: a store, and who waits in this process for room in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from llm_router.errors import StoreDown
from llm_router.policy.snapshot import Standing
from llm_router.state.cache import Answers
from llm_router.state.entry import Entry
from llm_router.state.memory import MemoryStore
from llm_router.state.owed import MOST, Owed, charge_in_full
from llm_router.state.parking import Parking, Spot
from llm_router.state.reach import Reach
from llm_router.state.shared_health import SharedHealth
from llm_router.state.store import Blocked, Claim, Frame, Reserved, Store
from llm_router.state.told import Told


@dataclass(frozen=True, slots=True)
class Accounts:
    """A store with the queues before it. Instants are seconds since the epoch."""

    store: Store = field(default_factory=MemoryStore)
    parking: Parking = field(default_factory=Parking)
    reach: Reach = field(default_factory=Reach)
    told: Told = field(default_factory=Told)
    owed: Owed = field(default_factory=Owed)
    health: SharedHealth = field(init=False)
    answers: Answers = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "health", SharedHealth(self.store))
        object.__setattr__(self, "answers", Answers(self.store))

    @property
    def shared(self) -> bool:
        """Whether asking it takes input and output, and others than this process charge it."""
        return not isinstance(self.store, MemoryStore)

    def standings(self, frames: Mapping[str, Frame], now: float) -> Mapping[str, Standing]:
        """How full these accounts are. Raises StoreDown."""
        with self.reach.asking(now):
            self.owed.pay(self.store, now)
            levels = self.store.levels(frames, now=now)
        return {
            key: Standing(level.settled, level.open, frames[key].end_of(frames[key].oldest))
            for key, level in levels.items()
        }

    def reserve(
        self, claims: Sequence[Claim], opening: Entry, *, now: float, expires: float, spot: Spot | None = None
    ) -> Reserved | Blocked:
        """Make the claims, unless somebody who came before waits for one of the accounts. Raises StoreDown."""
        waited_for = self.parking.before((claim.account for claim in claims), spot)
        if waited_for is not None:
            return Blocked(waited_for, None)
        with self.reach.asking(now):
            self.owed.pay(self.store, now)
            return self.store.reserve(claims, opening, now=now, expires=expires)

    def settle(self, ticket: str, amounts: Mapping[str, int], entry: Entry | None, *, now: float) -> None:
        """Charge what it came to, and let the next in line look for room. Raises StoreDown."""
        try:
            with self.reach.asking(now, urgent=True):
                self.store.settle(ticket, amounts, entry, now=now)
        finally:
            self.parking.wake(amounts)

    def record(self, entry: Entry, claims: Sequence[Claim] = (), *, now: float) -> None:
        """Append an entry that no reservation stands behind, and charge its claims: now, or once the store is back.

        Raises StoreDown where it is still owed.
        """
        try:
            with self.reach.asking(now):
                self.owed.pay(self.store, now)
                charge_in_full(self.store, claims, entry, now)
        except StoreDown:
            self.owed.add(claims, entry)
            raise

    def close(self, now: float) -> None:
        """Pay what is owed, and let go of the store. Raises StoreDown."""
        try:
            self.owed.pay(self.store, now, most=MOST)
        finally:
            self.store.close()

    def once(self, mark: str, *, until: float, now: float) -> bool:
        """True for the first who asks for this mark; then False for everybody before `until`. Raises StoreDown."""
        if self.told.has(mark, now):
            return False
        with self.reach.asking(now):
            first = self.store.once(mark, until=until, now=now)
        self.told.note(mark, until=until, now=now)
        return first

    def after_fork(self) -> None:
        """Leave to the parent process what is the parent's."""
        self.store.after_fork()
        self.parking.after_fork()
        self.reach.after_fork()
        self.owed.after_fork()
        self.health.after_fork()
        self.answers.after_fork()
