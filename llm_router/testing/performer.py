"""Performs the engine's effects without network, threads or waiting: a clock that is moved, and the emulator's core.

So a request runs through the real scripts, codecs, classification and fallback, and an outage of minutes takes no time.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from llm_router.engine.driving.race import Race
from llm_router.engine.effects import (
    Close,
    Decided,
    Effect,
    Emit,
    Expired,
    Lost,
    Now,
    Open,
    Read,
    Reply,
    Sleep,
    StoreEffect,
    Tell,
    WallTime,
)
from llm_router.engine.events import Event
from llm_router.engine.storing import AccountEffect, Park
from llm_router.messages import StreamEvent
from llm_router.state.health import HealthBook
from llm_router.testing import reply as scripted
from llm_router.testing.clock import VirtualClock
from llm_router.testing.emulator import Emulator
from llm_router.testing.races import race_in_turns
from llm_router.wire.codec import HttpRequest


@dataclass(slots=True)
class _Body:
    """What is still to come of a reply."""

    steps: deque[scripted.Step]
    ending: scripted.Ending


class Performer:
    """Performs one request's effects after another; `events` and `emitted` keep what observers and callers heard."""

    def __init__(self, emulator: Emulator, clock: VirtualClock) -> None:
        self.book = HealthBook()
        self.events: list[Event] = []
        self.emitted: list[StreamEvent] = []
        self._emulator = emulator
        self._clock = clock

    def __call__(self, effect: Effect[Any]) -> Any:
        """The effect's result, as the drivers want it."""
        match effect:
            case Now():
                return self._clock.monotonic()
            case WallTime():
                return self._clock()
            case Sleep(until):
                return self._clock.advance_to(until)
            case Open(request, _, until):
                return self._open(request, until)
            case Read(reply, until):
                return self._read(reply.body, until)
            case StoreEffect():
                return effect.act(self.book)
            case AccountEffect():
                return effect.act()
            case Park(_, until):
                return self._clock.advance_to(until)
            case Race():
                return race_in_turns(effect, self, self._clock)
            case _:
                return self._keep(effect)

    def _keep(self, effect: Effect[Any]) -> None:
        match effect:
            case Tell(event):
                self.events.append(event)
            case Emit(event):
                self.emitted.append(event)
            case Close() | Decided():
                return
            case _:
                raise TypeError(f"nobody performs {type(effect).__name__}")

    def _open(self, request: HttpRequest, until: float | None) -> Reply:
        reply = self._emulator.answer(_asked(request))
        self._pass(reply.head_after_s, until)
        if reply.status is None:
            raise self._broken(reply.ending, until)
        headers = {name.lower(): value for name, value in reply.headers.items()}
        return Reply(reply.status, headers, _Body(deque(reply.steps), reply.ending))

    def _read(self, body: _Body, until: float | None) -> bytes:
        while body.steps:
            step = body.steps.popleft()
            if isinstance(step, bytes):
                return step
            self._pass(step.seconds, until)
        if body.ending == "complete":
            return b""
        raise self._broken(body.ending, until)

    def _pass(self, seconds: float, until: float | None) -> None:
        """Let time pass. Raises Expired at `until`."""
        end = self._clock.monotonic() + seconds
        if until is not None and end > until:
            self._clock.advance_to(until)
            raise Expired
        self._clock.advance_to(end)

    def _broken(self, ending: scripted.Ending, until: float | None) -> Exception:
        """What an exchange raises that ends like this; silence lasts until the instant that ends it."""
        if ending == "silence":
            self._clock.advance_to(until or 0.0)
            return Expired()
        return Lost("the connection was reset" if ending == "reset" else "the connection was closed before the end")


def _asked(request: HttpRequest) -> scripted.Asked:
    parts = urlsplit(request.url)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    headers = {"host": parts.netloc, **{name.lower(): value for name, value in request.headers.items()}}
    return scripted.Asked(request.method, path, headers, request.body)
