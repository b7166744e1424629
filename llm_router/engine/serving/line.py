"""Who is asked next: the candidates of one request, in line, each admitted just before its turn.

Ready candidates go first. One that a provider's own time keeps back is passed over at once, and waited for only when
nobody else is left. When all that is left cools, the first of them is asked all the same: a best guess is better than
nothing. No more of these are made at a time than probes, and one in a tenth of a cooldown at most, so a deployment that
is down isn't stormed, even if it is the only one.

Who waits for a time wakes a little after it, each by a draw of its own, so that those who wait together don't ask
together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import inf, isfinite
from typing import Literal, Protocol

from llm_router.engine.accounting.admission import Unbooked
from llm_router.engine.accounting.booking import Booking
from llm_router.engine.effects import Admit, Now, Report, Script, Sleep, Tell
from llm_router.engine.events import PassedOver, PassedReason, Waiting
from llm_router.engine.health.sharing import may_probe, say
from llm_router.engine.serving.retry import chance
from llm_router.errors import AdmittedAs, FailureClass
from llm_router.policy.decision import Candidate
from llm_router.policy.program import Program
from llm_router.state.accounts import Accounts
from llm_router.state.health import Outcome

HeldReason = Literal["limited", "cooling", "limit", "budget", "store"]
"""The provider said when to come back; its health; a limit or budget has no room; the store is down."""

JITTER_S = 0.5
"""Waits end up to so many seconds after the time that is waited for."""


@dataclass(frozen=True, slots=True)
class Place:
    """A candidate in line. It isn't asked before `not_before`, and waited for at most `longest_wait_s`."""

    candidate: Candidate
    longest_wait_s: float = 0.0
    not_before: float = 0.0


@dataclass(frozen=True, slots=True)
class Turn:
    """A candidate that may be asked now, and whose attempt is `booked`; `admitted_as` tells how it came to be."""

    place: Place
    booked: Booking
    admitted_as: AdmittedAs = "ready"

    @property
    def probe(self) -> bool:
        """Whether it is the trial of one that cools."""
        return self.admitted_as != "ready"


@dataclass(frozen=True, slots=True)
class Held:
    """A candidate that may not be asked before `until`, and why; `tried`: others try it just now.

    `name` is that of the limit or budget that has no room. `guess_at` is the instant at which one that cools may be
    asked all the same, as nobody else is left.
    """

    place: Place
    until: float
    reason: HeldReason
    failure: FailureClass | None = None
    tried: bool = False
    name: str = ""
    guess_at: float | None = None

    @property
    def soonest(self) -> float:
        """The first instant at which it may be asked."""
        return self.until if self.guess_at is None else min(self.until, self.guess_at)


_WHY: Mapping[PassedReason, str] = {
    "limited": "its provider asked to wait",
    "cooling": "it cools",
    "limit": "the limit `{name}` had no room",
    "budget": "the budget `{name}` had no room",
    "store": "the store could not be reached: {name}",
    "extra_cost": "too dear for a hedge, by the share of `extra_cost`",
}


class Book(Protocol):
    """Finds room for an attempt in limits and budgets; only who is `patient` waits for it."""

    def __call__(self, candidate: Candidate, *, patient: bool) -> Script[Booking | Unbooked]:
        """The booking, or why there is none."""


