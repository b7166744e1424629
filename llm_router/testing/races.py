"""Races in virtual time: the legs take turns by the instants at which what they wait for has come.

So the same race ends the same way at every run, and takes no time. Each leg is performed on the one clock, which is set
to the leg's own instant; of several legs that are due, the first in the race's order goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from llm_router.engine.driving.drive import finish
from llm_router.engine.driving.race import Race, Raced, Rest
from llm_router.engine.effects import Cancelled, Close, Decided, Effect, Emit, Reply, Script, StoreEffect
from llm_router.engine.storing import AccountEffect
from llm_router.testing.clock import VirtualClock

Perform = Callable[[Effect[Any]], Any]


@dataclass(slots=True)
class _Leg:
    """A leg that waits until `due` for what it goes on with: a value, or an error to be raised in it."""

    script: Script[Any]
    due: float
    value: Any = None
    error: Exception | None = None
    begun: bool = False
    asked: Effect[Any] | None = None

    def go_on(self) -> Effect[Any]:
        """The effect that it asks for next. Raises StopIteration at its end."""
        self.begun = True
        if self.error is not None:
            error, self.error = self.error, None
            return self.script.throw(error)
        return self.script.send(self.value)

    def perform(self, effect: Effect[Any], perform: Perform, clock: VirtualClock) -> None:
        """Perform it, and note when it is done."""
        self.value, self.asked = None, effect
        try:
            self.value = perform(effect)
        except Exception as error:
            self.error = error
        self.due = clock.elapsed

    def end(self, perform: Perform) -> None:
        """End it as the drivers do: an act that was performed is told, a reply whose time didn't come is closed.

        One that never began has nothing to tidy up.
        """
        if not self.begun:
            self.script.close()
        elif not isinstance(self.asked, AccountEffect | StoreEffect) or self._told():
            if isinstance(self.value, Reply):
                perform(Close(self.value))
            finish(self.script, perform)

    def _told(self) -> bool:
        """Whether it goes on, once it knows what came of the act."""
        try:
            self.go_on().drop()
        except (Exception, Cancelled):
            return False
        return True


def race_in_turns(race: Race[Any], perform: Perform, clock: VirtualClock) -> Raced[Any]:
    """How the race ends; the clock stands at the instant at which it does."""
    legs = [_Leg(script, clock.elapsed) for script in race.legs]
    ended: list[Any] = []
    try:
        return _run(legs, ended, race, perform, clock)
    finally:
        now = clock.elapsed
        for leg in legs:
            leg.end(perform)
        clock.elapsed = now


def _run(legs: list[_Leg], ended: list[Any], race: Race[Any], perform: Perform, clock: VirtualClock) -> Raced[Any]:
    """Let the leg go on that is due first, until one has won or all have ended."""
    while legs:
        leg = min(legs, key=lambda each: each.due)
        clock.elapsed = leg.due
        try:
            effect = leg.go_on()
        except StopIteration as end:
            legs.remove(leg)
            ended.append(end.value)
            if race.decides(end.value):
                break
            continue
        if isinstance(effect, Decided | Emit):
            assert isinstance(effect, Emit)  # INVARIANT: a leg doesn't decide
            legs.remove(leg)
            return Raced(tuple(ended), Rest(leg.script, effect))
        leg.perform(effect, perform, clock)
    return Raced(tuple(ended))
