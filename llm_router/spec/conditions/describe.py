"""Conditions for the JSON Schema: every feature and operator described, so that editors complete and explain them.

Whether a condition is right is for its readers to say, with better words than a schema has; so nothing here forbids.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llm_router.spec.conditions.condition import Op
from llm_router.spec.conditions.feature_types import Covering, Declarations, FeatureType, Placement, features_of

_FEATURES: Mapping[str, str] = {
    "task": "What is to be done: one of `tasks`.",
    "cost": "How much it may cost: low, medium, high.",
    "budget": "The same as `cost`.",
    "speed": "How fast it must be: slow, normal, fast, critical.",
    "capability": "What the answerer must be able to do; also filters by `supports`.",
    "requested_model": "The name that the caller asked for.",
    "user": "Who asks.",
    "session": "Which conversation.",
    "run": "Which agent run.",
    "tags": "The caller's tags.",
    "input_tokens": "Tokens of the request, as `{above: 100k}`.",
    "max_output_tokens": "The cap on the answer's tokens.",
    "messages": "How many messages the conversation has.",
    "text": "The last text of the user.",
    "transcript": "All text of the request.",
    "has_images": "Whether it has images.",
    "has_files": "Whether it has files.",
    "has_tools": "Whether it has tools.",
    "wants_json": "Whether it wants JSON.",
    "stream": "Whether the answer is streamed.",
    "hour": "The hour in `timezone`, 0 to 23, as `{between: [9, 17]}`.",
    "weekday": "The day in `timezone`: mon … sun.",
    "provider": "The provider's name.",
    "deployment": "The deployment's name.",
    "model": "The model's name on the wire.",
    "rule": "The rule that decided.",
    "local": "Whether it runs on this machine.",
}

_OPERATORS: Mapping[Op, str] = {
    "is": "Equals the value.",
    "not": "Doesn't equal it, or any of a list.",
    "in": "Is one of a list.",
    "above": "Is more.",
    "at_least": "Is as much or more.",
    "below": "Is less.",
    "at_most": "Is as much or less.",
    "between": "Lies between two values, both included.",
    "has": "The set has the word.",
    "contains": "The text has it in it, in upper or lower case.",
    "matches": "The text fits a glob with `*` and `?`, in upper or lower case.",
    "exists": "`true`: the caller said it; `false`: not.",
}

_MANY: Mapping[str, str] = {
    "all": "All of these hold.",
    "any": "At least one of these holds.",
    "not": "This doesn't hold.",
}


def condition_schema() -> dict[str, Any]:
    """What `when` may have: features, and `all`, `any`, `not`."""
    features = {**features_of(Declarations()), "budget": features_of(Declarations())["cost"]}
    nested = {"anyOf": [{"$ref": "#/definitions/when"}, {}]}
    several = {"anyOf": [{"type": "array", "items": nested}, {}]}
    joined = {name: {**_described(text), **(nested if name == "not" else several)} for name, text in _MANY.items()}
    return {
        "type": "object",
        "minProperties": 1,
        **_described("A condition: every feature must have its value; `all`, `any` and `not` combine."),
        "properties": {**{name: _feature(name, kind) for name, kind in features.items()}, **joined},
        "patternProperties": {
            r"^metadata\.": _described("What the caller says of a key that is declared in `metadata`."),
            r"^spent\.": _described("The share of a budget that is gone, as `{above: 80%}`."),
            r"^env\.": _described("A variable of the environment, read when the router is made."),
        },
    }


def coverage_schema() -> dict[str, Any]:
    """What `for` may have: what `when` may, and who is asked under which rule."""
    asked = Covering().attempt()
    base = condition_schema()
    properties = {**base["properties"], **{name: _feature(name, kind) for name, kind in asked.items()}}
    patterns = {name: schema for name, schema in base["patternProperties"].items() if "spent" not in name}
    described = _described("What is counted: every feature must have its value; `all`, `any` and `not` combine.")
    return {**base, **described, "properties": properties, "patternProperties": patterns}


def placement_schema() -> dict[str, Any]:
    """What `only` and `never` may have: facts of deployments."""
    features = features_of(Placement())
    return {
        "type": "object",
        "minProperties": 1,
        **_described("Facts about a deployment: every one must have its value."),
        "properties": {name: _feature(name, kind) for name, kind in features.items()},
        "patternProperties": {r"^labels\.": _described("A label of the deployment or its provider.")},
    }


def _feature(name: str, kind: FeatureType) -> dict[str, Any]:
    """One feature: its values, a list of them, or an operator; anything else passes to those who explain better."""
    value: dict[str, Any] = {"enum": list(kind.words)} if kind.words else {"type": _JSON_TYPES.get(kind.kind, "string")}
    forms = [value, {"type": "array", "items": {"anyOf": [value, {}]}}, {"$ref": "#/definitions/operators"}, {}]
    return {**_described(_FEATURES[name]), "anyOf": forms}


def operators_schema() -> dict[str, Any]:
    """What a feature may be compared by."""
    return {"type": "object", "properties": {operator: _described(text) for operator, text in _OPERATORS.items()}}


_JSON_TYPES: Mapping[str, str] = {"boolean": "boolean"}


def _described(text: str) -> dict[str, Any]:
    return {"description": text, "markdownDescription": text}
