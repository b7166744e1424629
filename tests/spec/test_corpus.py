"""Every spec of the corpus is judged as it should be, in words that a golden file holds, and the schema agrees."""

from __future__ import annotations

import os
from pathlib import Path

import jsonschema
import pytest

from llm_router.diagnostics import render_text
from llm_router.policy.compile import compile_spec
from llm_router.spec.read import Reading, read
from llm_router.spec.schema import json_schema
from tests.spec.cases import INVALID, RECIPES, VALID

BLIND = {"LR216", "LR217", "LR218"}
"""What JSON Schema can't say: sums, prices finer than money, and what a default stands for."""

VALIDATOR = jsonschema.Draft7Validator(json_schema())


def name(path: Path) -> str:
    return path.stem


def reading(path: Path) -> Reading:
    return read(path.read_bytes(), path.name)


@pytest.mark.parametrize("path", [*VALID, *RECIPES], ids=name)
def test_a_valid_spec_is_read_without_a_word(path: Path) -> None:
    found = reading(path)
    assert render_text(found.diagnostics, {path.name: found.source.text}) == ""
    assert found.spec is not None


@pytest.mark.parametrize("path", INVALID, ids=name)
def test_an_invalid_spec_gets_the_words_of_its_golden_file(path: Path) -> None:
    found = reading(path)
    program, diagnostics = compile_spec(found)
    rendered = render_text(diagnostics, {path.name: found.source.text})
    golden = path.with_suffix(".txt")
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(rendered, encoding="utf-8")
    assert (found.spec, program) == (None, None)
    assert rendered == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", [*VALID, *INVALID, *RECIPES], ids=name)
def test_schema_and_loader_give_the_same_verdict(path: Path) -> None:
    found = reading(path)
    if any(diagnostic.code.startswith("LR1") for diagnostic in found.diagnostics):
        assert found.spec is None  # not a document that a schema could judge
        return
    structural = [diagnostic for diagnostic in found.diagnostics if diagnostic.code not in BLIND]
    complaints = [error.message for error in VALIDATOR.iter_errors(found.source.tree)]
    assert bool(complaints) == bool(structural), complaints


def test_the_corpus_is_large() -> None:
    assert len(VALID) >= 80
    assert len(INVALID) >= 120
