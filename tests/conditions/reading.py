"""Reading conditions out of small files, under one set of declarations."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

from llm_router.diagnostics import Diagnostic, in_order
from llm_router.spec.conditions.condition import ALWAYS, Condition
from llm_router.spec.conditions.expression import read_if
from llm_router.spec.conditions.feature_types import Declarations, MetadataType, Placement
from llm_router.spec.conditions.when import read_when
from llm_router.spec.source import read_source

HERE = Path(__file__).parent

DECLARATIONS = Declarations(
    tasks=("code", "chat", "simple_qa", "analysis"),
    metadata={
        "pii": MetadataType("boolean", absent=True),
        "team": MetadataType("word", ("search", "support")),
        "tenant": MetadataType("text"),
        "score": MetadataType("number"),
        "cost-center": MetadataType("word", ("it", "hr")),
        "trace.source": MetadataType("text"),
    },
)
PLACEMENT = Placement(("openai", "local"), ("gpt", "pocket"), ("region", "tier"))


def cases(name: str) -> list[dict[str, object]]:
    """The cases of one file."""
    found: list[dict[str, object]] = yaml.safe_load((HERE / f"{name}.yaml").read_text(encoding="utf-8"))
    return found


def read_spec(text: str) -> tuple[Condition, tuple[Diagnostic, ...]]:
    """The condition of a file with one of `if`, `when`, `only`, and what was reported."""
    source, broken = read_source(text, "spec.yaml")
    assert not broken, broken
    assert isinstance(source.tree, dict)
    found: list[Diagnostic] = []
    for key, node in source.tree.items():
        declared = PLACEMENT if key == "only" else DECLARATIONS
        read = read_if if key == "if" else read_when
        return read(node, (key,), source, declared, found.append), in_order(found)
    return ALWAYS, ()


def condition_of(text: str) -> Condition:
    """The condition of an expression that is well written."""
    condition, found = read_spec(yaml.safe_dump({"if": text}, width=10_000, allow_unicode=True))
    assert not found, found
    return condition


def values_of(plain: Mapping[str, object]) -> dict[str, object]:
    """A request's features, of a case."""
    return {name: frozenset(value) if isinstance(value, list) else value for name, value in plain.items()}
