"""A spec's own tests: they go through the real engine, and pass for the right reason only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from llm_router.policy.compile import compile_spec
from llm_router.policy.program import Program
from llm_router.spec.given import OUTCOMES
from llm_router.spec.read import Reading, read, text_of
from llm_router.testing import CaseResult, check_cases, run_cases
from llm_router.testing.faults import FAULTS

FILE = yaml.safe_load((Path(__file__).parent / "cases" / "runner.yaml").read_text())
RECIPES = sorted((Path(__file__).parents[2] / "recipes").glob("*.yaml"))


def compiled(reading: Reading) -> Program:
    program, diagnostics = compile_spec(reading)
    assert program is not None, diagnostics
    return program


def run(case: dict[str, Any]) -> CaseResult:
    reading = read(text_of({**FILE["spec"], "tests": [case]}), "<spec>")
    (result,) = run_cases(compiled(reading), reading)
    return result


@pytest.mark.parametrize("row", FILE["cases"], ids=lambda row: json.dumps(row["case"]))
def test_a_case_passes_or_tells_what_differs(row: dict[str, Any]) -> None:
    result = run(row["case"])
    expected = tuple(row.get("differences", ()))
    if row.get("only_beginning"):
        assert [said[: len(begin)] for said, begin in zip(result.differences, expected, strict=False)] == list(expected)
    else:
        assert result.differences == expected
    assert result.passed == (not expected)


@pytest.mark.parametrize("row", FILE["names"], ids=lambda row: row["message"])
def test_a_wrong_name_is_a_diagnostic_at_its_place(row: dict[str, Any]) -> None:
    reading = read(text_of({**FILE["spec"], "tests": [row["case"]]}), "<spec>")
    program = compiled(reading)
    (found,) = check_cases(program, reading)
    assert found.message == row["message"]
    assert found.help == row.get("help", found.help)
    line = reading.source.text.splitlines()[found.span.line - 1]
    assert line[found.span.column - 1 : found.span.end_column - 1].strip('"') == row["at"]
    (result,) = run_cases(program, reading)
    assert not result.passed
    assert row["message"] in result.differences[0]


def test_a_case_can_say_every_fault() -> None:
    assert set(OUTCOMES) - {"ok"} == set(FAULTS)
    said = [str(turns) for row in FILE["cases"] for turns in row["case"].get("given", {}).values()]
    assert {fault for fault in FAULTS if not any(fault in turns for turns in said)} == set()


def test_a_failed_case_explains_the_decision() -> None:
    result = run({"request": {"task": "code"}, "expect": {"deployment": "mini"}})
    assert "the rule `code` decides" in result.explanation
    assert result.asked == ("gpt",)
    assert result.answered == "gpt"


def test_a_case_without_a_name_is_named_by_its_place() -> None:
    assert run({"request": {"task": "code"}, "expect": {"rule": "code"}}).name == "test 1"


def test_results_are_the_same_every_time() -> None:
    case = {"request": {"text": "quick"}, "given": {"llama": "unavailable"}, "expect": {"deployment": "pocket"}}
    assert run(case) == run(case)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_the_recipes_hold_what_they_promise(recipe: Path) -> None:
    reading = read(recipe.read_text(), recipe.name)
    results = run_cases(compiled(reading), reading)
    assert results
    assert {result.name: result.differences for result in results if not result.passed} == {}


def test_no_test_uses_up_another_ones_limits() -> None:
    case = {"request": {"text": "limited"}, "expect": {"deployment": "mini"}}
    reading = read(text_of({**FILE["spec"], "tests": [case, case]}), "<spec>")
    assert [result.differences for result in run_cases(compiled(reading), reading)] == [(), ()]
