"""Who is asked next: the candidates of one request, in line, each admitted just before its turn.

Ready candidates go first. One that a provider's own time keeps back is passed over at once, and waited for only when
nobody else is left. When all that is left cools, the first of them is asked all the same: a best guess is better than
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

from llm_router.engine.effects import Admit, Now, Sleep, Tell
from llm_router.engine.events import Waiting
from llm_router.errors import FailureClass
from llm_router.policy.decision import Candidate
from llm_router.policy.program import Program


@dataclass(frozen=True, slots=True)
class Place:
    """A candidate in line. It isn't asked before `not_before`, and waited for at most `longest_wait_s`."""

    candidate: Candidate
    longest_wait_s: float = 0.0
    not_before: float = 0.0


@dataclass(frozen=True, slots=True)
class Turn:
    """A candidate that may be asked now; `probe` is that of its admission."""

    place: Place
    probe: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """A candidate that may not be asked at `until`'s near side, and why."""

    place: Place
    until: float
    reason: Literal["limited", "cooling"]
    failure: FailureClass | None = None


@dataclass(slots=True)
class Line:
    """The candidates that one request may still ask. `held` tells, after a turn was looked for, who was kept back."""

    program: Program
    decision_id: str
    deadline: float
    places: list[Place] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)

    async def next(self) -> Turn | None:
        """The next candidate, admitted and out of the line; `None` when nobody can be asked in time."""
        while True:
            turn = await self._first_admitted()
            if turn is not None or not self.held:
                return turn
            soonest = self._worth_waiting(await Now())
            if soonest is None:
                return await self._best_guess()
            await Tell(Waiting(self.decision_id, soonest.place.candidate.deployment, soonest.until - await Now()))
            await Sleep(soonest.until)

    async def again(self, place: Place) -> Turn | None:
        """Another turn for one who is out of the line."""
        self.places.insert(0, place)
        turn = await self._admitted(place, await Now())
        if turn is None:
            self.places.remove(place)
        return turn

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

    async def _first_admitted(self) -> Turn | None:
        self.held = []
        now = await Now()
        for place in tuple(self.places):
            turn = await self._admitted(place, now)
            if turn is not None:
                return turn
        return None

    async def _admitted(self, place: Place, now: float, *, force: bool = False) -> Turn | None:
        if place.not_before > now:
            self.held.append(Held(place, place.not_before, "limited"))
            return None
        identity = self.program.deployments[place.candidate.deployment].identity
        admission = await Admit(identity, now, self.program.health, force=force)
        if admission.granted:
            self.places.remove(place)
            return Turn(place, admission.probe)
        if not force:
            self.held.append(Held(place, admission.until, admission.reason or "cooling", admission.failure))
        return None

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
