"""A provider that draws what it does, with a bill of its own for it; and the ledger held against the bill."""

from __future__ import annotations

import random
import re
import threading
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from typing_extensions import override

from llm_router.messages import Usage
from llm_router.state.entry import Entry
from llm_router.testing import Emulator, Fault, Say
from llm_router.testing.question import Question
from llm_router.testing.reply import Asked, Reply
from llm_router.testing.script import Given, answer
from tests.money.traffic import USERS

RUN = re.compile(rb"run-[0-9a-f]+-[0-9]+")
UNBILLED = ("rate_limit", "unavailable", "overloaded")
"""Faults in which a provider does nothing for the request."""
BILLED = ("cut", "ends_early", "malformed", "stall", "reset_after_headers", "reset", "error_in_stream")
"""Faults that come too late: the answer was written, and is on the bill."""
TURNS = (*("ok",) * 12, "filtered_answer", *UNBILLED, *BILLED)
MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Line:
    """What a provider bills for one request, in picodollars."""

    run: str
    user: str
    deployment: str
    cost: int


class Provider(Emulator):
    """Draws each turn by the run that asks and how often it did. `arrived` hears of each request before its reply."""

    def __init__(
        self, prices: Mapping[str, Mapping[str, float]], arrived: Callable[[str], None] = lambda _: None
    ) -> None:
        super().__init__({"*": self._turn_of}, pace_s=0.01)
        self.bill: list[Line] = []
        self._prices = prices
        self._arrived = arrived
        self._under_way = threading.local()
        self._drawn: Counter[str] = Counter()

    @override
    def answer(self, asked: Asked) -> Reply:
        """The reply. Who asks is told somewhere in the messages, the last of which may be the router's own."""
        named = RUN.search(asked.body)
        self._under_way.run = named.group().decode() if named else ""
        self._under_way.user = next(user for user in USERS if f"I am {user}".encode() in asked.body)
        return super().answer(asked)

    def _turn_of(self, question: Question) -> Given:
        run: str = self._under_way.run
        self._drawn[run] += 1
        chance = random.Random(f"{run} {self._drawn[run]}")
        turn = chance.choice(TURNS)
        said = _said(chance, turn, question)
        self._charge(question, said, nothing=turn in UNBILLED)
        self._arrived(run)
        return said if turn == "ok" else Fault(turn)

    def _charge(self, question: Question, said: Say, *, nothing: bool) -> None:
        usage, deployment = answer(question, said, 0).usage, question.deployment or ""
        cost = 0 if nothing else cost_of(self._prices[deployment], usage)
        self.bill.append(Line(self._under_way.run, self._under_way.user, deployment, cost))


def _said(chance: random.Random, turn: str, question: Question) -> Say:
    if turn == "filtered_answer":
        return Say("This answer was", finish_reason="content_filter")
    if turn != "ok":
        return Say()
    delay_s = chance.choice((0.0, 0.01, 0.1, 0.2))
    return Say(
        "it scatters what is blue more than it scatters what is red", usage=_usage(chance, question), delay_s=delay_s
    )


def _usage(chance: random.Random, question: Question) -> Usage:
    """Any usage that such a request can have."""
    read, written = chance.randrange(1, 20), chance.randrange(1, 101)
    cached = chance.randrange(read)
    created = chance.randrange(read - cached) if question.dialect == "anthropic" else 0
    thought = chance.randrange(written)
    return Usage(input=read, output=written, cache_read=cached, cache_creation=created, reasoning=thought)


def cost_of(prices: Mapping[str, float], usage: Usage) -> int:
    """Picodollars of this usage, added up as on an invoice: line by line, in decimals."""
    cached, created, thought = usage.cache_read or 0, usage.cache_creation or 0, usage.reasoning or 0
    lines = {
        "input": (usage.input or 0) - cached - created,
        "cache_read": cached,
        "cache_creation": created,
        "output": (usage.output or 0) - thought,
        "reasoning": thought,
    }
    return int(sum(count * Decimal(str(prices[kind])) * MILLION for kind, count in lines.items() if count))


@dataclass(frozen=True, slots=True)
class Books:
    """Bill and ledger side by side, and what is on the bill alone."""

    pairs: tuple[tuple[Line, Entry], ...]
    missing: tuple[Line, ...]

    @classmethod
    def of(cls, bill: Iterable[Line], entries: Iterable[Entry]) -> Books:
        """Both, matched: what a run asks of a deployment arrives there in the order of its attempts."""
        written: dict[tuple[str | None, str], deque[Entry]] = defaultdict(deque)
        for entry in sorted(entries, key=lambda each: each.attempt):
            written[entry.run, entry.deployment].append(entry)
        pairs, missing = [], []
        for line in bill:
            left = written[line.run, line.deployment]
            pairs += [(line, left.popleft())] if left else []
            missing += [] if pairs and pairs[-1][0] is line else [line]
        return cls(tuple(pairs), tuple(missing))

    def reported(self) -> tuple[int, int]:
        """Picodollars of the attempts whose usage was reported: by the bill, and by the ledger."""
        sure = [(line.cost, entry.cost or 0) for line, entry in self.pairs if entry.basis == "reported"]
        return sum(cost for cost, _ in sure), sum(cost for _, cost in sure)

    def below(self) -> list[tuple[Line, Entry]]:
        """Attempts of which the ledger says less than the bill."""
        return [(line, entry) for line, entry in self.pairs if (entry.cost or 0) < line.cost]
