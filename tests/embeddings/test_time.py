"""A call's deadline is for all of its batches, and an observer hears of each: in virtual time."""

from __future__ import annotations

import pytest

from llm_router.engine.driving.drive import run
from llm_router.engine.embedding.work import Work, embed
from llm_router.engine.events import AttemptFinished, DecisionMade
from llm_router.engine.loading import Loaded, Origin, loaded
from llm_router.errors import TimedOut
from llm_router.policy.hints import Hints
from llm_router.testing import Emulator, Performer, Say, VirtualClock, emulated

SPEC = """\
version: 1
rules: [{use: "openai:gpt-4o-mini"}]
embeddings:
  docs: {use: "openai:text-embedding-3-small", batch: 1, timeouts: {total: 25s}}
"""
TEXTS = ("one", "two", "three")


def performer(delay_s: float) -> Performer:
    """Providers that take so long for each request."""
    clock = VirtualClock()
    return Performer(Emulator({"*": Say(delay_s=delay_s)}, clock=clock), clock)


def work(**hints: object) -> Work:
    """Three texts, each a batch of its own."""
    made = loaded(Origin("spec.yaml", text=SPEC), emulated("http://emulator", variables={}))
    assert isinstance(made, Loaded)
    said = Hints.read(hints, made.program)
    return Work(made.program, made.wiring, made.program.embeddings["docs"], TEXTS, said, "request", 1536)


def test_without_a_deadline_batches_take_the_time_that_they_take() -> None:
    found = run(embed(work()), performer(20.0))
    assert [answer.duration_s for answer in found.answers] == [20.0, 20.0, 20.0]


def test_the_deadline_of_a_call_is_for_all_its_batches() -> None:
    slow = performer(20.0)
    with pytest.raises(TimedOut, match="the request's deadline passed"):
        run(embed(work(timeout="30s")), slow)
    finished = [event.report.duration_s for event in slow.events if isinstance(event, AttemptFinished)]
    assert finished == [20.0, 10.0]


def test_a_section_has_timeouts_of_its_own() -> None:
    with pytest.raises(TimedOut, match="no whole answer within 25s"):
        run(embed(work()), performer(26.0))


def test_each_batch_is_a_request_of_its_own() -> None:
    quick = performer(0.0)
    run(embed(work()), quick)
    decisions = [event.decision for event in quick.events if isinstance(event, DecisionMade)]
    assert [decision.rule for decision in decisions] == ["embeddings.docs"] * 3
    assert len({decision.id for decision in decisions}) == 3
