"""Structured output that doesn't fit: who wrote it is shown what is wrong, whoever comes next begins anew."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import pytest

from llm_router.engine.serving.output import COMPLAINTS, repaired
from llm_router.errors import InvalidOutput
from llm_router.messages import ChatRequest, ChatResponse, JsonFormat, JsonObject, assistant, user
from tests.engine.world import World

SCHEMA: JsonObject = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
WRONG, RIGHT = '{"n": "forty-two"}', '{"n": 42}'


def asked(given: Mapping[str, Any], **case: Any) -> tuple[World, list[list[Any]], str]:
    world = World({"schema": SCHEMA, "given": given, **case})
    seen = world.ask(stream=bool(case.get("stream")))
    bodies: list[Any] = [entry.body for entry in world.emulator.log]
    return world, [body["messages"] for body in bodies], seen.outcome


@pytest.mark.parametrize("case", [{}, {"stream": True, "spec": {"fallback": {"on_break": "hold"}}}])
def test_who_wrote_it_is_asked_to_mend_it(case: dict[str, Any]) -> None:
    _, (first, second), outcome = asked({"a": [{"say": WRONG}, {"say": RIGHT}]}, **case)
    assert outcome == "a"
    assert second[: len(first)] == first
    assert [message["role"] for message in second[len(first) :]] == ["assistant", "user"]
    assert second[-2]["content"] == WRONG
    assert "`$.n`" in second[-1]["content"]
    assert "'forty-two' is not of type 'integer'" in second[-1]["content"]


def test_what_is_no_json_is_mended_too() -> None:
    _, (_, second), outcome = asked({"a": [{"say": "n is 42"}, {"say": RIGHT}]})
    assert outcome == "a"
    assert "it is no JSON" in second[-1]["content"]


def test_the_next_one_begins_anew() -> None:
    _, (first, _, third), outcome = asked({"a": {"say": WRONG}, "b": {"say": RIGHT}})
    assert outcome == "b"
    assert third == first


def test_each_repair_shows_the_newest_answer() -> None:
    spec = {"fallback": {"after": {"invalid_output": {"retry": 2}}}}
    given = {"a": [{"say": WRONG}, {"say": "[]"}, {"say": RIGHT}]}
    _, (first, _, third), outcome = asked(given, spec=spec, names=["a"])
    assert outcome == "a"
    assert third[len(first)]["content"] == "[]"


def test_no_log_and_no_error_holds_what_was_written(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    world = World({"schema": SCHEMA, "given": {"*": {"say": WRONG}}})
    assert "forty-two" not in str(world.ask().error)
    assert "forty-two" not in caplog.text
    assert "forty-two" not in repr(world.performer.events)


def test_only_the_first_faults_are_told() -> None:
    wanted = JsonFormat({"type": "array", "items": {"type": "integer"}})
    response = ChatResponse(assistant('["x", "x", "x", "x", "x", "x", "x"]'), "stop")
    complaint = repaired(ChatRequest((user("?"),), response_format=wanted), response).messages[-1].text
    assert complaint.count("is not of type") == COMPLAINTS


def test_nothing_is_shown_of_an_empty_answer() -> None:
    request = ChatRequest((user("?"),), response_format=JsonFormat(SCHEMA))
    assert repaired(request, ChatResponse(assistant(" "), "stop")) == request


CALL = {"calls": [{"name": "note", "arguments": {"n": 42}}]}
BROKEN = {"calls": [{"name": "note", "arguments": '{"n": 42'}]}
TOOLS = {"schema": None, "tools": {"note": SCHEMA}}


@pytest.mark.parametrize("wrong", [{"say": "n is 42"}, BROKEN], ids=["no call", "no JSON"])
def test_who_makes_no_call_though_one_has_to_be_made_is_asked_again_and_then_the_next(wrong: Any) -> None:
    _, (first, second, third), outcome = asked({"a": wrong, "b": CALL}, **TOOLS)
    assert (first, second, outcome) == (third, first, "b")


def test_a_call_that_nobody_makes_is_an_error_that_says_so() -> None:
    world = World({**TOOLS, "given": {"*": {"say": "n is 42"}}})
    error = world.ask().error
    assert isinstance(error, InvalidOutput)
    assert "no tool was called, though one had to be" in str(error)
