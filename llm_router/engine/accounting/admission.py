"""Room in limits and budgets, reserved just before an attempt and settled after it.

At a limit a request waits as long as the limit says, in fair order; for a budget it waits only while nothing but the
reservations of others stands in its way. However many candidates one limit covers, a request waits for it no longer
than that in all. What holds when the store is down is the spec's to say: without a word of it, budgets are closed and
the rest is open.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from math import isfinite
from typing import Literal

from llm_router.engine.accounting.booking import Booking, Result, Subject, amounts, claims, closed, opened, uncapped
from llm_router.engine.accounting.thresholds import tell_passed
from llm_router.engine.asking import asked
from llm_router.engine.effects import Now, Tell, WallTime
from llm_router.engine.events import Waiting, WaitReason
from llm_router.engine.storing import Park, Record, Reserve, Settle
from llm_router.errors import AttemptReport, StoreDown
from llm_router.policy.charges import UNLIMITED, Account, Charge
from llm_router.policy.decision import Candidate
from llm_router.policy.follow import timeouts_for
from llm_router.policy.program import Deployment, Program, Rule
from llm_router.state.accounts import Accounts
from llm_router.state.entry import Entry
from llm_router.state.parking import Spot
from llm_router.state.store import Blocked, Reserved

POLL_S = 0.2
"""How often room is looked for that another process may give back: it wakes nobody here."""

SHORTEST_WAIT_S = 1e-6
"""Less patience than this is none: clocks can't tell it apart."""

LONGEST_STREAM_S = 3600.0
"""A stream whose process is gone holds its room in limits and budgets for so long, and then counts in full."""

GRACE_S = 60.0
"""The same for an answer that isn't streamed, beyond the time that it may take."""


@dataclass(frozen=True, slots=True)
class Unbooked:
    """No room, and why: `name` is the limit's or budget's, or what is wrong with the store; `until` (monotonic) is when
    there may be some, if known."""

    reason: Literal["limit", "budget", "store"]
    name: str = ""
    until: float | None = None


@dataclass(slots=True)
class Cashier:
    """Books the attempts of one request. `deadline` is monotonic; `entries` are those that were closed.

    `waited_s` are the seconds that the request has waited for each account, `grown_by` the tokens that were added to
    it since the decision: what an attempt is sent that goes on, or mends.
    """

    subject: Subject
    accounts: Accounts
    deadline: float
    entries: list[Entry] = field(default_factory=list)
    booked: int = 0
    grown_by: int = 0
    waited_s: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    async def book(self, candidate: Candidate, lasts_s: float, *, patient: bool = True) -> Booking | Unbooked:
        """Room for an attempt that is over after `lasts_s` seconds at most; only who is `patient` waits for it."""
        self.booked += 1
        candidate = self.subject.grown(candidate, self.grown_by)
        opening = opened(self.subject, candidate, self.booked, await WallTime())
        if not candidate.charges and not self.accounts.shared:
            return Booking(opening)
        try:
            return await _Wish(self, candidate, opening, lasts_s, patient).reserved()
        except StoreDown as error:
            if self._is_closed(candidate.charges):
                return Unbooked("store", str(error))
            return Booking(opening, candidate.charges)

    async def settle(self, booking: Booking, report: AttemptReport, result: Result) -> Entry:
        """The entry of an attempt that is over, written down and charged.

        What can't be written now was reserved, and expires at its worst; or is owed until the store is back.
        """
        entry = closed(booking, self._deployment(booking), report, result)
        self.entries.append(entry)
        with suppress(StoreDown):  # it was told
            if booking.ticket is None:
                owed = uncapped(self.subject.program, booking, entry, result)
                await asked(Record(self.accounts, entry, await WallTime(), owed))
            else:
                charged = amounts(booking, entry, result)
                await asked(Settle(self.accounts, booking.ticket, charged, entry, await WallTime()))
                await tell_passed(self.accounts, self.subject.program.timezone, booking.charges)
        return entry

    async def give_back(self, booking: Booking) -> None:
        """Release the room of an attempt that wasn't made."""
        if booking.ticket is None:
            return
        nothing = {charge.account.key: 0 for charge in booking.charges}
        with suppress(StoreDown):
            await asked(Settle(self.accounts, booking.ticket, nothing, None, await WallTime()))

    def _is_closed(self, charges: tuple[Charge, ...]) -> bool:
        said = self.subject.program.state.fail
        bounded = any(charge.account.kind == "money" and charge.capacity != UNLIMITED for charge in charges)
        return said == "closed" or (said is None and bounded)

    def _deployment(self, booking: Booking) -> Deployment:
        return self.subject.program.deployments[booking.opening.deployment]


