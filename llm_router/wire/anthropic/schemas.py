"""Fits a JSON Schema to the part of JSON Schema that constrained decoding knows.

An object gets `additionalProperties: false`, as it must: that narrows what may come, and what comes still fits the
caller's schema. Keywords that are not known (`minimum`, `pattern`, `maxItems`, …) go into the description, where the
model can read them; the answer is held to the caller's own schema afterwards. What can't be said so is no schema for
it: an object of any keys, a value of any type, a schema that contains itself.
Source: docs/structured-outputs, JSON Schema limitations, 2026.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from llm_router.messages import Json, JsonObject

_KEPT = ("type", "enum", "const", "default", "title", "description", "required", "$ref")
_NESTED = ("properties", "$defs", "definitions")
_CHOICES = ("anyOf", "oneOf", "allOf")
_FORMATS = ("date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid")
_UNTOLD = ("$schema", "$id", "examples", "additionalProperties", "strict")
_TYPING = ("type", "enum", "const", "$ref", *_CHOICES)


class _Unfit(Exception):
    """There is no way to say this."""


def fitted(schema: JsonObject) -> JsonObject | None:
    """The schema in the known part of the language, None where it can't be said there."""
    try:
        if _contains_itself(schema):
            return None
        return _fit(schema)
    except (_Unfit, RecursionError):
        return None


def _fit(schema: Json) -> JsonObject:
    if not isinstance(schema, Mapping) or not any(word in schema for word in _TYPING):
        raise _Unfit
    made: dict[str, Json] = {name: schema[name] for name in _KEPT if name in schema}
    for name in _NESTED:
        made |= {name: _fit_each(schema[name])} if name in schema else {}
    for name in _CHOICES:
        if isinstance(options := schema.get(name), Sequence):
            made["allOf" if name == "allOf" else "anyOf"] = [_fit(option) for option in options]
    made |= {**_object(schema), **_array(schema), **_format(schema)}
    return _described(made, schema)


def _fit_each(schemas: Json) -> JsonObject:
    if not isinstance(schemas, Mapping):
        raise _Unfit
    return {name: _fit(schema) for name, schema in schemas.items()}


def _object(schema: JsonObject) -> JsonObject:
    """An object's end: no keys but those that are named. One that names none can hold none."""
    if not _is_a(schema, "object"):
        return {}
    if not schema.get("properties") and schema.get("additionalProperties") is not False:
        raise _Unfit
    return {"additionalProperties": False}


def _array(schema: JsonObject) -> JsonObject:
    if not _is_a(schema, "array"):
        return {}
    least = schema.get("minItems")
    said: JsonObject = {"minItems": least} if least in (0, 1) else {}
    return {"items": _fit(schema.get("items")), **said}


def _format(schema: JsonObject) -> JsonObject:
    return {"format": schema["format"]} if schema.get("format") in _FORMATS else {}


def _described(made: JsonObject, schema: JsonObject) -> JsonObject:
    """The schema with what it can't say as words."""
    rest = {name: value for name, value in schema.items() if name not in (*made, *_CHOICES, *_UNTOLD)}
    if not rest:
        return made
    said = made.get("description")
    words = json.dumps(rest, ensure_ascii=False, sort_keys=True)
    return {**made, "description": f"{said}\n{words}" if said else words}


def _is_a(schema: JsonObject, kind: str) -> bool:
    types = schema.get("type")
    return kind == types or (isinstance(types, list) and kind in types)


def _contains_itself(schema: JsonObject) -> bool:
    """Whether following references from any definition comes back to it, or to the whole."""
    definitions = {
        f"#/{place}/{name}": body for place in ("$defs", "definitions") for name, body in _items(schema.get(place))
    }
    below = {name: _references(body) for name, body in definitions.items()}
    if "#" in _references(schema):
        return True
    return any(_reaches(name, name, below, set()) for name in definitions)


def _items(value: Json) -> Sequence[tuple[str, Json]]:
    return tuple(value.items()) if isinstance(value, Mapping) else ()


def _references(value: Json) -> set[str]:
    if isinstance(value, Mapping):
        own = value.get("$ref")
        found = {own} if isinstance(own, str) else set()
        return found.union(*(_references(item) for item in value.values()))
    if isinstance(value, list | tuple):
        return set().union(*(_references(item) for item in value))
    return set()


def _reaches(name: str, goal: str, below: Mapping[str, set[str]], seen: set[str]) -> bool:
    for reference in below.get(name, set()) - seen:
        seen.add(reference)
        if reference == goal or _reaches(reference, goal, below, seen):
            return True
    return False
