"""Mistakes of all kinds are found in one run, and none is reported that only follows from another."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_router.diagnostics import Span, render_text
from llm_router.policy.compile import compile_spec
from llm_router.spec.read import read
from llm_router.spec.source import Path, Plain
from tests.spec.cases import RECIPES, VALID, together

CASES = list(together())


@pytest.mark.parametrize(("text", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_mistakes_of_all_kinds_are_found_at_once(text: str, expected: tuple[tuple[str, Span], ...]) -> None:
    program, found = compile_spec(read(text, "spec.yaml"))
    rendered = render_text(found, {"spec.yaml": text})
    assert program is None
    assert [(diagnostic.code, diagnostic.span) for diagnostic in found] == list(expected), rendered


def trees() -> Iterator[Plain]:
    """Yields the valid specs of the corpus that compile."""
    for path in (*VALID, *RECIPES):
        reading = read(path.read_bytes(), path.name)
        if compile_spec(reading)[0] is not None and isinstance(reading.source.tree, dict):
            yield reading.source.tree


def paths(tree: Plain, path: Path = ()) -> Iterator[Path]:
    """Yields the path of every value of a tree, but what only its tests say."""
    entries = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for step, value in entries:
        if path or step != "tests":
            yield (*path, step)
            yield from paths(value, (*path, step))


TREES = list(trees())
JUNK: tuple[Plain, ...] = ([[]], None, -5.5, {"?": 1}, "no such thing!")


@given(st.data())
def test_one_mistake_of_structure_never_brings_errors_of_meaning_with_it(data: st.DataObject) -> None:
    tree = data.draw(st.sampled_from(TREES))
    path = data.draw(st.sampled_from(list(paths(tree))))
    how = data.draw(st.sampled_from(("replaced", "renamed", "gone")))
    reading = read(json.dumps(_broken(tree, path, how, data)), "spec.yaml")
    if reading.spec is not None:
        return
    program, found = compile_spec(reading)
    assert program is None
    assert found == reading.diagnostics


def _broken(tree: Plain, path: Path, how: str, data: st.DataObject) -> Plain:
    """The tree with what is at the path replaced by junk, under another key, or left out."""
    if isinstance(tree, dict):
        entries: list[tuple[str | int, Plain]] = list(tree.items())
    else:
        entries = list(enumerate(tree)) if isinstance(tree, list) else []
    step, below = path[0], path[1:]
    fresh: list[tuple[str | int, Plain]] = []
    for key, value in entries:
        if key != step:
            fresh.append((key, value))
        elif below:
            fresh.append((key, _broken(value, below, how, data)))
        elif how == "replaced":
            fresh.append((key, data.draw(st.sampled_from(JUNK))))
        elif how == "renamed":
            fresh.append((f"{key}!", value))
    return {str(key): value for key, value in fresh} if isinstance(tree, dict) else [value for _, value in fresh]
