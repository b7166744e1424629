"""The shape of the code holds to its rules: file and function lengths, parameters, names."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(
    path
    for folder in ("llm_router", "integrations")
    for path in (ROOT / folder).rglob("*.py")
    if ".venv" not in path.parts
)
LONGEST_FILE = 500
LONGEST_FUNCTION = 50
MOST_PARAMETERS = 5
BANNED_MODULES = {"utils", "common", "helpers", "base", "manager"}
BANNED_IN_CLASS_NAMES = ("Manager", "Handler", "Helper", "Util")

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def tree(path: Path) -> ast.Module:
    """The file as Python reads it."""
    return ast.parse(path.read_text())


def functions(path: Path) -> Iterator[Function]:
    """Every function of a file."""
    for node in ast.walk(tree(path)):
        if isinstance(node, Function):
            yield node


def length(function: Function) -> int:
    """Lines of a function without its docstring."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_is_one_idea(path: Path) -> None:
    assert path.read_text().count("\n") <= LONGEST_FILE
    assert path.stem not in BANNED_MODULES


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_function_is_one_thought(path: Path) -> None:
    long = {f"{function.name}:{function.lineno}": length(function) for function in functions(path)}
    assert {name: lines for name, lines in long.items() if lines > LONGEST_FUNCTION} == {}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_call_stays_readable(path: Path) -> None:
    for function in functions(path):
        positional = [*function.args.posonlyargs, *function.args.args]
        named = [argument.arg for argument in positional if argument.arg not in {"self", "cls"}]
        assert len(named) <= MOST_PARAMETERS, f"{function.name}:{function.lineno}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_classes_are_named_for_what_they_are(path: Path) -> None:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ClassDef):
            assert not node.name.endswith(BANNED_IN_CLASS_NAMES), node.name


def test_the_median_function_is_short() -> None:
    lengths = sorted(length(function) for path in FILES for function in functions(path))
    assert lengths[len(lengths) // 2] <= 10
    assert lengths[int(len(lengths) * 0.9)] <= 31


def test_the_top_level_holds_what_was_settled() -> None:
    settled = {
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "CHANGELOG.md",
        "llm_router",
        "integrations",
        "schemas",
        "recipes",
        "tests",
    }
    ignored = {"uv.lock", "build", "dist"}
    names = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    assert names - ignored == settled
