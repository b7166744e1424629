"""Answers that take several exchanges: one attempt, with its own pauses, and cancelled where it is left early."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from typing_extensions import override

from llm_router.catalog.cards import find_card
from llm_router.engine.driving.drive import advance, finish
from llm_router.engine.effects import Effect, Emit, Lost, Open, Read, Reply, Sleep
from llm_router.engine.job import Job
from llm_router.engine.request import serve
from llm_router.messages import Finished, TextDelta, UsageReport
from llm_router.policy.hints import Hints
from llm_router.testing import Fault, Say
from tests.engine.world import KEY, World, request_of

MODEL = "meta/meta-llama-3-8b-instruct"
AT = "/rep/replicate"


def case(given: Any = "ok", timeouts: dict[str, str] | None = None) -> dict[str, Any]:
    """A spec of one deployment at Replicate and one elsewhere, and what the first answers."""
    at = "http://127.0.0.1:9"
    providers = {
        "at-rep": {"kind": "replicate", "base_url": f"{at}{AT}", "api_key": KEY},
        "at-other": {"kind": "openai-compatible", "base_url": f"{at}/other/v1", "api_key": KEY},
    }
    rep: dict[str, Any] = {"provider": "at-rep", "model": MODEL}
    if timeouts:
        rep["timeouts"] = timeouts
    deployments = {"rep": rep, "other": {"provider": "at-other", "model": "other"}}
    spec = {"providers": providers, "deployments": deployments}
    return {"names": [], "use": ["rep", "other"], "given": {MODEL: given}, "spec": spec}


class Watched(World):
    """A world that keeps what was waited for and which requests went out, and may break some of them."""

    def __init__(self, told: dict[str, Any], broken: Sequence[Callable[[str], bool]] = ()) -> None:
        super().__init__(told)
        self.pauses: list[float] = []
        self._broken = list(broken)

    @override
    def perform(self, effect: Effect[Any]) -> Any:
        if isinstance(effect, Sleep):
            self.pauses.append(round(effect.until - self.clock.monotonic(), 3))
        if isinstance(effect, Open):
            for breaks in self._broken:
                if breaks(f"{effect.request.method} {effect.request.url}"):
                    self._broken.remove(breaks)
                    return Reply(503, {}, b"busy")
        if isinstance(effect, Read) and isinstance(effect.reply.body, bytes):
            body = effect.reply.body
            object.__setattr__(effect.reply, "body", b"")
            return body
        return super().perform(effect)

    @property
    def sent(self) -> list[str]:
        """What was asked for, without the prediction's own id."""
        shown = (f"{entry.method} {entry.path.removeprefix(AT)}" for entry in self.emulator.log)
        return [" ".join(_anonymous(line.split(" "))) for line in shown]


def _anonymous(line: list[str]) -> list[str]:
    return [line[0], "/".join("ID" if part.startswith("emulated") else part for part in line[1].split("/"))]


CREATE, GET, STREAM, CANCEL = (
    f"POST /models/{MODEL}/predictions",
    "GET /predictions/ID",
    "GET /predictions/ID/stream",
    "POST /predictions/ID/cancel",
)


def test_a_whole_answer_is_asked_for_until_it_is_there() -> None:
    world = Watched(case())
    seen = world.ask()
    assert seen.answer is not None
    assert seen.answer.response.text == f"{MODEL} was asked: why is the sky blue?"
    assert seen.answer.response.usage.output
    assert world.sent == [CREATE, GET, GET]
    assert world.pauses == [0.25, 0.375]
    assert len(seen.answer.attempts) == 1


def test_a_stream_is_followed_and_what_it_used_is_asked_for() -> None:
    world = Watched(case(Say("one two")))
    seen = world.ask(stream=True)
    assert world.sent == [CREATE, STREAM, GET]
    assert "".join(event.text for event in seen.emitted if isinstance(event, TextDelta)) == "one two"
    assert isinstance(seen.emitted[-1], Finished)
    assert seen.answer is not None
    assert len(seen.answer.attempts) == 1
    assert any(isinstance(event, UsageReport) for event in seen.emitted)
    assert seen.answer.response.usage.output == 2


@pytest.mark.parametrize(("given", "kind"), [(Fault("rate_limit"), "rate_limit"), (Fault("503"), "overloaded")])
def test_what_is_refused_at_once_goes_to_the_next(given: Fault, kind: str) -> None:
    world = Watched(case(given))
    seen = world.ask()
    assert seen.outcome == "other"
    assert world.sent[0] == CREATE
    assert CANCEL not in world.sent
    assert seen.answer is not None
    assert seen.answer.attempts[0].failure == kind


