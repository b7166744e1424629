"""What counts, what was spent and what is remembered: one small protocol, kept by every store.

Limits and budgets are one mechanism. An *account* is a text key whose charges lie in numbered buckets of time; a
*claim* asks an account for an amount under a capacity. A reservation makes all its claims or none of them, is durable
before it returns, and stays until it is settled. One whose attempt can no longer be running is settled at its full
amount: over-counted, never lost.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from llm_router.state.entry import Entry
from llm_router.state.totals import Query, Total

Buckets: TypeAlias = Mapping[int, int]
"""Amounts by bucket."""

TIDY_EVERY_S = 3600.0
"""How often what counts no more is deleted, and how much longer than it counts it stays."""
NEVER = math.inf
"""`Blocked.until` of a claim that is larger than its capacity."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Which buckets of an account count now: `oldest` and all after it; a charge falls into `newest`.

    `newest` stops counting at `ends` (epoch seconds), any other bucket as many `width_s` earlier or later as it lies
    before or after it.
    """

    newest: int
    oldest: int
    ends: float
    width_s: float

    def end_of(self, bucket: int) -> float:
        """The instant at which a bucket no longer counts."""
        return self.ends - (self.newest - bucket) * self.width_s if self.width_s else self.ends


@dataclass(frozen=True, slots=True)
class Claim:
    """An amount asked of an account: all that counts in `frame`, with it, may not pass `capacity`.

    A `held` one counts only while its reservation is open: it is settled at 0.
    """

    account: str
    amount: int
    capacity: int
    frame: Frame
    held: bool = False


@dataclass(frozen=True, slots=True)
class Reserved:
    """All claims were made; `ticket` settles them."""

    ticket: str


@dataclass(frozen=True, slots=True)
class Blocked:
    """No claim was made; `account` stands in the way longest.

    `until` is the instant (epoch seconds) from which on its claim would fit if nothing else changed; `None` where only
    open reservations stand in the way, `NEVER` where the claim is larger than its capacity.
    """

    account: str
    until: float | None


@dataclass(frozen=True, slots=True)
class Level:
    """What counts of an account now: settled charges, and what open reservations hold."""

    settled: int = 0
    open: int = 0


class Store(Protocol):
    """Where ledger, budgets, limits, shared records, marks and cached answers live.

    Instants are epoch seconds and come from the caller. Every method is atomic, whoever else asks, and raises
    `StoreDown` when the store can't be reached. Methods are blocking; any thread may call them.
    """

    def reserve(self, claims: Sequence[Claim], opening: Entry, *, now: float, expires: float) -> Reserved | Blocked:
        """Make all claims (of different accounts) or none; durable when it returns.

        `opening` is the entry to append, as `lost` and `reserved`, if nobody settles before `expires`.
        """
        ...

    def settle(self, ticket: str, amounts: Mapping[str, int], entry: Entry | None, *, now: float) -> None:
        """Charge what it came to, by account, and append the entry, in one act; `None` appends nothing.

        Charges fall into the bucket of the reservation. An account that isn't named is charged in full. A ticket that
        is unknown, or settled already, changes nothing.
        """
        ...

    def levels(self, frames: Mapping[str, Frame], *, now: float) -> Mapping[str, Level]:
        """How full these accounts are, all at one instant."""
        ...

    def sweep(self, *, now: float) -> int:
        """Settle what has expired; how many reservations. `reserve` and `levels` do so themselves."""
        ...

    def record(self, entry: Entry) -> None:
        """Append an entry that no reservation stands behind."""
        ...

    def entries(self, since: float, until: float) -> Iterator[Entry]:
        """Entries that began at `since` or later and before `until`, the earliest first."""
        ...

    def totals(self, query: Query) -> Sequence[Total]:
        """Sums by group, sorted by key; of days that were pruned, what their totals still say."""
        ...

    def prune(self, before: float) -> int:
        """Drop the entries of whole days (UTC) that ended by `before`, keeping daily totals; how many entries."""
        ...

    def load(self, kind: str) -> Mapping[str, tuple[int, str]]:
        """Shared records of a kind: version (from 1) and value by key."""
        ...

    def swap(self, kind: str, key: str, version: int, value: str) -> bool:
        """Replace the record if it still has this version (0: isn't there yet); whether that was so."""
        ...

    def once(self, key: str, *, until: float, now: float) -> bool:
        """True for the first who asks; then False for everybody before `until`."""
        ...

    def get(self, key: str, *, now: float) -> bytes | None:
        """The value that was put, unless it has expired."""
        ...

    def put(self, key: str, value: bytes, *, expires: float, now: float) -> None:
        """Keep a value until `expires`."""
        ...

    def purge(self, prefix: str = "") -> int:
        """Drop the values whose keys begin so; how many."""
        ...

    def close(self) -> None:
        """Let go of files and connections; closing twice is fine."""
        ...

    def after_fork(self) -> None:
        """In a child process: leave the parent's connections alone and make new ones."""
        ...


def new_ticket() -> str:
    """A name that no other reservation has."""
    return uuid.uuid4().hex


def check(claims: Sequence[Claim]) -> None:
    """Raise ValueError for claims that no store can keep: one account twice, or an amount below zero."""
    if len({claim.account for claim in claims}) < len(claims):
        raise ValueError("a reservation claims each account once")
    if any(claim.amount < 0 for claim in claims):
        raise ValueError("a claim is not below zero")


def charge(amounts: Mapping[str, int], account: str, amount: int, *, held: bool) -> int:
    """What settling charges for a claim of `amount`."""
    return 0 if held else amounts.get(account, amount)


def obstacle(claim: Claim, settled: Buckets, pending: Buckets, held: int) -> Blocked | None:
    """What stands in the way of a claim: settled charges, pending ones and held amounts of its account, by bucket."""
    if claim.amount > claim.capacity:
        return Blocked(claim.account, NEVER)
    room = claim.capacity - claim.amount
    settled, pending = _counting(settled, claim.frame), _counting(pending, claim.frame)
    if sum(settled.values()) + sum(pending.values()) + held <= room:
        return None
    if sum(settled.values()) <= room:
        return Blocked(claim.account, None)
    return Blocked(claim.account, _room_at(claim.frame, (settled, pending), room - held))


def worst(obstacles: Iterable[Blocked | None]) -> Blocked | None:
    """The obstacle that lasts longest; those that last while others are open are the least."""
    there = [each for each in obstacles if each is not None]
    return max(there, key=lambda each: -1.0 if each.until is None else each.until, default=None)


def _counting(charges: Buckets, frame: Frame) -> Buckets:
    return {bucket: amount for bucket, amount in charges.items() if bucket >= frame.oldest}


def _room_at(frame: Frame, charges: Sequence[Buckets], room: int) -> float | None:
    """When so many of the oldest buckets have left that the rest fits into `room`."""
    rest = sum(sum(buckets.values()) for buckets in charges)
    for bucket in sorted({bucket for buckets in charges for bucket in buckets}):
        rest -= sum(buckets.get(bucket, 0) for buckets in charges)
        if rest <= room:
            return frame.end_of(bucket)
    return None