@dataclass(slots=True)
class _Wish:
    """Room that is wanted for one attempt, and the place in line for it."""

    cashier: Cashier
    candidate: Candidate
    opening: Entry
    lasts_s: float
    patient: bool
    spot: Spot | None = None
    told: bool = False

    async def reserved(self) -> Booking | Unbooked:
        """Reserve, waiting where that is worth it. Raises StoreDown."""
        try:
            while True:
                outcome = await self._tried()
                if isinstance(outcome, Reserved):
                    return Booking(self.opening, self.candidate.charges, outcome.ticket)
                account = self._account(outcome)
                until = await self._worth(outcome, account) if self.patient else None
                if until is None:
                    return await _unbooked(account, outcome)
                await self._wait(account, until)
        finally:
            self._leave()

    async def _tried(self) -> Reserved | Blocked:
        wall = await WallTime()
        wanted = claims(self.cashier.subject.program, self.candidate.charges, wall)
        return await asked(
            Reserve(self.cashier.accounts, wanted, self.opening, wall, wall + self.lasts_s, self.spot),
        )

    async def _worth(self, blocked: Blocked, account: Account) -> float | None:
        """The instant (monotonic) until which to wait for room; `None` where that isn't worth it."""
        now, wall = await Now(), await WallTime()
        patience = self._patience(blocked, account, now)
        free = patience if blocked.until is None else now + (blocked.until - wall)
        return free if patience - now > SHORTEST_WAIT_S and free <= patience else None

    def _patience(self, blocked: Blocked, account: Account, now: float) -> float:
        if account.kind == "money":
            return self.cashier.deadline if blocked.until is None else now
        left = account.wait_s - self.cashier.waited_s[account.key]
        return min(now + left, self.cashier.deadline)

    async def _wait(self, account: Account, until: float) -> None:
        """Wait in the line of the account that stands in the way now: there its room is given back.

        Who has only just lined up tries again first: what was given back before woke nobody here.
        """
        accounts = self.cashier.accounts
        if self.spot is None or self.spot.account != account.key:
            self._leave()
            self.spot = accounts.parking.enter(account.key)
            return
        began = await Now()
        await self._tell_waiting(account, until - began)
        await Park(self.spot, min(until, began + POLL_S) if accounts.shared else until)
        self.cashier.waited_s[account.key] += await Now() - began

    async def _tell_waiting(self, account: Account, wait_s: float) -> None:
        if not self.told:
            self.told = True
            reason: WaitReason = "budget" if account.kind == "money" else "limit"
            name = self.candidate.deployment
            await Tell(Waiting(self.cashier.subject.decision.id, name, wait_s, reason, account.name))

    def _leave(self) -> None:
        if self.spot is not None:
            self.cashier.accounts.parking.leave(self.spot)
            self.spot = None

    def _account(self, blocked: Blocked) -> Account:
        return next(charge.account for charge in self.candidate.charges if charge.account.key == blocked.account)


async def _unbooked(account: Account, blocked: Blocked) -> Unbooked:
    """Why there is no room, and from when on there may be."""
    until = blocked.until
    known = until is not None and isfinite(until)
    when = await Now() + (until - await WallTime()) if known and until is not None else None
    return Unbooked("budget" if account.kind == "money" else "limit", account.name, when)


async def book_for(
    program: Program, rule: Rule | None, cashier: Cashier, candidate: Candidate, *, stream: bool, patient: bool
) -> Booking | Unbooked:
    """Room for an attempt at the candidate, in limits and budgets."""
    timeouts = timeouts_for(program, rule, program.deployments[candidate.deployment])
    lasts_s = LONGEST_STREAM_S if stream else (timeouts.total_s or 0.0) + GRACE_S
    return await cashier.book(candidate, lasts_s, patient=patient)
