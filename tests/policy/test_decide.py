"""Decisions on the case files, with their reasons."""

from __future__ import annotations

import pytest

from llm_router.errors import RequestError
from llm_router.policy.decide import decide
from tests.policy.cases import Case, cases, features_of, outline, program_of, snapshot_of

CASES = cases("accounts", "choosing", "filters", "guards", "ranking", "stickiness", "world")


@pytest.mark.parametrize("case", [case for case in CASES if "error" not in case.said], ids=lambda case: case.name)
def test_a_request_is_decided_as_expected(case: Case) -> None:
    program = program_of(case.spec)
    decision = decide(program, features_of(program, case.said), snapshot_of(program, case.said))
    told, expected = outline(decision), case.said["expect"]
    unsaid = {"tiers", "caps", "left_out", "turns"} - set(expected)
    assert {key: value for key, value in told.items() if key not in unsaid} == expected


@pytest.mark.parametrize("case", [case for case in CASES if "error" in case.said], ids=lambda case: case.name)
def test_a_mistake_in_the_call_is_an_error_of_the_request(case: Case) -> None:
    program = program_of(case.spec)
    with pytest.raises(RequestError) as raised:
        decide(program, features_of(program, case.said), snapshot_of(program, case.said))
    assert str(raised.value) == case.said["error"].strip()
