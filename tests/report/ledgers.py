"""Ledgers to report on, with everything that a page has to cope with; made from a seed, so always the same."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from llm_router.errors import FailureClass
from llm_router.messages import Usage
from llm_router.policy.charges import UNLIMITED, budget_account
from llm_router.policy.compile import compile_spec
from llm_router.policy.program import Program
from llm_router.spec.read import read
from llm_router.state.entry import Entry
from llm_router.state.frames import frame
from llm_router.state.memory import MemoryStore
from llm_router.state.store import Claim, Reserved, Store
from llm_router.state.totals import DAY_S

NOW = 1_795_089_600.0
"""A Thursday, 2026-11-19 12:00:00 UTC."""
DOLLAR = 10**12

SPEC = """\
version: 1
name: support-desk
timezone: Europe/Berlin
rules:
  - use: [openai:gpt-4o-mini, groq:llama-3.3-70b-versatile]
budgets:
  - {name: monthly, amount: 400 USD, every: month, warn_at: 80%}
  - {name: openai-week, amount: 60 USD, every: week, for: {provider: openai}}
  - {name: today, amount: 2 USD, every: day}
  - {name: each-user, amount: 20 USD, within: 7d, per: user}
cache:
  exact: {keep: 1h, entries: 10k}
state: "sqlite:llm-router.db"
"""
SMALLEST = "version: 1\nrules:\n  - use: [openai:gpt-4o-mini, groq:llama-3.3-70b-versatile]\n"
LONG = "a-very-long-name-that-somebody-gave-to-a-thing-" + "in-a-generated-file-" * 4
HOSTILE = '<script>alert("x")</script><img src=x onerror=alert(1)>&amp;\'"'
FAILURES: tuple[FailureClass, ...] = ("rate_limit", "timeout", "overloaded")


@dataclass(frozen=True, slots=True)
class Ledger:
    """What to invent: so many days up to today, deployments, and requests a day; names are plain, long or hostile.

    Costs are times `worth`.
    """

    days: int = 30
    deployments: int = 4
    requests: int = 40
    names: str = "plain"
    worth: float = 1.0

    def entries(self) -> Iterator[Entry]:
        """All entries, the oldest first."""
        chance = random.Random(7)
        for day in range(self.days - 1, -1, -1):
            busy = self.requests if (day + 4) % 7 > 1 else self.requests // 4
            yield from self._of_day(chance, NOW - day * DAY_S, max(1, busy), day)

    def _of_day(self, chance: random.Random, noon: float, busy: int, day: int) -> Iterator[Entry]:
        for number in range(busy):
            yield from self._request(chance, noon - chance.random() * 30_000, f"d{day}-{number}")

    def _request(self, chance: random.Random, at: float, decision_id: str) -> Iterator[Entry]:
        place = min(int(chance.expovariate(0.7)), self.deployments - 1)
        failed = chance.random() < 0.06
        if failed:
            yield self._entry(chance, at, decision_id, place, outcome="failed", failure=chance.choice(FAILURES))
            place = (place + 1) % self.deployments
        if chance.random() < 0.12:
            yield self._entry(
                chance, at, decision_id, place, outcome="cached", saved=int(DOLLAR * self.worth) // 20, mark="cache"
            )
            return
        cost = int(chance.lognormvariate(-2.2, 1.0) * DOLLAR * self.worth * (0.4 + 1 / (1 + place)))
        times = (chance.lognormvariate(-1, 0.4), chance.lognormvariate(0.4 + place / 20, 0.6))
        yield self._entry(
            chance,
            at + 1,
            decision_id,
            place,
            outcome="ok",
            cost=cost,
            basis="reported",
            attempt=1 + failed,
            usage=Usage(input=chance.randrange(4000), output=chance.randrange(900), cache_read=chance.randrange(300)),
            first_token_s=times[0],
            duration_s=times[1],
        )

    def _entry(self, chance: random.Random, at: float, decision_id: str, place: int, **said: object) -> Entry:
        values: dict[str, object] = {
            "at": at,
            "decision_id": decision_id,
            "rule": self._name(("code", "cheap questions", "long documents", "otherwise")[place % 4]),
            "provider": self._name(("openai", "anthropic", "groq", "mistral", "gemini", "cohere", "xai")[place % 7]),
            "deployment": self._name(f"deployment-{place + 1}"),
            "model": self._name(f"model-{place + 1}"),
            "cost": 0,
            "basis": "free",
            "user": self._name(f"user-{chance.randrange(9)}"),
            "metadata": {"team": self._name("search")},
            "tags": (self._name("production"),),
            "prompt": "a prompt that nobody may see",
        }
        return Entry(**(values | said))  # type: ignore[arg-type]  # fields of their own types

    def _name(self, plain: str) -> str:
        return {"plain": plain, "long": f"{plain}-{LONG}", "hostile": f"{plain} {HOSTILE}"}[self.names]


def filled(ledger: Ledger | None, store: Store | None = None) -> Store:
    """A store (in memory, unless one is given) with a ledger, or with none."""
    there = store or MemoryStore()
    for entry in () if ledger is None else ledger.entries():
        there.record(entry)
    return there


def charged(store: Store, program: Program, spent: Mapping[str, int], held: int = 0) -> Store:
    """The store, with so many picodollars charged to the accounts of budgets, and a request under way in each."""
    for budget in program.budgets:
        for amount, settled in ((spent.get(budget.name, 0), True), (held, False)):
            window = frame(budget.window, program.timezone, NOW)
            claim = Claim(budget_account(budget).key, amount, UNLIMITED, window)
            made = store.reserve([claim], Entry(NOW, "held"), now=NOW, expires=NOW + 600)
            assert isinstance(made, Reserved)
            if settled:
                store.settle(made.ticket, {}, None, now=NOW)
    return store


def program_of(spec: str = SPEC) -> Program:
    """The program of a spec that compiles."""
    program, found = compile_spec(read(spec, "llm-router.yaml"))
    assert program is not None, found
    return program
