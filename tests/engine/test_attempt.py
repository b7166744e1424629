"""One attempt against bytes of our own: how long the end of an answer is waited for, and how it is cut."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from llm_router.engine.driving.drive import Ended, advance, finish
from llm_router.engine.effects import Close, Effect, Emit, Expired, Lost, Now, Open, Read, Reply, WallTime
from llm_router.engine.results import Answered, Failed
from llm_router.engine.serving.attempt import FINISH_GRACE_S, Mode, Trial, attempt
from llm_router.messages import StreamEvent, TextDelta
from llm_router.policy.program import Timeouts
from llm_router.wire.codec import HttpRequest
from llm_router.wire.dialects import CODECS

NOON = datetime(2026, 8, 1, 12, tzinfo=UTC).timestamp()
TIMEOUTS = Timeouts(connect_s=5, first_token_s=10, stall_s=15, total_s=120)
REQUEST = HttpRequest("POST", "http://127.0.0.1:9/v1/chat/completions", {}, b"{}")


def chunk(content: str, finish: str = "null") -> bytes:
    return b'data: {"choices":[{"index":0,"delta":{"content":"%s"},"finish_reason":%s}]}\n\n' % (
        content.encode(),
        finish.encode(),
    )


DONE = b"data: [DONE]\n\n"


@dataclass(slots=True)
class Wire:
    """Gives its steps one by one: bytes, seconds that pass, or what is raised; after them nothing ever comes."""

    steps: list[bytes | float | Exception]
    now: float = 0.0
    slowness: float = 0.0
    reachable: bool = True
    emitted: list[StreamEvent] = field(default_factory=list)
    closed: list[bool] = field(default_factory=list)
    head: Reply = field(default_factory=lambda: Reply(200, {"content-type": "text/event-stream"}, None))

    def perform(self, effect: Effect[Any]) -> Any:
        match effect:
            case Now():
                return self.now
            case Open(_, connect_until):
                if not self.reachable:
                    self.now = connect_until or 0.0
                    raise Lost("no connection in time", unsent=True)
                return self.head
            case WallTime():
                return NOON
            case Read(_, until):
                return self._read(until or 0.0)
            case Close(_, whole):
                return self.closed.append(whole)
            case _:
                raise TypeError(effect)

    def _read(self, until: float) -> bytes:
        while True:
            step = self.steps.pop(0) if self.steps else 1e9
            if isinstance(step, bytes):
                return step
            if isinstance(step, Exception):
                raise step
            if self.now + step > until:
                self.now = until
                raise Expired
            self.now += step

    def run(self, mode: Mode = "passed", timeouts: Timeouts = TIMEOUTS) -> Answered | Failed:
        script = attempt(Trial(REQUEST, CODECS["openai"], mode, timeouts, 0.0, 300.0))
        while not isinstance(pause := advance(script, self.perform), Ended):
            assert isinstance(pause, Emit)
            self.emitted.append(pause.event)
            self.now += self.slowness
        return pause.value


def test_an_answer_that_has_ended_is_not_waited_for() -> None:
    wire = Wire([chunk("hello"), chunk("", '"stop"')])
    result = wire.run()
    assert isinstance(result, Answered)
    assert (result.response.text, result.ended) == ("hello", FINISH_GRACE_S)


@pytest.mark.parametrize("ending", [Lost("reset"), b"data: nonsense\n\n", 20.0])
def test_what_breaks_after_the_finish_reason_breaks_nothing(ending: bytes | float | Exception) -> None:
    result = Wire([chunk("hello"), chunk("", '"stop"'), ending]).run()
    assert isinstance(result, Answered)


def test_a_slow_consumer_is_no_stall_and_no_slow_model() -> None:
    wire = Wire([1.0, chunk("one"), 2.0, chunk("two"), 3.0, chunk("", '"stop"'), DONE], slowness=100.0)
    result = wire.run()
    assert isinstance(result, Answered)
    assert (result.first_content, result.writing_s) == (1.0, 5.0)


def test_pings_are_neither_a_first_token_nor_content() -> None:
    pings: list[bytes | float | Exception] = [4.0, b": ping\n\n"] * 5
    assert Wire([*pings, chunk("late")]).run().ended == 10.0
    result = Wire([chunk("soon"), *pings, chunk("late")]).run()
    assert isinstance(result, Failed)
    assert (result.failure.kind, result.failure.message) == ("timeout", "the stream stalled for 15s")


def test_the_end_is_passed_on_only_when_it_is_known_to_be_one() -> None:
    wire = Wire([chunk("hello"), chunk("", '"content_filter"'), DONE])
    result = wire.run()
    assert isinstance(result, Failed)
    assert result.committed
    assert [type(event) for event in wire.emitted if not isinstance(event, TextDelta)][1:] == []


@pytest.mark.parametrize(
    ("steps", "kind"),
    [([Lost("reset")], "connection_lost"), ([chunk(""), Lost("reset")], "truncated")],
)
def test_a_cut_answer_is_told_from_one_that_never_began(steps: list[Any], kind: str) -> None:
    result = Wire(steps).run()
    assert isinstance(result, Failed)
    assert result.failure.kind == kind
    assert not result.committed


@pytest.mark.parametrize(
    ("deadline", "kind", "message"),
    [
        (300.0, "connection_lost", "no connection in time"),
        (3.0, "timeout", "the request's deadline passed"),
    ],
)
def test_a_deadline_that_passes_while_it_connects_is_no_lost_connection(
    deadline: float, kind: str, message: str
) -> None:
    script = attempt(Trial(REQUEST, CODECS["openai"], "whole", TIMEOUTS, 0.0, deadline))
    ended = advance(script, Wire([], reachable=False).perform)
    assert isinstance(ended, Ended)
    assert isinstance(ended.value, Failed)
    assert (ended.value.failure.kind, ended.value.failure.message, ended.value.billed) == (kind, message, False)


def test_a_script_that_nobody_wants_closes_its_exchange() -> None:
    wire = Wire([chunk("hello")])
    script = attempt(Trial(REQUEST, CODECS["openai"], "passed", TIMEOUTS, 0.0, 300.0))
    assert isinstance(advance(script, wire.perform), Emit)
    finish(script, wire.perform)
    assert wire.closed == [False]


def test_a_script_that_is_thrown_away_makes_no_noise() -> None:
    wire = Wire([chunk("hello")])
    script = attempt(Trial(REQUEST, CODECS["openai"], "passed", TIMEOUTS, 0.0, 300.0))
    advance(script, wire.perform)
    script.close()
    assert wire.closed == []


@pytest.mark.parametrize(
    ("headers", "retry_after_s"),
    [
        ({"retry-after": "Sat, 01 Aug 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Sat, 01 Aug 2026 12:00:30 GMT", "date": "Sat, 01 Aug 2026 12:00:20 GMT"}, 10.0),
        (
            {"anthropic-ratelimit-tokens-remaining": "0", "anthropic-ratelimit-tokens-reset": "2026-08-01T12:00:20Z"},
            20.0,
        ),
    ],
)
def test_an_instant_counts_from_the_replys_own_date_or_else_from_when_it_came(
    headers: dict[str, str], retry_after_s: float
) -> None:
    result = Wire([b""], head=Reply(429, headers, None)).run("whole")
    assert isinstance(result, Failed)
    assert result.failure.retry_after_s == retry_after_s


THOUGHT = b'data: {"choices":[{"index":0,"delta":{"reasoning_content":"hm"}}]}\n\n'
CALLED = (
    b'data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"1","type":"function",'
    b'"function":{"name":"note","arguments":""}}]}}]}\n\n'
)


@pytest.mark.parametrize("piece", [THOUGHT, CALLED], ids=["reasoning", "a call"])
@pytest.mark.parametrize("mode", ["passed", "held"])
def test_who_may_think_before_the_first_word_may_do_so_after_reasoning_and_within_a_call(
    piece: bytes, mode: Mode
) -> None:
    patient = replace(TIMEOUTS, first_token_s=60)
    assert isinstance(Wire([piece, 59.0, chunk("hello", '"stop"'), DONE]).run(mode, patient), Answered)
    late = Wire([piece, 61.0, DONE]).run(mode, patient)
    assert isinstance(late, Failed)
    assert (late.failure.kind, late.failure.message, late.ended) == ("timeout", "the stream stalled for 60s", 60)
    after_text = Wire([piece, chunk("hello"), 16.0, DONE]).run(mode, patient)
    assert isinstance(after_text, Failed)
    assert (after_text.failure.message, after_text.ended) == ("the stream stalled for 15s", 15)
