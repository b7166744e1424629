"""Every fault, under both drivers and a clock of our own: what the caller saw, what the providers, and what is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from math import inf

import pytest

from llm_router.engine.events import (
    AttemptFinished,
    AttemptStarted,
    DecisionMade,
    Event,
    FellBack,
    HealthChanged,
    RequestDone,
    Retrying,
    Waiting,
)
from llm_router.errors import FAILURE_CLASSES, AttemptReport, ProviderError
from llm_router.messages import Assembly
from llm_router.testing.faults import FAULTS
from tests.engine.world import Driver, Seen, World
from tests.faults.matrix import FILE, FRAMEWORKS, Cell, cells, within

CELLS = [cell for dialect in FILE["dialects"] for cell in cells(dialect)]
SAME = {"reset": "connection_lost", "silence": "timeout", "cut": "truncated", "rate_limit": "limited for a while"}
"""Faults that are another one by a second name."""


@pytest.mark.parametrize("driver", ["thread", "task"])
@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_a_cell_is_as_it_says(cell: Cell, driver: Driver) -> None:
    world = World(cell.case())
    seen = world.ask(stream=cell.streamed, driver=driver)
    _check_caller(cell, seen)
    _check_providers(cell, world, seen)
    _check_records(cell, world, reports(seen))
    _check_events(world.performer.events, reports(seen), seen)
    _check_health(cell, world)


def reports(seen: Seen) -> Sequence[AttemptReport]:
    if seen.answer is not None:
        return seen.answer.attempts
    assert isinstance(seen.error, ProviderError)
    return seen.error.attempts


def _check_caller(cell: Cell, seen: Seen) -> None:
    """An answer is whole, and a stream spells it once; an error carries what the caller has of the text."""
    passed_on = Assembly()
    for event in seen.emitted:
        passed_on.add(event)
    assert seen.outcome == cell.caller, seen.error
    if seen.answer is not None:
        assert cell.structured or seen.answer.text == cell.answer
        assert passed_on.text == seen.answer.text * cell.streamed
        continued = [each.deployment for each, after in pairwise(seen.answer.attempts) if after.mark == "continued"]
        assert list(seen.answer.continued_from) == continued
    else:
        assert isinstance(seen.error, ProviderError)
        assert bool(seen.error.partial_text) == (cell.expected["text"] == "some")
        assert passed_on.text == seen.error.partial_text * cell.streamed
        assert passed_on.finish_reason is None


def _check_providers(cell: Cell, world: World, seen: Seen) -> None:
    asked, expected = [entry.deployment for entry in world.emulator.log], cell.expected["asked"].split()
    assert len(asked) == len(expected)
    assert all(wanted in ("?", name) for name, wanted in zip(asked, expected, strict=True)), asked
    assert all(map(within, seen.gaps, cell.expected["gaps"])), seen.gaps
    assert len(seen.gaps) == len(cell.expected["gaps"])
    assert within(seen.elapsed_s, cell.expected["took"]), seen.elapsed_s


def _check_records(cell: Cell, world: World, told: Sequence[AttemptReport]) -> None:
    """Reports and ledger say the same, of every attempt; no reservation is left."""
    assert [f"{each.failure or each.outcome} {each.cost_basis} {each.mark}".strip() for each in told] == cell.told
    assert [each.deployment for each in told] == [entry.deployment for entry in world.emulator.log]
    entries = list(world.wiring.accounts.store.entries(0, inf))
    assert [(each.deployment, each.outcome, each.failure, each.basis, each.cost) for each in entries] == [
        (each.deployment, each.outcome, each.failure, each.cost_basis, each.cost) for each in told
    ]
    assert [each.attempt for each in entries] == [each.number for each in told] == list(range(1, len(told) + 1))
    assert all((each.cost == 0) == (each.basis == "free") for each in entries)


def _check_events(events: Sequence[Event], told: Sequence[AttemptReport], seen: Seen) -> None:
    """A decision, each attempt begun and ended, a word about every step between two, and the end."""
    kinds = Counter(type(event) for event in events)
    assert isinstance(events[0], DecisionMade)
    assert isinstance(events[-1], RequestDone)
    assert (events[-1].outcome == "answered") == (seen.answer is not None)
    assert events[-1].failure == (None if seen.answer is not None else seen.outcome)
    assert events[-1].attempts == len(told)
    assert events[-1].duration_s == pytest.approx(seen.elapsed_s)
    assert [event.number for event in events if isinstance(event, AttemptStarted)] == [each.number for each in told]
    assert [event.report for event in events if isinstance(event, AttemptFinished)] == list(told)
    steps = [each.deployment == after.deployment for each, after in pairwise(told)]
    assert kinds[FellBack] == steps.count(False)
    assert kinds[Retrying] <= steps.count(True) <= kinds[Retrying] + kinds[Waiting]  # one that was waited for may be it
    assert kinds[Waiting] <= 2


def _check_health(cell: Cell, world: World) -> None:
    """Who is kept back for other requests: those whose key or account is no good, and those who said when."""
    now, wall = world.clock.monotonic(), world.clock()
    snapshot = world.performer.book.observe(now, wall)
    failed = {event.report.deployment: event.report for event in _finished(world) if event.report.outcome == "failed"}
    names = {world.program.deployments[name].identity: name for name in "abc"}
    out = {name for name, report in failed.items() if cell.row.get("cools") or report.failure == "permission"}
    assert {names[identity] for identity in snapshot.cooling} == out
    changed = {event.deployment for event in world.performer.events if isinstance(event, HealthChanged)}
    assert changed >= out
    left_s = {name: report.started_s + cell.row.get("left_alone", 0) - now for name, report in failed.items()}
    assert {names[identity] for identity in snapshot.limited} == {name for name in left_s if left_s[name] > 0} - out
    assert snapshot.in_flight == {}


def _finished(world: World) -> list[AttemptFinished]:
    return [event for event in world.performer.events if isinstance(event, AttemptFinished)]


def test_the_matrix_knows_every_class_and_every_fault() -> None:
    assert {cell.failure for cell in CELLS} - {""} == set(FAILURE_CLASSES) == set(FRAMEWORKS)
    named = {cell.row.get("name", cell.row["fault"]) for cell in CELLS}
    assert {SAME.get(fault, fault) for fault in FAULTS} <= named
