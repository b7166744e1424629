"""What a request has cost up to now: exact for attempts that are over, estimated for the one under way."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TypeAlias

from llm_router.catalog.price import Price
from llm_router.catalog.tokens import count_text
from llm_router.messages import ReasoningDelta, RefusalDelta, StreamEvent, TextDelta, ToolCallDelta, Usage, UsageReport
from llm_router.state.entry import Entry
from llm_router.units import to_usd

Listener: TypeAlias = Callable[[Entry], None]
"""Hears of each attempt that is over; runs where the request runs, in any thread."""


@dataclass(frozen=True, slots=True)
class Running:
    """An attempt under way: whose price it has, and how many tokens it probably reads."""

    model: str
    price: Price | None
    input_tokens: int


@dataclass(slots=True)
class Meter:
    """The attempts of one request, by number, and what was said in the one that writes. `listeners` hear of each."""

    listeners: tuple[Listener, ...] = ()
    entries: list[Entry] = field(default_factory=list)
    running: dict[int, Running] = field(default_factory=dict)
    pieces: list[str] = field(default_factory=list)
    usage: Usage = Usage()

    def begin(self, number: int, running: Running) -> None:
        """An attempt begins; what was said before belongs to others."""
        self.running[number] = running
        self.pieces, self.usage = [], Usage()

    def close(self, number: int, entry: Entry) -> None:
        """An attempt is over, and this is what it came to."""
        self.running.pop(number, None)
        self.entries.append(entry)
        for listener in self.listeners:
            listener(entry)

    def hear(self, event: StreamEvent) -> None:
        """Take note of what an event of the stream shows."""
        match event:
            case TextDelta(text=text) | ReasoningDelta(text=text) | RefusalDelta(text=text):
                self.pieces.append(text)
            case ToolCallDelta(arguments=arguments):
                self.pieces.append(arguments)
            case UsageReport(usage):
                self.usage = usage
            case _:
                return

    def usd_so_far(self, at: float) -> Decimal | None:
        """US dollars up to now (`at`, epoch seconds); `None` where the price of an attempt isn't known."""
        under_way = list(self.running.values())
        estimates = [self._estimate(each, at, writes=each is under_way[-1]) for each in under_way]
        costs = [*(entry.cost for entry in self.entries), *estimates]
        known = [cost for cost in costs if cost is not None]
        return to_usd(sum(known)) if len(known) == len(costs) else None

    def _estimate(self, running: Running, at: float, *, writes: bool) -> int | None:
        """What an attempt costs if it ends now, by what was reported of it, else by the text so far."""
        if running.price is None:
            return None
        said = self.usage if writes else Usage()
        written = count_text("".join(self.pieces), running.model).value if writes and self.pieces else 0
        read = running.input_tokens if said.input is None else said.input
        usage = replace(said, input=read, output=max(said.output or 0, written))
        cost = running.price.cost(usage, datetime.datetime.fromtimestamp(at, datetime.UTC))
        return None if cost is None else cost.total
