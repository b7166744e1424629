"""Every lint finds what it is for, at its place, and nothing else; its documentation teaches."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TypedDict

import pytest
import yaml

from llm_router.policy.compile import compile_spec
from llm_router.policy.lint import LINTS, Lint
from llm_router.spec.read import read


class Case(TypedDict):
    name: str
    spec: str
    found: list[str]


CASES: list[Case] = yaml.safe_load(Path(__file__).with_name("cases.yaml").read_text(encoding="utf-8"))


def found(spec: str) -> list[str]:
    """All that is said of a spec that compiles, as the cases write it."""
    program, diagnostics = compile_spec(read(spec, "spec.yaml"))
    assert program is not None, diagnostics
    return [f"{each.code} {each.span.line}:{each.span.column} {each.message}" for each in diagnostics]


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_the_linter_says_this_and_nothing_else(case: Case) -> None:
    assert found(case["spec"]) == case["found"]


def test_every_lint_has_a_case() -> None:
    shown = {line.split()[0] for case in CASES for line in case["found"]}
    assert {lint.code for lint in LINTS} - shown == {"LR404"}


def test_an_analysis_that_is_given_up_says_so() -> None:
    texts = [f'metadata.k{number} contains "a{number}"' for number in range(40)]
    tangle = " and ".join(f"({one} or {other})" for one in texts[::2] for other in texts[1::2])
    metadata = "\n".join(f"  k{number}: text" for number in range(40))
    use = "[openai:gpt-4o, mistral:mistral-large-latest]"
    spec = f"version: 1\nmetadata:\n{metadata}\nrules:\n  - if: {tangle}\n    use: {use}\n  - use: {use}\n"
    assert [line.split()[0] for line in found(spec)] == ["LR404"]


@pytest.mark.parametrize("lint", LINTS, ids=[lint.name for lint in LINTS])
def test_a_lint_documents_what_why_and_an_example(lint: Lint) -> None:
    first, *rest = (inspect.getdoc(lint.find) or "").splitlines()
    assert first.endswith(".")
    assert [line.split(":")[0] for line in rest if line.startswith(("What:", "Why:", "Example:"))] == [
        "What",
        "Why",
        "Example",
    ]


def test_codes_and_names_are_unique_and_sorted() -> None:
    codes = [lint.code for lint in LINTS]
    assert codes == sorted(set(codes))
    assert len({lint.name for lint in LINTS}) == len(LINTS)
