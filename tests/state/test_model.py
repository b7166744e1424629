"""Each store, asked anything in any order, does what a simple model of it does."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule
from typing_extensions import override

from llm_router.policy.program import Window
from llm_router.state.entry import Entry
from llm_router.state.frames import frame
from llm_router.state.store import NEVER, Claim, Frame, Level, Reserved
from llm_router.state.totals import DAY_S, Query
from tests.state.stores import KINDS, NOW, opening, store_of

ACCOUNTS = ("day", "minute", "rolling", "under way")
WINDOWS = (Window("day"), Window("duration", 60), Window("rolling", 600), None)
CAPACITY = 10**16
AMOUNTS = st.integers(0, 12).map(lambda number: number * CAPACITY // 10 + number)


def frames(now: float) -> dict[str, Frame]:
    return {name: frame(window, "UTC", now) for name, window in zip(ACCOUNTS, WINDOWS, strict=True)}


@dataclass
class Model:
    """What was charged, as a list; what is open, by ticket; the ledger."""

    charges: list[tuple[str, int, int]] = field(default_factory=list)
    open: dict[str, tuple[tuple[Claim, ...], Entry, float]] = field(default_factory=dict)
    ledger: list[Entry] = field(default_factory=list)

    def level(self, account: str, frame: Frame) -> Level:
        claims = [each for claims, _, _ in self.open.values() for each in claims if each.account == account]
        counts = [each.amount for each in claims if each.held or each.frame.newest >= frame.oldest]
        settled = [amount for name, bucket, amount in self.charges if name == account and bucket >= frame.oldest]
        return Level(sum(settled), sum(counts))

    def fits(self, claims: tuple[Claim, ...]) -> bool:
        levels = [self.level(each.account, each.frame) for each in claims]
        return all(
            level.settled + level.open + each.amount <= each.capacity
            for each, level in zip(claims, levels, strict=True)
        )

    def settle(self, ticket: str, amounts: dict[str, int], entry: Entry | None) -> None:
        claims, _, _ = self.open.pop(ticket, ((), entry, 0.0))
        for each in claims:
            amount = 0 if each.held else amounts.get(each.account, each.amount)
            self.charges.append((each.account, each.frame.newest, amount))
        self.ledger += [entry] if entry else []

    def sweep(self, now: float) -> None:
        for ticket, (_, opened, expires) in list(self.open.items()):
            if expires <= now:
                self.settle(ticket, {}, replace(opened, outcome="lost", basis="reserved"))


class AnyOrder(RuleBasedStateMachine):
    """The machine; its kind of store comes with a subclass."""

    kind = "memory"
    tickets: Bundle[str] = Bundle("tickets")

    @initialize()
    def begin(self) -> None:
        self.model, self.now, self.number = Model(), NOW, 0
        self.folder = tempfile.TemporaryDirectory()
        self.opened = store_of(self.kind, Path(self.folder.name))
        self.store = self.opened.__enter__()

    @override
    def teardown(self) -> None:
        self.opened.__exit__(None, None, None)
        self.folder.cleanup()

    def entry(self) -> Entry:
        self.number += 1
        return opening(self.number, at=self.now, duration_s=0.5, provider="pq"[self.number % 2])

    @rule(
        target=tickets,
        amounts=st.dictionaries(st.sampled_from(ACCOUNTS), AMOUNTS, max_size=3),
        lasts=st.sampled_from([1, 30, 3000]),
    )
    def reserve(self, amounts: dict[str, int], lasts: int) -> str:
        self.model.sweep(self.now)
        now = frames(self.now)
        claims = tuple(
            Claim(name, amount, CAPACITY, now[name], held=name == "under way") for name, amount in amounts.items()
        )
        entry = self.entry()
        made = self.store.reserve(claims, entry, now=self.now, expires=self.now + lasts)
        assert isinstance(made, Reserved) == self.model.fits(claims)
        if not isinstance(made, Reserved):
            assert (made.until == NEVER) == any(each.amount > CAPACITY for each in claims)
            return "none"
        self.model.open[made.ticket] = claims, entry, self.now + lasts
        return made.ticket

    @rule(ticket=consumes(tickets), amount=AMOUNTS, account=st.sampled_from(ACCOUNTS), again=st.booleans())
    def settle(self, ticket: str, amount: int, account: str, again: bool) -> None:
        entry = self.entry()
        for _ in range(1 + again):
            self.store.settle(ticket, {account: amount}, entry, now=self.now)
        if ticket in self.model.open:
            self.model.settle(ticket, {account: amount}, entry)

    @rule(ticket=consumes(tickets))
    def release(self, ticket: str) -> None:
        nothing = dict.fromkeys(ACCOUNTS, 0)
        self.store.settle(ticket, nothing, None, now=self.now)
        self.model.settle(ticket, nothing, None)

    @rule(seconds=st.sampled_from([0.5, 10, 31, 61, 601, 43_200]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def record(self) -> None:
        entry = self.entry()
        self.store.record(entry)
        self.model.ledger.append(entry)

    @rule()
    def prune(self) -> None:
        before = {total.key: total for total in self.store.totals(Query(0, 1e11, ("provider", "outcome")))}
        today = self.now // DAY_S * DAY_S
        pruned = self.store.prune(self.now)
        assert pruned == sum(entry.at < today for entry in self.model.ledger)
        self.model.ledger = [entry for entry in self.model.ledger if entry.at >= today]
        after = {total.key: total for total in self.store.totals(Query(0, 1e11, ("provider", "outcome")))}
        assert after == before

    @invariant()
    def agrees(self) -> None:
        self.model.sweep(self.now)
        now = frames(self.now)
        expected = {name: self.model.level(name, each) for name, each in now.items()}
        assert dict(self.store.levels(now, now=self.now)) == expected
        ids = [entry.decision_id for entry in self.store.entries(0, 1e11)]
        assert sorted(ids) == sorted(entry.decision_id for entry in self.model.ledger)


@pytest.mark.parametrize("kind", KINDS)
def test_every_store_does_as_the_model_does(kind: str) -> None:
    machine: type[AnyOrder] = type(f"AnyOrder_{kind}", (AnyOrder,), {"kind": kind})
    examples = {"memory": 80, "sqlite": 25, "redis": 25, "postgres": 12}[kind]
    case = machine.TestCase
    case.settings = settings(
        max_examples=examples,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    case("runTest").runTest()