@dataclass(slots=True)
class Line:
    """The candidates that one request may still ask. `held` tells, after a turn was looked for, who was kept back.

    `out` are the turns that were given and not begun yet: whoever leaves them so has to give them back.
    """

    program: Program
    decision_id: str
    deadline: float
    book: Book
    accounts: Accounts = field(repr=False)
    places: list[Place] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    out: list[Turn] = field(default_factory=list)
    waits: int = 0
    passed: dict[tuple[str, str], PassedOver] = field(default_factory=dict)

    async def next(self) -> Turn | None:
        """The next candidate, admitted and out of the line; `None` when nobody can be asked in time."""
        while True:
            turn = await self._first_admitted()
            if turn is not None or not self.held:
                return turn
            soonest = self._worth_waiting(await Now())
            if soonest is None:
                return await self._best_guess()
            await self._wait(soonest, self._waking(soonest))

    async def _wait(self, held: Held, until: float) -> None:
        self.waits += 1
        await Tell(Waiting(self.decision_id, held.place.candidate.deployment, until - await Now()))
        await Sleep(until)

    def _waking(self, soonest: Held) -> float:
        """The instant until which to wait: when the soonest is free, or one that cools may be tried before that."""
        cooled = [held.until for held in self.held if held.reason == "cooling" and not held.tried]
        until = min([soonest.until, *cooled])
        room = min(JITTER_S, max(0.0, self.deadline - until) / 2)
        return until + chance(self.decision_id, self.waits) * room

    async def at_once(self) -> Turn | None:
        """The next candidate that may be asked without waiting, admitted and out of the line."""
        return await self._first_admitted(patient=False)

    async def again(self, place: Place) -> Turn | None:
        """Another turn for one who is out of the line."""
        self.places.insert(0, place)
        turn = await self._admitted(place, await Now())
        if turn is None:
            self.places.remove(place)
            await self._tell_passed(place)
        return turn

    def at_provider(self, provider: str) -> list[str]:
        """Who in line is the provider's."""
        return [place.candidate.deployment for place in self.places if place.candidate.provider == provider]

    def keep(self, wanted: Callable[[Candidate], bool]) -> None:
        """Leave only those whom `wanted` holds for in line."""
        self.places = [place for place in self.places if wanted(place.candidate)]

    def replace(self, candidates: Iterable[Candidate], longest_wait_s: Callable[[Candidate], float]) -> None:
        """Let these stand in line, and nobody else."""
        self.places = [Place(candidate, longest_wait_s(candidate)) for candidate in candidates]

    def rejoin(self, place: Place) -> None:
        """Put a candidate at the end again."""
        self.places.append(place)

    def ready(self) -> int:
        """How many wait for their first turn, as far as the decision knows."""
        return sum(place.candidate.deferral is None and place.not_before == 0.0 for place in self.places)

    async def _first_admitted(self, *, patient: bool = True) -> Turn | None:
        self.held = []
        for place in tuple(self.places):
            turn = await self._admitted(place, await Now(), patient=patient)
            if turn is not None:
                return turn
            await self._tell_passed(place)
        return None

    async def _tell_passed(self, place: Place) -> None:
        """Tell of one who is kept back, unless the decision or a failure told that already."""
        if place.candidate.deferral is not None or place.not_before or not self.held:
            return
        held, name = self.held[-1], place.candidate.deployment
        wait_s = max(0.0, held.until - await Now()) if isfinite(held.until) else None
        await self.pass_over(PassedOver(self.decision_id, name, held.reason, held.name, wait_s))

    async def pass_over(self, passed: PassedOver) -> None:
        """Tell of one who isn't asked, once for each reason."""
        if (passed.deployment, passed.reason) not in self.passed:
            self.passed[passed.deployment, passed.reason] = passed
            await Tell(passed)

    def why_not(self) -> tuple[str, ...]:
        """Who was passed over when its turn came, and why, in words."""
        return tuple(f"{passed.deployment}: {_words(passed)}" for passed in self.passed.values())

    async def _admitted(self, place: Place, now: float, *, force: bool = False, patient: bool = True) -> Turn | None:
        if place.not_before > now:
            self.held.append(Held(place, place.not_before, "limited"))
            return None
        identity = self.program.deployments[place.candidate.deployment].identity
        admission = await Admit(identity, now, self.program.health, force=force)
        if admission.granted:
            trial: AdmittedAs = "best guess" if force else "probe"
            return await self._booked(place, trial if admission.probe else "ready", patient=patient)
        tried, reason = admission.until <= now, admission.reason or "cooling"
        held = Held(place, admission.until, reason, admission.failure, tried=tried)
        if force:
            held = replace(held, guess_at=admission.guess_at, tried=admission.guess_at is None)
            self.held = [each for each in self.held if each.place is not place]
        self.held.append(held)
        return None

    async def _booked(self, place: Place, admitted_as: AdmittedAs, *, patient: bool) -> Turn | None:
        """The turn of one who was admitted, if there is room for it; else its admission is given back."""
        try:
            booked = await self._room(place.candidate, admitted_as, patient=patient)
        except GeneratorExit:
            raise
        except BaseException:
            await self._give_back(place, admitted_as, claimed=True)
            raise
        if isinstance(booked, Booking):
            self.places.remove(place)
            self.out.append(Turn(place, booked, admitted_as))
            return self.out[-1]
        await self._give_back(place, admitted_as, claimed=booked is not None)
        if booked is None:
            self.held.append(Held(place, await Now(), "cooling", tried=True))
        else:
            until = inf if booked.until is None else booked.until
            self.held.append(Held(place, until, booked.reason, name=booked.name))
        return None

    async def _room(self, candidate: Candidate, admitted_as: AdmittedAs, *, patient: bool) -> Booking | Unbooked | None:
        """Room for an attempt; `None` where it would be a probe, and other processes are making them."""
        identity = self.program.deployments[candidate.deployment].identity
        if admitted_as != "ready" and not await may_probe(self.accounts, identity, self.program.health):
            return None
        return await self.book(candidate, patient=patient)

    async def _give_back(self, place: Place, admitted_as: AdmittedAs, *, claimed: bool) -> None:
        """Let go of an admission of which nothing came; `claimed`: as a probe, it may be known to other processes."""
        identity, probe = self.program.deployments[place.candidate.deployment].identity, admitted_as != "ready"
        await Report(identity, await Now(), self.program.health, Outcome(probe=probe, asked=False))
        if probe and claimed:
            await say(self.accounts, identity, probed=True)

    def _worth_waiting(self, now: float) -> Held | None:
        """The first to be free of those that only a provider's own time keeps back."""
        limited = [
            held
            for held in self.held
            if held.reason == "limited" and held.until - now <= held.place.longest_wait_s and held.until < self.deadline
        ]
        return min(limited, key=lambda held: held.until, default=None)

    async def _best_guess(self) -> Turn | None:
        now = await Now()
        for held in [held for held in self.held if held.reason == "cooling"]:
            turn = await self._admitted(held.place, now, force=True)
            if turn is not None:
                return turn
        return None


def _words(passed: PassedOver) -> str:
    return _WHY[passed.reason].format(name=passed.name)
