"""Whatever the providers do: a whole answer or a named error, inside the deadline, and no text twice."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llm_router.errors import ProviderError
from llm_router.messages import Assembly
from llm_router.testing.faults import FAULTS
from tests.engine.world import World

TURN = st.sampled_from(["ok", "ok", "ok", *(fault for fault in FAULTS if fault != "invalid_output")]) | st.builds(
    lambda name, after: {"fault": name, "after": after},
    st.sampled_from(["stall", "cut", "malformed"]),
    st.integers(0, 4),
)
GIVEN = st.fixed_dictionaries({name: st.lists(TURN, min_size=1, max_size=3) for name in "abc"})


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    GIVEN,
    st.booleans(),
    st.sampled_from(["continue", "error", "hold"]),
    st.sampled_from([2, 30, 300]),
    st.sampled_from([{}, {"hedge": {"after": "1s", "extra_cost": "100%"}}]),
)
def test_any_faults_end_in_a_whole_answer_or_a_named_error(
    given: dict[str, list[object]], stream: bool, on_break: str, timeout: int, hedge: dict[str, object]
) -> None:
    facts = {name: {"model": "m", "supports": ["prefill"]} for name in given}
    spec = {"fallback": {"on_break": on_break, **hedge}}
    case = {"given": given, "facts": facts, "spec": spec, "hints": {"timeout": timeout}}
    world = World(case)
    for number in range(3):
        seen = world.ask(stream=stream, number=number)
        passed_on = Assembly()
        for event in seen.emitted:
            passed_on.add(event)
        if seen.answer is not None:
            assert seen.answer.response.finish_reason == "stop"
            assert seen.answer.text == "m was asked: why is the sky blue?"
            assert not stream or passed_on.text == seen.answer.text
            assert on_break == "continue" or not seen.answer.continued_from
        else:
            assert isinstance(seen.error, ProviderError)
            assert passed_on.text == seen.error.partial_text * bool(passed_on.text)
            assert on_break != "hold" or not passed_on.text
            assert "m was asked: why is the sky blue?".startswith(passed_on.text) or "filtered_answer" in str(given)
        committed = stream and on_break != "hold" and bool(seen.emitted)
        assert committed or seen.elapsed_s <= timeout + 0.001
        assert len(seen.asked) <= 5


@pytest.mark.parametrize("stream", [False, True])
def test_a_flapping_primary_sees_only_bounded_probes_and_comes_back(stream: bool) -> None:
    spec = {
        "health": {"failures": 2, "within": "30s", "cooldown": "15s"},
        "fallback": {"after": {"unavailable": {"retry": 0}}},
    }
    world = World({"names": ["a", "b"], "given": {"a": ["ok", *["unavailable"] * 5, "ok"]}, "spec": spec})
    answered, asked_a = [], 0
    for number in range(40):
        seen = world.ask(stream=stream, number=number)
        answered.append(seen.outcome)
        asked_a += seen.asked.count("a")
        world.clock.advance(3)
    assert set(answered) == {"a", "b"}
    assert answered[-5:] == ["a"] * 5
    assert answered.count("b") >= 15
    assert asked_a == answered.count("a") + 5
