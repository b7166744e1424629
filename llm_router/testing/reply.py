"""What the emulator is asked and what it answers, as values: no socket, no clock.

A reply is a status, headers and steps (bytes to send, pauses to keep) and how it ends. The HTTP server plays it over a
socket, the case runner feeds it to the engine in virtual time; both see the same faults.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

Ending = Literal["complete", "cut", "reset", "silence"]
"""How a reply ends: as HTTP wants it; the connection closed before the body was whole; reset; or never."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One HTTP request as it arrived. Header names are lower case; `path` may carry a query."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing is sent for `seconds`."""

    seconds: float


Step: TypeAlias = bytes | Pause


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back.

    `head_after_s` is the time in seconds before the status line. A reply whose `status` is None ends before its status
    line is sent. `streamed` bodies are sent step by step, each at once; the others as one body of known length.
    `lead` and `tail` count the steps of a stream before and after those that show something of the answer.
    `number` is the exchange's place in the emulator's log, from 1.
    """

    status: int | None
    headers: Mapping[str, str] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    ending: Ending = "complete"
    streamed: bool = False
    head_after_s: float = 0.0
    lead: int = 0
    tail: int = 0
    number: int = 0

    @property
    def body(self) -> bytes:
        """All bytes that are sent, without the pauses."""
        return b"".join(step for step in self.steps if isinstance(step, bytes))

    def paced(self, pause_s: float) -> Reply:
        """This reply with a pause of `pause_s` before each step of a stream."""
        if not self.streamed or pause_s <= 0:
            return self
        return replace(self, steps=tuple(part for step in self.steps for part in (Pause(pause_s), step)))
