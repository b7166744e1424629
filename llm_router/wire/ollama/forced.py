"""Calls that must be made, of which Ollama knows nothing, as content that it is held to.

For `tool_choice: required` or a named tool, `format` is the schema of one call: `{"tool_to_call": name, "arguments":
{…}}`, of that tool or of any of them. The model reads of the tools in words; they aren't sent as tools, so that it
doesn't call them in its own form, which isn't held to anything. Content of this form is read as the call. A tool's own
references point into `$defs` of the whole, where its parameters stand.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from llm_router.messages import ChatRequest, Json, JsonFormat, JsonObject, NamedTool, Tool
from llm_router.wire.codec import Unsupported
from llm_router.wire.json_answers import in_words
from llm_router.wire.reading import as_object, parse

_KEY = "tool_to_call"
_HEAD = f'{{"{_KEY}":"'
_CALL = re.compile(rf'\s*\{{\s*"{_KEY}"\s*:\s*("(?:[^"\\]|\\.)*")\s*,\s*"arguments"\s*:\s*(.*)', re.DOTALL)


def forced_tools(request: ChatRequest) -> Sequence[Tool]:
    """The tools of which one must be called. Raises Unsupported beside a form of the answer: there is one `format`."""
    choice = request.tool_choice
    if choice in (None, "auto", "none"):
        return ()
    tools = [tool for tool in request.tools if not isinstance(choice, NamedTool) or tool.name == choice.name]
    if tools and request.response_format is not None:
        raise Unsupported("an answer in JSON beside a call that must be made")
    return tools


def call_schema(tools: Sequence[Tool]) -> JsonObject:
    """The JSON Schema of a call of one of these tools."""
    defined: dict[str, Json] = {f"arguments_{place}": _arguments(tool, place) for place, tool in enumerate(tools)}
    calls: list[Json] = [_call(tool, place) for place, tool in enumerate(tools)]
    whole = calls[0] if len(calls) == 1 and isinstance(calls[0], Mapping) else {"anyOf": calls}
    return {**whole, "$defs": defined}


def told(schema: JsonObject) -> str:
    """What the model reads of it."""
    return f"Call a tool now. {in_words(JsonFormat(schema))}"


def may_be_call(content: str) -> bool:
    """Whether content that begins so may be a call."""
    begun = re.sub(r"\s", "", content)[: len(_HEAD)]
    return bool(begun) and _HEAD.startswith(begun)


def read_call(content: str) -> tuple[str, str] | None:
    """Name and arguments of the call that the content is, the latter as far as they came; None where it is none."""
    found = _CALL.match(content)
    if found is None:
        return None
    try:
        whole = isinstance(parse(content), Mapping)
        name = str(json.loads(found[1]))
    except ValueError:
        whole, name = False, found[1][1:-1]
    return name, found[2].rstrip()[:-1].rstrip() if whole else found[2]


def _call(tool: Tool, place: int) -> JsonObject:
    call: JsonObject = {
        "type": "object",
        "properties": {
            _KEY: {"type": "string", "enum": [tool.name]},
            "arguments": {"$ref": f"#/$defs/arguments_{place}"},
        },
        "required": [_KEY, "arguments"],
        "additionalProperties": False,
    }
    return {"description": tool.description, **call} if tool.description else call


def _arguments(tool: Tool, place: int) -> Json:
    return {"type": "object", **as_object(_moved(tool.parameters, f"#/$defs/arguments_{place}"))}


def _moved(schema: Json, place: str) -> Json:
    """The schema with its references to itself pointing to where it stands."""
    if isinstance(schema, list):
        return [_moved(each, place) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    moved = {key: _moved(value, place) for key, value in schema.items()}
    target = schema.get("$ref")
    return {**moved, "$ref": place + target[1:]} if isinstance(target, str) and target.startswith("#") else moved
