"""What the compiler says of a spec, where, and what a program is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from llm_router.diagnostics import Diagnostic, render_text
from llm_router.policy.compile import compile_spec
from llm_router.spec.read import read
from tests.policy.cases import HERE

PLANTED = yaml.safe_load((HERE / "planted.yaml").read_text(encoding="utf-8"))


def marks(text: str) -> Iterator[tuple[int, int, int]]:
    """Yields line, first and last column of what stands between marks, as if they weren't there."""
    for line, row in enumerate(text.splitlines(), start=1):
        for number, match in enumerate(re.finditer("«(.*?)»", row)):
            start = match.start() - 2 * number + 1
            yield line, start, start + len(match[1])


def say(found: Diagnostic) -> str:
    return f"{found.code} {found.message}{f'; {found.help}' if found.help else ''}"


@pytest.mark.parametrize("case", PLANTED, ids=lambda case: case["name"])
def test_a_planted_mistake_is_reported_at_its_place(case: dict[str, Any]) -> None:
    text = case["spec"].replace("«", "").replace("»", "")
    program, found = compile_spec(read(text, "spec.yaml"))
    rendered = render_text(found, {"spec.yaml": text})
    assert program is None
    places = [(each.span.line, each.span.column, each.span.end_column) for each in found]
    assert places == list(marks(case["spec"])), rendered
    if "found" in case:
        assert [say(each) for each in found] == case["found"]
    else:
        assert all(each.code.startswith(code) for each, code in zip(found, case["codes"], strict=True)), rendered
