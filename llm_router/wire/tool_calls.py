"""What dialects share of tool calls: their arguments as an object, ids for those without, and results as text."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from llm_router.messages import JsonObject, Text, ToolCall, ToolResult
from llm_router.wire.codec import Unsupported
from llm_router.wire.reading import parse


def arguments_of(call: ToolCall) -> JsonObject:
    """The arguments, empty where there are none. Raises Unsupported where they aren't a JSON object."""
    try:
        arguments = parse(call.arguments or "{}")
    except ValueError:
        arguments = None
    if not isinstance(arguments, Mapping):
        raise Unsupported(f"a call of `{call.name}` whose arguments aren't a JSON object")
    return arguments


def result_text(result: ToolResult) -> str:
    """The result as text; an error says so, for dialects that have no flag for it. Raises Unsupported for media."""
    texts = [part.text for part in result.parts if isinstance(part, Text)]
    if len(texts) != len(result.parts):
        raise Unsupported("media in a tool result")
    text = "".join(texts)
    return f"Error: {text}" if result.is_error and not text.lower().startswith("error") else text


def made_call_id(*of: object) -> str:
    """An id for a call that has none: the same for the same reply and place, so that a replay gives it again."""
    digest = hashlib.sha256("\0".join(str(part) for part in of).encode("utf-8", "replace")).hexdigest()
    return f"call_{digest[:20]}"
