"""The JSON Schema is that of the models, says yes and no as the loader does, and explains every key."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_router.spec.read import read, text_of
from llm_router.spec.schema import json_schema
from tests.spec.cases import RECIPES, VALID

SCHEMA = json_schema()
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)
FILE = Path(__file__).parents[2] / "schemas" / "llm-router.v1.json"
BLIND = {"LR216", "LR217", "LR218"}


def test_the_file_is_what_the_models_say() -> None:
    text = json.dumps(SCHEMA, indent=2, ensure_ascii=False) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        FILE.write_text(text, encoding="utf-8")
    assert FILE.read_text(encoding="utf-8") == text


def test_it_is_a_draft_7_schema() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)


def objects(node: Any) -> Iterator[dict[str, Any]]:
    """Yields every schema in the schema that has properties."""
    if isinstance(node, dict):
        if "properties" in node and "description" in node:
            yield node
        for value in node.values():
            yield from objects(value)
    elif isinstance(node, list):
        for value in node:
            yield from objects(value)


def test_every_key_is_described_for_editors() -> None:
    bare = [
        key
        for schema in objects(SCHEMA)
        for key, value in schema["properties"].items()
        if not value.get("description") or value.get("markdownDescription") != value["description"]
    ]
    assert bare == []


def test_every_key_of_a_section_has_examples_that_it_accepts() -> None:
    sections = {name: schema for name, schema in SCHEMA["definitions"].items() if name.endswith("Spec")}
    for name, section in [*sections.items(), ("", SCHEMA)]:
        for key, value in section["properties"].items():
            assert value["examples"], (name, key)
            for example in value["examples"]:
                schema = {**value, "definitions": SCHEMA["definitions"]}
                assert jsonschema.Draft7Validator(schema).is_valid(example), (name, key, example)


TREES = [read(path.read_bytes(), path.name).source.tree for path in (*VALID, *RECIPES)]
QUANTITIES = ["10", "5s", "0s", "80%", "1 USD", "1 EUR", "4k", "4K"]
REFERENCES = ["${env:X}", "${env:X:-a}", "${X}", "$X", "http://${env:X}/", "{{ x }}", "os.environ/X"]
NAMES = ["", "x", "a b", "A", "a/b", "a:b", "a: b", "none", "stop", "free", "any", "é"]
STRANGE = [None, True, 0, -1, 1.5, 5e-7, *QUANTITIES, *REFERENCES, *NAMES, [], {}, ["a"], {"a": 1}]
SPOTS = st.integers(0, 10_000)


def spots(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yields the path of every value in a tree."""
    entries = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for step, value in entries:
        yield (*path, step)
        yield from spots(value, (*path, step))


def changed(tree: Any, spot: int, value: Any, *, rename: bool) -> Any:
    """The tree with one value replaced, or one key renamed to it."""
    fresh = copy.deepcopy(tree)
    paths = list(spots(fresh))
    *above, last = paths[spot % len(paths)]
    node = fresh
    for step in above:
        node = node[step]
    if rename and isinstance(node, dict):
        node[value if isinstance(value, str) and value else "strange"] = node.pop(last)
    else:
        node[last] = value
    return fresh


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(TREES), SPOTS, st.sampled_from(STRANGE), st.booleans())
def test_schema_and_loader_agree_on_any_spec_that_was_changed(tree: Any, spot: int, value: Any, rename: bool) -> None:
    mutant = changed(tree, spot, value, rename=rename)
    found = read(text_of(mutant), "<spec>")
    codes = [diagnostic.code for diagnostic in found.diagnostics if diagnostic.code not in BLIND]
    complaints = [error.message for error in VALIDATOR.iter_errors(found.source.tree)]
    assert bool(codes) == bool(complaints), (mutant, codes, complaints)
