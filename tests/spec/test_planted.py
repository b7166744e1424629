"""Planted mistakes are reported with their code at their very place, and nothing else is."""

from __future__ import annotations

import pytest

from llm_router.diagnostics import render_text
from llm_router.spec.read import read
from tests.spec.cases import Planted, planted

STAGES = ("reading", "structure", "habits")
CASES = [case for stage in STAGES for case in planted(stage)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_planted_mistake_is_found_at_its_place(case: Planted) -> None:
    found = read(case.text, "spec.yaml").diagnostics
    rendered = render_text(found, {"spec.yaml": case.text})
    assert case.span in [diagnostic.span for diagnostic in found if diagnostic.code == case.code], rendered
    assert sorted(diagnostic.code for diagnostic in found) == sorted((case.code, *case.also)), rendered
