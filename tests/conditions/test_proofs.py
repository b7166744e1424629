"""What is proved about conditions, against cases and against brute force."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from llm_router.policy.match import holds
from llm_router.policy.proofs import boxes
from llm_router.policy.proofs.boxes import can_hold, covered_by
from llm_router.spec.conditions.condition import ALWAYS, AnyOf, Condition, Not, reads
from tests.conditions.conditions import PATTERNS, TESTS, conditions, every_request
from tests.conditions.reading import DECLARATIONS, PLACEMENT, cases, condition_of, read_spec

CASES = cases("proofs")
SLOW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize("case", [case for case in CASES if "can" in case], ids=lambda case: case["of"])
def test_a_condition_can_hold_or_can_not(case: dict[str, Any]) -> None:
    assert can_hold(condition_of(case["of"]), DECLARATIONS) is case["can"]


@pytest.mark.parametrize(
    "case", [case for case in CASES if "by" in case], ids=lambda case: f"{case['of']} by {case['by']}"
)
def test_conditions_cover_another_or_leave_a_gap(case: dict[str, Any]) -> None:
    coverage = covered_by(condition_of(case["of"]), [condition_of(text) for text in case["by"]], DECLARATIONS)
    expected = "yes" if "needs" in case else "no"
    assert (coverage.verdict, list(coverage.by)) == (expected, case.get("needs", []))


def _present(example: Any) -> dict[str, object]:
    return {feature: value for feature, value in example.items() if value is not None}


@SLOW
@given(conditions(size=6))
def test_a_condition_can_hold_exactly_when_some_request_meets_it(condition: Condition) -> None:
    assume(len(reads(condition)) <= 4)
    some = any(holds(condition, values) for values in every_request(reads(condition)))
    assert can_hold(condition, DECLARATIONS) is some


@SLOW
@given(conditions(size=6))
def test_an_example_meets_its_condition_and_there_is_one_whenever_it_can_hold(condition: Condition) -> None:
    example = covered_by(condition, (), DECLARATIONS).gap
    assert (example is not None) is can_hold(condition, DECLARATIONS)
    if example is not None:
        assert holds(condition, _present(example))


@SLOW
@given(conditions(size=3), st.lists(conditions(size=3), max_size=4))
def test_coverage_is_exact(condition: Condition, others: list[Condition]) -> None:
    features = reads(condition).union(*(reads(other) for other in others))
    assume(len(features) <= 4)
    gaps = [
        values
        for values in every_request(features)
        if holds(condition, values) and not any(holds(other, values) for other in others)
    ]
    coverage = covered_by(condition, others, DECLARATIONS)
    assert coverage.verdict == ("no" if gaps else "yes")
    if coverage.gap is not None:
        assert holds(condition, _present(coverage.gap))
        assert not any(holds(other, _present(coverage.gap)) for other in others)


@SLOW
@given(conditions(size=3), st.lists(conditions(size=3), min_size=1, max_size=4))
def test_those_that_cover_do_so_alone_and_none_of_them_is_idle(condition: Condition, others: list[Condition]) -> None:
    coverage = covered_by(condition, others, DECLARATIONS)
    assume(coverage.verdict == "yes")
    taking = [others[place] for place in coverage.by]
    assert covered_by(condition, taking, DECLARATIONS).verdict == "yes"
    for place in range(len(taking)):
        assert covered_by(condition, taking[:place] + taking[place + 1 :], DECLARATIONS).verdict == "no"


@SLOW
@given(conditions(TESTS | PATTERNS, size=5), conditions(TESTS | PATTERNS, size=5))
def test_with_patterns_what_is_proved_impossible_or_covered_is(condition: Condition, other: Condition) -> None:
    assume(len(reads(condition) | reads(other)) <= 4)
    some = [values for values in every_request(reads(condition) | reads(other)) if holds(condition, values)]
    assert can_hold(condition, DECLARATIONS) is True or not some
    if covered_by(condition, [other], DECLARATIONS).verdict == "yes":
        assert all(holds(other, values) for values in some)


@SLOW
@given(conditions(TESTS | PATTERNS, size=5))
def test_a_condition_and_its_negation_cover_everything_and_share_nothing(condition: Condition) -> None:
    assert covered_by(ALWAYS, [condition, Not(condition)], DECLARATIONS).verdict == "yes"
    assert covered_by(condition, [Not(condition)], DECLARATIONS).verdict == (
        "no" if can_hold(condition, DECLARATIONS) else "yes"
    )


def test_a_gap_is_shown_with_its_absences() -> None:
    coverage = covered_by(ALWAYS, [condition_of('task == "code"'), condition_of("not task exists")], DECLARATIONS)
    assert coverage.verdict == "no"
    assert coverage.gap == {"task": "analysis"}


@pytest.mark.parametrize(
    "text",
    [
        'text contains "b" and text contains "a" and text matches "x*"',
        'user matches "team-[ab]?-*" and user contains "x"',
        'not user contains "other" and user exists',
        'user not in ["other", "something"] and user exists',
        'tags has "a" and tags != "b" and tags exists',
        "metadata.score > 1 and metadata.score < 1.5",
        'hour > 20 and weekday == "sun"',
    ],
)
def test_examples_meet_patterns_and_narrow_intervals(text: str) -> None:
    example = covered_by(condition_of(text), (), DECLARATIONS).gap
    assert example is not None
    assert holds(condition_of(text), _present(example))


def test_guards_speak_of_deployments_in_the_same_way() -> None:
    eu, _ = read_spec("only: {labels.region: eu, local: true}")
    us, _ = read_spec("only: {labels.region: us}")
    named, _ = read_spec("only: {provider: [openai, local]}")
    assert can_hold(AnyOf((eu, us)), PLACEMENT) is True
    assert covered_by(eu, [us], PLACEMENT).verdict == "no"
    assert covered_by(eu, [named], PLACEMENT) == boxes.Coverage("yes", (0,))


def test_past_its_limit_the_analysis_says_that_it_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boxes, "LIMIT", 40)
    tangle = condition_of(
        " and ".join(f'(metadata.tenant != "t{n}" or user != "u{n}" or input_tokens != {n})' for n in range(9))
    )
    assert can_hold(tangle, DECLARATIONS) is None
    assert covered_by(tangle, [ALWAYS], DECLARATIONS).verdict == "unknown"
    assert covered_by(ALWAYS, [tangle], DECLARATIONS).verdict != "yes"
    assert covered_by(tangle, (), DECLARATIONS).gap is None
