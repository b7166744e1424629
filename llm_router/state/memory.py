"""The default store: all of it in this process, nothing written. A child process begins with a copy."""

from __future__ import annotations

import bisect
import operator
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from typing_extensions import override

from llm_router.state.entry import Entry
from llm_router.state.store import (
    TIDY_EVERY_S,
    Blocked,
    Claim,
    Frame,
    Level,
    Reserved,
    Store,
    charge,
    check,
    new_ticket,
    obstacle,
    worst,
)
from llm_router.state.totals import DAY_S, Query, Rolled, Total, combine, roll, sum_entries

MOST_ENTRIES = 100_000
"""Past so many entries the oldest tenth leaves, but for its daily totals."""

_AT = operator.attrgetter("at")


@dataclass(slots=True)
class _Account:
    """Settled charges and the instants at which they stop counting, and pending ones, by bucket; what is held."""

    settled: dict[int, int]
    ends: dict[int, float]
    pending: dict[int, int]
    held: int = 0


@dataclass(frozen=True, slots=True)
class _Reservation:
    claims: tuple[Claim, ...]
    opening: Entry
    expires: float


class MemoryStore(Store):
    """Keeps at most `most_entries` entries of the ledger; the daily totals of the others stay."""

    def __init__(self, *, most_entries: int = MOST_ENTRIES) -> None:
        self._lock = threading.RLock()
        self._most_entries = most_entries
        self._accounts: dict[str, _Account] = {}
        self._reservations: dict[str, _Reservation] = {}
        self._entries: list[Entry] = []
        self._rolled: list[Rolled] = []
        self._records: dict[str, dict[str, tuple[int, str]]] = defaultdict(dict)
        self._marks: dict[str, float] = {}
        self._values: dict[str, tuple[bytes, float]] = {}
        self._tidied = 0.0

    @override
    def reserve(self, claims: Sequence[Claim], opening: Entry, *, now: float, expires: float) -> Reserved | Blocked:
        check(claims)
        with self._lock:
            self.sweep(now=now)
            blocked = worst(self._obstacle(claim) for claim in claims)
            if blocked is not None:
                return blocked
            for claim in claims:
                self._open(claim, claim.amount)
            ticket = new_ticket()
            self._reservations[ticket] = _Reservation(tuple(claims), opening, expires)
            return Reserved(ticket)

    @override
    def settle(self, ticket: str, amounts: Mapping[str, int], entry: Entry | None, *, now: float) -> None:
        with self._lock:
            reservation = self._reservations.pop(ticket, None)
            if reservation is None:
                return
            for claim in reservation.claims:
                self._charge(claim, charge(amounts, claim.account, claim.amount, held=claim.held))
            if entry is not None:
                self.record(entry)

    @override
    def levels(self, frames: Mapping[str, Frame], *, now: float) -> Mapping[str, Level]:
        with self._lock:
            self.sweep(now=now)
            return {account: self._level(account, frame) for account, frame in frames.items()}

    @override
    def sweep(self, *, now: float) -> int:
        with self._lock:
            lost = [ticket for ticket, each in self._reservations.items() if each.expires <= now]
            for ticket in lost:
                opening = self._reservations[ticket].opening
                self.settle(ticket, {}, replace(opening, outcome="lost", basis="reserved"), now=now)
            if now - self._tidied >= TIDY_EVERY_S:
                self._tidy(now)
            return len(lost)

    @override
    def record(self, entry: Entry) -> None:
        with self._lock:
            bisect.insort(self._entries, entry, key=_AT)
            if len(self._entries) > self._most_entries:
                self._roll(self._most_entries // 10 + 1)

    @override
    def entries(self, since: float, until: float) -> Iterator[Entry]:
        with self._lock:
            return iter(self._between(since, until))

    @override
    def totals(self, query: Query) -> Sequence[Total]:
        with self._lock:
            entries, rolled = self._between(query.since, query.until), tuple(self._rolled)
        return combine(query, sum_entries(query, entries), rolled)

    @override
    def prune(self, before: float) -> int:
        with self._lock:
            return self._roll(bisect.bisect_left(self._entries, before // DAY_S * DAY_S, key=_AT))

    @override
    def load(self, kind: str) -> Mapping[str, tuple[int, str]]:
        with self._lock:
            return dict(self._records[kind])

    @override
    def swap(self, kind: str, key: str, version: int, value: str) -> bool:
        with self._lock:
            records = self._records[kind]
            if records.get(key, (0, ""))[0] != version:
                return False
            records[key] = (version + 1, value)
            return True

    @override
    def once(self, key: str, *, until: float, now: float) -> bool:
        with self._lock:
            if self._marks.get(key, now) > now:
                return False
            self._marks[key] = until
            return True

    @override
    def get(self, key: str, *, now: float) -> bytes | None:
        with self._lock:
            value, expires = self._values.get(key, (b"", now))
            return value if expires > now else None

    @override
    def put(self, key: str, value: bytes, *, expires: float, now: float) -> None:
        with self._lock:
            self._values[key] = (value, expires)
            if now - self._tidied >= TIDY_EVERY_S:
                self._tidy(now)

    @override
    def purge(self, prefix: str = "") -> int:
        with self._lock:
            keys = [key for key in self._values if key.startswith(prefix)]
            for key in keys:
                del self._values[key]
            return len(keys)

    @override
    def close(self) -> None:
        """Nothing is held that has to be let go."""

    @override
    def after_fork(self) -> None:
        """The parent's reservations are the parent's: here they hold nothing, and are not settled a second time."""
        self._lock = threading.RLock()
        for reservation in self._reservations.values():
            for claim in reservation.claims:
                self._open(claim, -claim.amount)
        self._reservations.clear()

    def _obstacle(self, claim: Claim) -> Blocked | None:
        account = self._accounts.get(claim.account) or _Account({}, {}, {})
        return obstacle(claim, account.settled, account.pending, account.held)

    def _open(self, claim: Claim, amount: int) -> None:
        account = self._accounts.setdefault(claim.account, _Account({}, {}, {}))
        if claim.held:
            account.held += amount
        else:
            bucket = claim.frame.newest
            account.pending[bucket] = account.pending.get(bucket, 0) + amount

    def _charge(self, claim: Claim, amount: int) -> None:
        self._open(claim, -claim.amount)
        account, bucket = self._accounts[claim.account], claim.frame.newest
        if amount:
            account.settled[bucket] = account.settled.get(bucket, 0) + amount
            account.ends[bucket] = max(claim.frame.ends, account.ends.get(bucket, 0.0))

    def _level(self, name: str, frame: Frame) -> Level:
        account = self._accounts.get(name) or _Account({}, {}, {})
        settled, pending = (
            sum(amount for bucket, amount in charges.items() if bucket >= frame.oldest)
            for charges in (account.settled, account.pending)
        )
        return Level(settled, pending + account.held)

    def _between(self, since: float, until: float) -> Sequence[Entry]:
        first, last = (bisect.bisect_left(self._entries, instant, key=_AT) for instant in (since, until))
        return self._entries[first:last]

    def _roll(self, count: int) -> int:
        """Leave only daily totals of the oldest entries."""
        days: dict[int, list[Entry]] = defaultdict(list)
        for entry in self._entries[:count]:
            days[int(entry.at // DAY_S)].append(entry)
        for day, entries in days.items():
            self._rolled += (Rolled(day, total) for total in sum_entries(roll(day), entries))
        del self._entries[:count]
        return count

    def _tidy(self, now: float) -> None:
        """Forget what counts no more: charges for another hour, so that a clock may go back a little."""
        self._tidied = now
        self._marks = {key: until for key, until in self._marks.items() if until > now}
        self._values = {key: kept for key, kept in self._values.items() if kept[1] > now}
        for name, account in list(self._accounts.items()):
            for bucket in [each for each, ends in account.ends.items() if ends + TIDY_EVERY_S <= now]:
                del account.settled[bucket], account.ends[bucket]
            account.pending = {bucket: amount for bucket, amount in account.pending.items() if amount}
            if not (account.settled or account.pending or account.held):
                del self._accounts[name]
