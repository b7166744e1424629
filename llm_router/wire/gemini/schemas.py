"""JSON Schema as the older fields `parameters` and `responseSchema` take it: a subset of OpenAPI 3.0's.

References are put in place, `null` among the types becomes `nullable`, `const` an `enum`, `oneOf` an `anyOf`; what only
annotates is left out. What the subset can't say, as a reference to itself or a `not`, is refused rather than loosened.
"""

from __future__ import annotations

from collections.abc import Mapping

from llm_router.messages import Json, JsonObject
from llm_router.wire.codec import Unsupported
from llm_router.wire.reading import as_list, as_object

_KEPT = frozenset(
    (
        *("type", "format", "title", "description", "nullable", "enum", "default", "example", "anyOf", "pattern"),
        *("items", "minItems", "maxItems", "properties", "required", "minProperties", "maxProperties"),
        *("minimum", "maximum", "minLength", "maxLength", "propertyOrdering"),
    )
)
_ANNOTATIONS = frozenset(
    ("$schema", "$id", "$comment", "$defs", "definitions", "examples", "deprecated", "readOnly", "writeOnly")
)
_DEEPEST = 32


def openapi_schema(schema: JsonObject) -> JsonObject:
    """The schema in the subset. Raises Unsupported."""
    return _translated(schema, schema, 0)


def _translated(schema: Json, root: JsonObject, depth: int) -> dict[str, Json]:
    if depth > _DEEPEST:
        raise Unsupported("a JSON Schema that refers to itself or is nested too deeply")
    node = _with_types(_in_place(as_object(schema), root))
    said: dict[str, Json] = {}
    for key, value in node.items():
        if key in _KEPT:
            said[key] = _below(key, value, root, depth + 1)
        elif key not in _ANNOTATIONS and not (key == "additionalProperties" and isinstance(value, bool)):
            raise Unsupported(f"`{key}` in a JSON Schema")
    return said


def _below(key: str, value: Json, root: JsonObject, depth: int) -> Json:
    if key == "properties":
        return {name: _translated(each, root, depth) for name, each in as_object(value).items()}
    if key == "items":
        return _translated(value, root, depth)
    if key == "anyOf":
        return [_translated(each, root, depth) for each in as_list(value)]
    return value


def _in_place(node: JsonObject, root: JsonObject) -> JsonObject:
    """The node with what it refers to, and with `allOf` of a single schema, in its own place."""
    for _ in range(_DEEPEST):
        if "$ref" in node:
            node = {**_referred(str(node["$ref"]), root), **_without(node, "$ref")}
        elif len(as_list(node.get("allOf"))) == 1:
            node = {**as_object(as_list(node["allOf"])[0]), **_without(node, "allOf")}
        else:
            return node
    raise Unsupported("a JSON Schema that refers to itself")


def _referred(reference: str, root: JsonObject) -> JsonObject:
    if not reference.startswith("#"):
        raise Unsupported(f"`{reference}`: a reference out of the JSON Schema")
    place: Json = root
    for step in reference.lstrip("#").strip("/").split("/"):
        place = as_object(place).get(step.replace("~1", "/").replace("~0", "~")) if step else place
    if not isinstance(place, Mapping):
        raise Unsupported(f"`{reference}`: a reference to nothing in the JSON Schema")
    return place


def _with_types(node: JsonObject) -> JsonObject:
    """The node with `nullable`, `enum` and `anyOf` where JSON Schema has other words for them."""
    said = dict(node)
    if "const" in said:
        said["enum"] = [said.pop("const")]
    if "oneOf" in said:
        said["anyOf"] = said.pop("oneOf")
    kinds = as_list(said.get("type"))
    if kinds:
        said |= _of_kinds([kind for kind in kinds if kind != "null"])
        said |= {"nullable": True} if "null" in kinds else {}
    branches = as_list(said.get("anyOf"))
    rest = [branch for branch in branches if as_object(branch).get("type") != "null"]
    if branches and len(rest) < len(branches):
        said |= {"anyOf": rest, "nullable": True}
    if len(rest) == 1 and branches:
        said = {**as_object(rest[0]), **_without(said, "anyOf")}
    return said


def _without(node: JsonObject, key: str) -> dict[str, Json]:
    return {name: value for name, value in node.items() if name != key}


def _of_kinds(kinds: list[Json]) -> dict[str, Json]:
    if len(kinds) != 1:
        raise Unsupported("several types in a JSON Schema")
    return {"type": kinds[0]}
