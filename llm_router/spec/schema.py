"""The JSON Schema (draft-07) of the spec file, made from the models, so that editors complete and explain every key.

The models give types, descriptions and examples; sections add the rules between their keys; the features of
conditions come from their own table. It says yes and no exactly as the loader does.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from typing import Any

from llm_router.spec import model
from llm_router.spec.conditions.describe import condition_schema, coverage_schema, operators_schema, placement_schema
from llm_router.spec.scalars import SHARED, STANDS_FOR
from llm_router.spec.section import DEFAULT, Section

IDENTIFIER = "http://json-schema.org/draft-07/schema#"


def json_schema() -> dict[str, Any]:
    """The whole schema, keys in the order of the file."""
    generated = model.Spec.model_json_schema(ref_template="#/definitions/{model}")
    definitions = generated.pop("$defs")
    shared = _Shared()
    sections = {name: _section(name, shared.tidy(definition)) for name, definition in sorted(definitions.items())}
    top = _section("Spec", shared.tidy(generated))
    conditions = {
        "when": condition_schema(),
        "placement": placement_schema(),
        "coverage": coverage_schema(),
        "operators": operators_schema(),
    }
    return {
        "$schema": IDENTIFIER,
        "title": "llm-router spec, version 1",
        **top,
        "definitions": {**sections, **conditions, **shared.definitions},
    }


def _section(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """A section's schema with the rules between its keys."""
    section = getattr(model, name, None)
    if not (isinstance(section, type) and issubclass(section, Section)):
        return schema
    rules = [constraint.schema() for constraint in section.constraints]
    return {**schema, "allOf": rules} if rules else schema


class _Shared:
    """Makes draft-07 of what pydantic generates, and collects the scalars that many keys share."""

    def __init__(self) -> None:
        self.definitions: dict[str, Any] = {}

    def tidy(self, node: Any) -> Any:
        """No null (absent is absent), nothing beside a `$ref`, closed mappings, one text for both kinds of help."""
        if isinstance(node, list):
            return [self.tidy(item) for item in node]
        if not isinstance(node, Mapping):
            return node
        tidy = {key: self._value(key, value) for key, value in node.items() if not _is_mark(key, value)}
        tidy = self._refer(_without_null(tidy))
        if DEFAULT in tidy:
            tidy["default"] = tidy.pop(DEFAULT)
        if "patternProperties" in tidy:
            tidy["additionalProperties"] = False
        if "$ref" in tidy and len(tidy) > 1:
            tidy["allOf"] = [{"$ref": tidy.pop("$ref")}]
        if "description" in tidy:
            tidy["markdownDescription"] = tidy["description"]
        return tidy

    def _value(self, key: str, value: Any) -> Any:
        """The value of a keyword; examples and enums are data, the names of properties no keywords."""
        if key in ("examples", "enum", "const", "required"):
            return value
        if key in ("properties", "patternProperties"):
            return {name: self.tidy(schema) for name, schema in value.items()}
        return self.tidy(value)

    def _refer(self, node: dict[str, Any]) -> dict[str, Any]:
        """The node with a reference to what is written once."""
        if STANDS_FOR in node:
            node["$ref"] = f"#/definitions/{node.pop(STANDS_FOR)}"
        if SHARED in node:
            noun = node.pop(SHARED)
            node["$ref"] = f"#/definitions/{self._define(noun, {'anyOf': node.pop('anyOf')})}"
        return node

    def _define(self, noun: str, schema: dict[str, Any]) -> str:
        """The name of a shared schema: its noun, numbered where several go by it."""
        plain = re.sub(r"[^a-z]+", "-", noun.removeprefix("a ").removeprefix("an ")).strip("-")
        for number in itertools.count(1):
            name = plain if number == 1 else f"{plain}-{number}"
            if self.definitions.setdefault(name, schema) == schema:
                break
        return name


def _is_mark(key: str, value: Any) -> bool:
    """Whether this is a title or default that pydantic makes of a field, and nobody wrote."""
    made = key == "title" and isinstance(value, str)
    return made or key == "propertyNames" or (key == "default" and not value)


def _without_null(node: dict[str, Any]) -> dict[str, Any]:
    """The node without the alternative of nothing; a single alternative left takes its place."""
    alternatives = node.get("anyOf")
    if not isinstance(alternatives, list) or {"type": "null"} not in alternatives:
        return node
    left = [alternative for alternative in alternatives if alternative != {"type": "null"}]
    rest = {key: value for key, value in node.items() if key != "anyOf"}
    return {**left[0], **rest} if len(left) == 1 else {**rest, "anyOf": left}
