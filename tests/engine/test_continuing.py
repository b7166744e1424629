"""Streams that break: who goes on, what is sent, and what the caller has in the end. Never a text twice."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from llm_router.engine.serving.continuing import INSTRUCTION, Joint, added, going_on
from llm_router.errors import ProviderError
from llm_router.messages import (
    Assembly,
    ChatRequest,
    ChatResponse,
    Reasoning,
    ReasoningDelta,
    Text,
    TextDelta,
    Usage,
    UsageReport,
    assistant,
    user,
)
from tests.engine.world import DRIVERS, Driver, Seen, World

CASES: list[Mapping[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("cases").joinpath("continuing.yaml").read_text()
)


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_broken_stream_goes_on_as_the_case_says(case: Mapping[str, Any], driver: Driver) -> None:
    world, expected = World(case), case["expect"]
    seen = world.ask(stream=True, driver=driver)
    assert (seen.asked, seen.outcome) == (expected["asked"], expected["outcome"]), seen.error
    _check_text(seen, expected)
    _check_last(world, case)
    least, most = _span(expected.get("elapsed", seen.elapsed_s))
    assert least <= seen.elapsed_s <= most


def _check_text(seen: Seen, expected: Mapping[str, Any]) -> None:
    spelt = Assembly()
    for event in seen.emitted:
        spelt.add(event)
    assert spelt.text == expected.get("said", spelt.text)
    if seen.answer is not None:
        assert seen.answer.response == spelt.response()
        assert list(seen.answer.continued_from) == expected["by"] == seen.answer.routing()["continued_from"]
        assert [report.mark for report in seen.answer.attempts] == expected.get(
            "marks", [report.mark for report in seen.answer.attempts]
        )
    else:
        assert isinstance(seen.error, ProviderError)
        assert seen.error.partial_text == spelt.text
        assert seen.error.partial_text or not expected.get("partial")
        assert spelt.finish_reason is None
        assert expected.get("message", "") in str(seen.error)


def _check_last(world: World, case: Mapping[str, Any]) -> None:
    body: Any = world.emulator.log[-1].body
    wanted = [{**each, "content": each["content"].replace("instruction", INSTRUCTION)} for each in case.get("last", [])]
    assert not wanted or body["messages"][1:] == wanted


def _span(elapsed: Any) -> tuple[float, float]:
    return tuple(elapsed) if isinstance(elapsed, list) else (elapsed - 0.001, elapsed + 0.001)


def test_usage_is_of_all_who_wrote_and_each_attempt_keeps_its_own() -> None:
    case = {"names": ["a", "b"], "given": {"a": {"fault": "error_in_stream", "after": 3}, "b": {"say": " done"}}}
    answer = World(case).ask(stream=True).answer
    assert answer is not None
    assert answer.usage.output == sum(report.output_tokens or 0 for report in answer.attempts)
    assert added(Usage(input=1), Usage(input=2, output=3)) == Usage(input=3, output=3)
    assert added(Usage(reasoning=2), Usage()) == Usage(reasoning=2)


def test_usage_adds_up_while_it_streams() -> None:
    joint = Joint(ChatResponse(assistant("half "), "other", Usage(input=5, output=2)))
    told = [each for event in (TextDelta("done"), UsageReport(Usage(input=9, output=3))) for each in joint.fit(event)]
    assert told == [TextDelta("done"), UsageReport(Usage(input=14, output=5))]
    assert (joint.response().text, joint.response().usage) == ("half done", Usage(input=14, output=5))


def test_what_was_thought_before_the_break_is_not_repeated() -> None:
    thought = {"say": "yes", "reasoning": "let me think about it"}
    case = {"names": ["a", "b"], "given": {"a": {"fault": "cut", "after": 2}, "b": thought}}
    seen = World(case).ask(stream=True)
    assert seen.answer is not None
    assert not any(isinstance(event, ReasoningDelta) for event in seen.emitted)
    assert not any(isinstance(part, Reasoning) for part in seen.answer.response.message.parts)


def test_a_beginning_ends_without_white_space() -> None:
    request = ChatRequest((user("why?"),))
    form = going_on(request, "Because\n\n", prefill=True)
    assert form.request.messages[-1] == assistant(Text("Because"))
    assert form.trimmed == "\n\n"


@pytest.mark.parametrize("prefill", [True, False])
def test_nothing_is_gone_on_from_nothing(prefill: bool) -> None:
    request = ChatRequest((user("why?"),))
    assert going_on(request, " \n", prefill=prefill).request == request
