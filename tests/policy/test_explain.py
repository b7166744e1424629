"""Explanations in words, and that they never tell what a caller said."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from llm_router.policy.explain import Explanation, explain
from tests.policy.cases import HERE, features_of, program_of, snapshot_of

CASES = yaml.safe_load((HERE / "explanations.yaml").read_text(encoding="utf-8"))


def explained(case: dict[str, Any]) -> Explanation:
    program = program_of(case["spec"])
    return explain(program, features_of(program, case), snapshot_of(program, case))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_an_explanation_reads_as_expected(case: dict[str, Any]) -> None:
    assert explained(case).text() == case["text"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_an_explanation_is_json_and_tells_no_value(case: dict[str, Any]) -> None:
    explanation = explained(case)
    shown = json.dumps(explanation.json()) + explanation.text() + repr(explanation)
    assert not any(private in shown for private in ("my-private-text", "ann-at-home", "xylophone-42"))


def test_the_json_has_estimates_scores_and_reasons() -> None:
    told = json.loads(json.dumps(explained(CASES[0]).json()))
    first, *_, last = told["decision"]["candidates"]
    assert first["estimate"] == {"cost_usd": 0.0033, "cost_bound_usd": None, "seconds": None, "quality": None}
    assert first["score"]["parts"]["cost"] == pytest.approx(1.7225, abs=1e-3)
    assert last["deferral"] == {"code": "limited", "until": 107.5, "name": None}
    assert told["decision"]["rejections"] == [
        {
            "deployment": "gpt",
            "code": "guard",
            "reason": "the guard `private` keeps this request from it",
            "guard": "private",
        }
    ]
    assert told["rules"][1]["predicates"][0] == {"predicate": "task: code", "held": True, "absent": False}
    assert told["input_tokens"] == {"value": 1000, "basis": "exact"}
