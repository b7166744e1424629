"""Planted mistakes are reported with their code at their very place, and nothing else is."""

from __future__ import annotations

import jsonschema
import pytest

from llm_router.diagnostics import render_text
from llm_router.policy.compile import compile_spec
from llm_router.spec.read import read
from llm_router.spec.schema import json_schema
from tests.spec.cases import Planted, planted

MEANING = list(planted("meaning"))
STAGES = ("reading", "structure", "habits")
CASES = [case for stage in STAGES for case in planted(stage)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_planted_mistake_is_found_at_its_place(case: Planted) -> None:
    found = read(case.text, "spec.yaml").diagnostics
    rendered = render_text(found, {"spec.yaml": case.text})
    assert case.span in [diagnostic.span for diagnostic in found if diagnostic.code == case.code], rendered
    assert sorted(diagnostic.code for diagnostic in found) == sorted((case.code, *case.also)), rendered


@pytest.mark.parametrize("case", MEANING, ids=lambda case: case.name)
def test_a_mistake_of_meaning_is_found_at_its_place(case: Planted) -> None:
    reading = read(case.text, "spec.yaml")
    assert reading.diagnostics == ()
    _, found = compile_spec(reading)
    rendered = render_text(found, {"spec.yaml": case.text})
    assert case.span in [diagnostic.span for diagnostic in found if diagnostic.code == case.code], rendered
    assert {diagnostic.code for diagnostic in found if diagnostic.severity == "error"} <= {case.code, *case.also}, (
        rendered
    )


def test_the_schema_leaves_meaning_to_others() -> None:
    validator = jsonschema.Draft7Validator(json_schema())
    assert all(validator.is_valid(read(case.text, "spec.yaml").source.tree) for case in MEANING)


def test_more_than_a_hundred_mistakes_are_planted() -> None:
    assert len(CASES) + len(MEANING) >= 100
