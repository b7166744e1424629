"""Invents a JSON value that fits a JSON Schema: the same schema gives the same value."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, floor

from llm_router.messages import Json, JsonObject

MAX_DEPTH = 12
"""Below this depth optional properties are left out, so that recursive schemas end."""

_FORMATS: Mapping[str, str] = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "time": "12:00:00Z",
    "duration": "PT1H",
    "email": "someone@example.com",
    "hostname": "host.example",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def invent(schema: JsonObject, text: str = "example") -> Json:
    """A value that `schema` accepts; `text` is what its free strings say.

    Covers what structured outputs allow: types, enums, constants, properties, items, bounds, formats, unions and
    references. A `pattern` is not solved.
    """
    return _Inventor(schema, text).value(schema, 0)


class _Inventor:
    """One schema under way; `root` resolves its references."""

    def __init__(self, root: JsonObject, text: str) -> None:
        self._root = root
        self._text = text

    def value(self, schema: Json, depth: int) -> Json:
        """A value for one part of the schema."""
        if not isinstance(schema, Mapping):
            return None
        schema = self._merged(schema, depth)
        for key in ("const", "default"):
            if key in schema:
                return schema[key]
        options = schema.get("enum")
        if isinstance(options, list) and options:
            first: Json = options[0]
            return first
        return self._typed(schema, depth)

    def _merged(self, schema: JsonObject, depth: int) -> JsonObject:
        """The schema with its reference followed, one branch of each union taken and `allOf` joined."""
        for _ in range(MAX_DEPTH):
            if "$ref" in schema:
                schema = {**self._followed(str(schema["$ref"])), **_without(schema, "$ref")}
            elif "anyOf" in schema or "oneOf" in schema:
                key = "anyOf" if "anyOf" in schema else "oneOf"
                schema = {**_without(schema, key), **_branch(schema[key], depth)}
            elif "allOf" in schema:
                schema = _joined(schema)
            else:
                return schema
        return schema

    def _followed(self, reference: str) -> JsonObject:
        place: Json = self._root
        for step in reference.removeprefix("#").strip("/").split("/"):
            name = step.replace("~1", "/").replace("~0", "~")
            place = place.get(name) if isinstance(place, Mapping) and name else place
        return place if isinstance(place, Mapping) else {}

    def _typed(self, schema: JsonObject, depth: int) -> Json:
        match _type_of(schema, depth):
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, depth)
            case "integer":
                return floor(_chosen(schema, step=_bound(schema, "multipleOf", 1) or 1))
            case "number":
                step = schema.get("multipleOf")
                return _chosen(schema, step=step if isinstance(step, (int, float)) else None)
            case "boolean":
                return True
            case "null":
                return None
            case _:
                return self._string(schema)

    def _object(self, schema: JsonObject, depth: int) -> Json:
        properties = schema.get("properties")
        required = schema.get("required")
        needed = [str(name) for name in required] if isinstance(required, list) else []
        known = dict(properties) if isinstance(properties, Mapping) else {}
        names = [name for name in known if depth < MAX_DEPTH or name in needed]
        rest = schema.get("additionalProperties")
        further = [name for name in needed if name not in known]
        return {
            **{name: self.value(known[name], depth + 1) for name in names},
            **{name: self.value(rest if isinstance(rest, Mapping) else {}, depth + 1) for name in further},
        }

    def _array(self, schema: JsonObject, depth: int) -> Json:
        places = schema.get("prefixItems")
        made = [self.value(item, depth + 1) for item in places] if isinstance(places, list) else []
        low, high = _bound(schema, "minItems", 0), _bound(schema, "maxItems", None)
        wanted = max(low or 0, 0 if depth >= MAX_DEPTH or made or high == 0 else 1)
        item = schema.get("items", {})
        while len(made) < wanted:
            made.append(self._distinct(self.value(item, depth + 1), len(made), schema))
        return made

    def _distinct(self, value: Json, place: int, schema: JsonObject) -> Json:
        """`value`, told apart from its neighbours where these must be unique."""
        if place == 0 or not schema.get("uniqueItems"):
            return value
        item = schema.get("items")
        options = item.get("enum") if isinstance(item, Mapping) else None
        if isinstance(options, list) and place < len(options):
            option: Json = options[place]
            return option
        return f"{value} {place}" if isinstance(value, str) else value + place if isinstance(value, int) else value

    def _string(self, schema: JsonObject) -> Json:
        named = schema.get("format")
        if isinstance(named, str) and named in _FORMATS:
            return _FORMATS[named]
        low, high = _bound(schema, "minLength", 0), _bound(schema, "maxLength", None)
        text = self._text if len(self._text) >= (low or 0) else self._text.ljust(low or 0, ".")
        return text if high is None else text[:high]


def _chosen(schema: JsonObject, *, step: float | None) -> float:
    """1 where it fits, else the nearest number that does."""
    gap = step or 0.5
    low = max(_bounds(schema, "minimum", "exclusiveMinimum", gap), default=None)
    high = min(_bounds(schema, "maximum", "exclusiveMaximum", -gap), default=None)
    value = 1 if low is None else max(1, low)
    value = value if high is None else min(value, high)
    if step is None:
        return value
    up = ceil(value / step) * step
    return up if high is None or up <= high else floor(value / step) * step


def _bounds(schema: JsonObject, included: str, excluded: str, gap: float) -> list[float]:
    """The bounds on one side, each as a number that is itself allowed."""
    bounds = ((schema.get(included), 0.0), (schema.get(excluded), gap))
    return [value + shift for value, shift in bounds if isinstance(value, (int, float)) and not isinstance(value, bool)]


def _bound(schema: JsonObject, key: str, default: int | None) -> int | None:
    bound = schema.get(key)
    return int(bound) if isinstance(bound, (int, float)) else default


def _type_of(schema: JsonObject, depth: int) -> str:
    kind = schema.get("type")
    if isinstance(kind, list) and kind:
        useful = [str(word) for word in kind if word != "null"]
        return "null" if (depth >= MAX_DEPTH and "null" in kind) or not useful else useful[0]
    if isinstance(kind, str):
        return kind
    if "properties" in schema:
        return "object"
    return "array" if "items" in schema or "prefixItems" in schema else "string"


def _branch(branches: Json, depth: int) -> JsonObject:
    """One branch of a union: the first, or deep down the one that ends soonest."""
    if not isinstance(branches, list) or not branches:
        return {}
    plain = [one for one in branches if isinstance(one, Mapping)]
    shallow = [one for one in plain if one.get("type") in ("null", "string", "integer", "number", "boolean")]
    return (shallow if depth >= MAX_DEPTH and shallow else plain or [{}])[0]


def _joined(schema: JsonObject) -> JsonObject:
    """`allOf` folded into the schema: properties and required names are united, of the rest the last word holds."""
    parts = schema.get("allOf")
    merged: dict[str, Json] = dict(_without(schema, "allOf"))
    for part in parts if isinstance(parts, list) else []:
        if not isinstance(part, Mapping):
            continue
        for key, value in part.items():
            merged[key] = _united(merged.get(key), value)
    return merged


def _united(old: Json, new: Json) -> Json:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return {**old, **new}
    return [*old, *new] if isinstance(old, list) and isinstance(new, list) else new


def _without(schema: JsonObject, key: str) -> JsonObject:
    return {name: value for name, value in schema.items() if name != key}
