"""The case files of the spec tests: the corpus, and mistakes planted at a marked place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from llm_router.diagnostics import Span

HERE = Path(__file__).parent
VALID = sorted((HERE / "corpus" / "valid").glob("*.yaml"))
INVALID = sorted((HERE / "corpus" / "invalid").glob("*.yaml"))
RECIPES = sorted((HERE.parents[1] / "recipes").glob("*.yaml"))

OPEN, CLOSE = "«", "»"


@dataclass(frozen=True, slots=True)
class Planted:
    """One planted mistake: the spec's text without marks, and what must be reported where."""

    name: str
    text: str
    code: str
    span: Span
    also: tuple[str, ...] = ()


def planted(stage: str) -> Iterator[Planted]:
    """Yields the planted mistakes of one file."""
    path = HERE / "planted" / f"{stage}.yaml"
    for case in yaml.safe_load(path.read_text(encoding="utf-8")) or []:
        marked = _whole(case["spec"])
        assert marked.count(OPEN) == marked.count(CLOSE) == 1, f"{case['name']}: one mark"
        also = tuple(case.get("also", ()))
        yield Planted(case["name"], marked.replace(OPEN, "").replace(CLOSE, ""), case["code"], _span(marked), also)


def together() -> Iterator[tuple[str, str, tuple[tuple[str, Span], ...]]]:
    """Yields specs with several marked mistakes: name, text without marks, and code and place of each."""
    path = HERE / "planted" / "together.yaml"
    for case in yaml.safe_load(path.read_text(encoding="utf-8")):
        marked, spans = case["spec"], []
        while OPEN in marked:
            first, last = marked.index(OPEN), marked.index(CLOSE) + 1
            spans.append(_span(marked[:last]))
            marked = marked[:first] + marked[first + 1 : last - 1] + marked[last:]
        yield case["name"], marked, tuple(zip(case["codes"], spans, strict=True))


def _whole(text: str) -> str:
    if text.startswith(("version:", f"{OPEN}version:")) or "\nversion" in text:
        return text
    rules = "" if "rules" in text else "rules: [{use: openai:gpt-4o-mini}]\n"
    return f"version: 1\n{text.rstrip()}\n{rules}"


def _span(marked: str) -> Span:
    line, column = _place(marked, marked.index(OPEN))
    end_line, end_column = _place(marked.replace(OPEN, ""), marked.replace(OPEN, "").index(CLOSE))
    return Span("spec.yaml", line, column, end_line, end_column)


def _place(text: str, index: int) -> tuple[int, int]:
    return text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index)
