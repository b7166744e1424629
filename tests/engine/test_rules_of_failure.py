"""The parts that a request is made of: what follows a failure, what is scrubbed, what structured output must be."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_router.engine.scrub import ECHO, HIDDEN, scrub
from llm_router.engine.serving.output import check_output, check_schema
from llm_router.engine.serving.retry import (
    TELLING,
    Again,
    Onward,
    Standing,
    Stop,
    chance,
    most_telling,
    pause,
    what_follows,
)
from llm_router.errors import FailureClass, RequestError
from llm_router.messages import ChatRequest, ChatResponse, JsonFormat, Message, Refusal, Text, ToolCall, assistant
from llm_router.policy.program import After, Wait
from llm_router.wire.codec import Failure

CLASSES = st.sampled_from(get_args(FailureClass))
STANDINGS = st.builds(
    Standing,
    tries_here=st.integers(1, 5),
    attempts_left=st.integers(0, 5),
    others=st.integers(0, 5),
    time_left_s=st.floats(0, 60),
    chance=st.floats(0, 1, exclude_max=True),
    affordable=st.booleans(),
)
WAITS = st.builds(Wait, first_s=st.floats(0.01, 2), factor=st.floats(1, 4), longest_s=st.floats(2, 10))
AFTERS = st.builds(After, retry=st.integers(0, 4), wait=WAITS, next=st.sampled_from(["any", "larger-context", "stop"]))


@given(AFTERS, CLASSES, STANDINGS, st.none() | st.floats(0, 100))
def test_a_retry_keeps_every_promise(
    after: After, kind: FailureClass, standing: Standing, retry_after_s: float | None
) -> None:
    step = what_follows(after, Failure(kind, "", retry_after_s=retry_after_s), standing)
    if not isinstance(step, Again):
        assert isinstance(step, Stop if after.next == "stop" else Onward)
        return
    assert after.wait is not None
    assert standing.tries_here <= (after.retry or 0)
    assert standing.attempts_left - 1 >= standing.others
    assert standing.affordable
    assert kind != "timeout"
    assert step.wait_s < standing.time_left_s
    assert (retry_after_s or 0) <= step.wait_s <= after.wait.longest_s


AFTER = After(retry=1, wait=Wait(first_s=1, factor=2, longest_s=8), next="any")
READY = Standing(tries_here=1, attempts_left=3, others=2, time_left_s=60, chance=0.5)
TABLE: list[tuple[str, Failure, Standing, object]] = [
    ("a retry, after its pause", Failure("unavailable", ""), READY, Again(0.5)),
    ("the provider's own time, if it is short", Failure("overloaded", "", retry_after_s=3), READY, Again(3)),
    ("not if it is longer than a pause lasts", Failure("overloaded", "", retry_after_s=9), READY, Onward()),
    ("not a second time", Failure("unavailable", ""), replace(READY, tries_here=2), Onward()),
    ("not at a ready candidate's cost", Failure("unavailable", ""), replace(READY, attempts_left=2), Onward()),
    ("not past the deadline", Failure("unavailable", ""), replace(READY, time_left_s=0.5), Onward()),
    ("not past what it may cost", Failure("unavailable", ""), replace(READY, affordable=False), Onward()),
    ("never at a silent provider", Failure("timeout", ""), READY, Onward()),
]


@pytest.mark.parametrize(("name", "failure", "standing", "step"), TABLE, ids=[row[0] for row in TABLE])
def test_what_follows_a_failure(name: str, failure: Failure, standing: Standing, step: object) -> None:
    assert what_follows(AFTER, failure, standing) == step
    stopped = what_follows(replace(AFTER, next="stop"), failure, standing)
    assert stopped == (step if isinstance(step, Again) else Stop())


@given(WAITS, st.integers(1, 10))
def test_pauses_grow_under_a_bound_with_full_jitter(wait: Wait, tries: int) -> None:
    assert pause(wait, tries, 0.0) == 0.0
    assert pause(wait, tries, 0.5) <= pause(wait, tries + 1, 0.5) <= wait.longest_s / 2


def test_chance_is_drawn_from_the_request_so_that_it_can_be_replayed() -> None:
    drawn = [chance("request", draw) for draw in range(100)]
    assert drawn == [chance("request", draw) for draw in range(100)]
    assert len(set(drawn)) == 100
    assert all(0 <= one < 1 for one in drawn)


def test_every_failure_class_has_a_place_among_the_telling() -> None:
    assert sorted(TELLING) == sorted(get_args(FailureClass))


@given(st.lists(CLASSES, min_size=1))
def test_a_later_failure_never_hides_an_equally_telling_one(kinds: list[FailureClass]) -> None:
    failures = [Failure(kind, str(place)) for place, kind in enumerate(kinds)]
    chosen = most_telling(failures)
    rank = TELLING.index(chosen.kind)
    assert all(rank <= TELLING.index(failure.kind) for failure in failures)
    assert all(failure.kind != chosen.kind for failure in failures[: int(chosen.message)])


@given(st.text(), st.text(min_size=ECHO), st.text(), st.text(min_size=1))
def test_no_key_and_no_long_echo_is_left(before: str, prompt: str, after: str, key: str) -> None:
    left = scrub(f"{before}{prompt}{key}{after}", ChatRequest.of(prompt), [key])
    visible = left.split(HIDDEN)
    assert all(prompt[start : start + ECHO] not in part for part in visible for start in range(len(prompt) - ECHO + 1))
    assert all(key not in part for part in visible)


def test_a_short_prompt_that_is_echoed_whole_is_hidden() -> None:
    assert scrub("invalid prompt: my PIN 4711", ChatRequest.of("my PIN 4711"), []) == f"invalid prompt: {HIDDEN}"


def test_words_of_the_providers_own_are_kept() -> None:
    message = "temperature must be at most 2"
    assert scrub(message, ChatRequest.of("how hot is it?"), ["sk-1"]) == message


NUMBER = JsonFormat({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]})


def answer(*parts: str | ToolCall | Refusal) -> ChatResponse:
    return ChatResponse(assistant(*parts), "stop")


@pytest.mark.parametrize(
    ("response", "wanted", "wrong"),
    [
        (answer('{"n": 1}'), NUMBER, None),
        (answer('{"n": "one"}'), NUMBER, "`type` fails at `$.n`"),
        (answer("{}"), NUMBER, "`required` fails at `$`"),
        (answer("n is 1"), NUMBER, "no JSON"),
        (answer("n is 1"), JsonFormat(), "no JSON"),
        (answer("[1, 2]"), JsonFormat(), None),
        (answer("anything"), None, None),
        (answer(ToolCall("1", "add", "{}")), NUMBER, None),
        (answer(Refusal("I can't")), NUMBER, None),
        (ChatResponse(Message("assistant", (Text(""),)), "stop"), NUMBER, "no JSON"),
    ],
)
def test_structured_output_is_what_was_asked_for(
    response: ChatResponse, wanted: JsonFormat | None, wrong: str | None
) -> None:
    failure = check_output(response, wanted)
    assert (failure is None) == (wrong is None)
    assert failure is None or (failure.kind == "invalid_output" and str(wrong) in failure.message)


def test_a_schema_that_is_none_is_the_callers_mistake() -> None:
    with pytest.raises(RequestError, match="no JSON Schema"):
        check_schema(JsonFormat({"type": "whatever"}))
