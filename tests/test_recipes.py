"""The recipes check clean and pass their own tests; so does the spec of the demo."""

from __future__ import annotations

from pathlib import Path

import pytest

from llm_router.policy.compile import compile_spec
from llm_router.spec.read import read
from llm_router.testing import check_cases, run_cases

ROOT = Path(__file__).resolve().parents[1]
RECIPES = sorted((ROOT / "recipes").glob("*.yaml"))
SPECS = [*RECIPES, ROOT / "llm_router" / "cli" / "demo" / "demo.yaml"]


def test_there_are_enough_to_copy_from() -> None:
    assert len(RECIPES) >= 7


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_a_recipe_is_clean_and_passes_its_tests(path: Path) -> None:
    reading = read(path.read_text(encoding="utf-8"), str(path))
    program, found = compile_spec(reading)
    assert found == ()
    assert program is not None
    assert check_cases(program, reading) == ()
    results = run_cases(program, reading)
    assert results
    assert {result.name: result.differences for result in results if not result.passed} == {}


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_says_whom_it_is_for(path: Path) -> None:
    first, second, third, *_ = path.read_text(encoding="utf-8").splitlines()
    assert first == "# yaml-language-server: $schema=../schemas/llm-router.v1.json"
    assert second == "#"
    assert third.startswith("# ")
    assert f"({path.name})" in (ROOT / "recipes" / "README.md").read_text(encoding="utf-8")