@pytest.mark.parametrize("stream", [False, True])
def test_a_prediction_that_failed_is_classed_by_its_words(stream: bool) -> None:
    world = Watched(case(Say("x", finish_reason="content_filter")))
    assert world.ask(stream=stream).outcome == "content_filter"
    assert CANCEL not in world.sent


def test_a_prediction_that_is_too_late_is_cancelled_and_the_next_is_asked() -> None:
    world = Watched(case(timeouts={"total": "500ms"}))
    seen = world.ask()
    assert seen.outcome == "other"
    assert world.sent[:3] == [CREATE, GET, CANCEL]
    assert world.pauses == [0.25, 0.25]
    assert seen.answer is not None
    assert [attempt.failure for attempt in seen.answer.attempts] == ["timeout", None]


def test_a_moment_without_capacity_is_waited_out() -> None:
    world = Watched(case(), [lambda line: line.startswith("GET")] * 2)
    seen = world.ask()
    assert seen.outcome == "rep"
    assert world.pauses == [0.25, 0.375, 0.562, 0.844]


def test_a_prediction_that_can_t_be_asked_for_is_given_up_and_cancelled() -> None:
    world = Watched(case(), [lambda line: line.startswith("GET")] * 3)
    seen = world.ask()
    assert world.sent[:3] == [CREATE, CANCEL, CREATE]
    assert seen.answer is not None
    assert [attempt.failure for attempt in seen.answer.attempts] == ["overloaded", None]


def test_usage_that_can_t_be_had_breaks_no_answer() -> None:
    world = Watched(case(Say("one two")), [lambda line: "/stream" not in line and line.startswith("GET")] * 3)
    seen = world.ask(stream=True)
    assert seen.outcome == "rep"
    assert seen.answer is not None
    assert seen.answer.response.text == "one two"
    assert CANCEL not in world.sent


@pytest.mark.parametrize("lost", [False, True])
def test_a_stream_that_nobody_wants_any_more_is_cancelled(lost: bool) -> None:
    world = Watched(case(Say("one two three")))
    hints = Hints.read({}, world.program)
    script = serve(Job(world.program, world.wiring, request_of({}), hints, "request-1", stream=True))
    pause = advance(script, world.perform)
    while not isinstance(pause, Emit) or not isinstance(pause.event, TextDelta):
        pause = advance(script, world.perform)

    def perform(effect: Effect[Any]) -> Any:
        if lost and isinstance(effect, Open):
            raise Lost("gone")
        return world.perform(effect)

    finish(script, perform)
    assert world.sent == [CREATE, STREAM, *([] if lost else [CANCEL])]


@dataclass
class _Endless:
    """A stand-in for a provider whose stream comes in single bytes."""

    body: bytes

    def steps(self) -> Generator[bytes, None, None]:
        yield from (self.body[at : at + 1] for at in range(len(self.body)))


def test_the_bodies_are_read_as_one_however_they_are_cut() -> None:
    world = Watched(case(Say("one two")))
    original = world.performer

    class Bytewise:
        """Hands the bytes of every body out one by one."""

        def __init__(self) -> None:
            self.left: dict[int, Generator[bytes, None, None]] = {}

        def __call__(self, effect: Effect[Any]) -> Any:
            if not isinstance(effect, Read):
                return original(effect)
            steps = self.left.get(id(effect.reply))
            byte = next(steps, b"") if steps else b""
            if byte:
                return byte
            chunk = original(effect)
            self.left[id(effect.reply)] = _Endless(chunk).steps()
            return next(self.left[id(effect.reply)], b"")

    world.performer = Bytewise()  # type: ignore[assignment]  # called alike
    seen = world.ask(stream=True)
    assert seen.answer is not None
    assert (seen.answer.response.text, seen.answer.response.usage.output) == ("one two", 2)
    assert world.sent == [CREATE, STREAM, GET]


def test_what_no_prediction_can_do_is_nobodys_ability_there() -> None:
    told = case()
    told["spec"]["deployments"]["rep"]["model"] = "openai/gpt-4o-mini"
    supports = Watched(told).program.deployments["rep"].supports
    card = find_card("replicate", "openai/gpt-4o-mini")
    assert card is not None
    assert supports == card.supports == frozenset({"images"})


def test_no_key_stands_in_what_is_logged() -> None:
    world = Watched(case())
    world.ask()
    assert KEY not in json.dumps([[entry.path, dict(entry.headers)] for entry in world.emulator.log])
    assert len({entry.key for entry in world.emulator.log}) == 1
