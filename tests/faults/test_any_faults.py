"""Whatever the providers do, whatever is asked for: a whole answer or a named error, and no text twice or cut."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llm_router.errors import ProviderError
from llm_router.messages import Assembly
from llm_router.testing.faults import FAULTS
from tests.engine.world import Driver, Seen, World
from tests.faults.matrix import ANSWER, QUESTION, SCHEMA

TOOL = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
ASKED: dict[str, dict[str, Any]] = {"text": {}, "structured": {"schema": SCHEMA}, "tools": {"tools": {"weather": TOOL}}}
BREAKS = st.builds(
    lambda name, after: {"fault": name, "after": after},
    st.sampled_from(["stall", "cut", "malformed", "ends_early", "error_in_stream"]),
    st.integers(0, 6),
)
MEANT = [fault for fault in FAULTS if fault != "invalid_output"]  # which is a fault only where a schema is asked for


def given_for(asked: str) -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    """What is asked for, with turns for each candidate."""
    faults = FAULTS if asked == "structured" else MEANT
    turns = st.lists(st.sampled_from(["ok", "ok", *faults]) | BREAKS, min_size=1, max_size=3)
    return st.tuples(st.just(asked), st.fixed_dictionaries(dict.fromkeys("abc", turns)))


HEDGES = st.sampled_from([{}, {}, {"hedge": {"after": "1s", "extra_cost": "100%"}}])


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(sorted(ASKED)).flatmap(given_for),
    st.sampled_from(["continue", "error", "hold"]),
    HEDGES,
    st.booleans(),
    st.sampled_from(["thread", "task"]),
)
def test_any_sequence_of_faults_leads_to_a_whole_answer_or_an_error(
    drawn: tuple[str, dict[str, Any]], on_break: str, hedge: dict[str, Any], stream: bool, driver: Driver
) -> None:
    asked, given = drawn
    facts = {name: {"model": "m", "supports": ["prefill", "tools", "json_schema"]} for name in given}
    spec = {"fallback": {"on_break": on_break, **hedge}}
    world = World({"given": given, "facts": facts, "spec": spec, "text": QUESTION, **ASKED[asked]})
    seen = world.ask(stream=stream, driver=driver)
    passed_on = Assembly()
    for event in seen.emitted:
        passed_on.add(event)
    if seen.answer is None:
        _check_error(seen, passed_on, on_break)
        return
    assert not stream or passed_on.response().message.parts == seen.answer.response.message.parts
    assert seen.answer.finish_reason == ("tool_calls" if asked == "tools" else "stop")
    _check_answer(seen, asked)


def _check_error(seen: Seen, passed_on: Assembly, on_break: str) -> None:
    assert isinstance(seen.error, ProviderError)
    assert passed_on.finish_reason is None
    assert passed_on.text == seen.error.partial_text * bool(seen.emitted)
    assert on_break != "hold" or not seen.emitted
    assert len(seen.error.attempts) == len(seen.asked) <= 5


def _check_answer(seen: Seen, asked: str) -> None:
    assert seen.answer is not None
    if asked == "structured":
        jsonschema.validate(json.loads(seen.answer.text), SCHEMA)
    elif asked == "tools":
        (call,) = seen.answer.tool_calls
        jsonschema.validate(json.loads(call.arguments), TOOL)
    else:
        assert seen.answer.text == ANSWER
