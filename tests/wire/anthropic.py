"""What the tests of the Messages API share: the vendor's own types, and recorded requests in neutral form."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from anthropic.types.message_create_params import MessageCreateParamsNonStreaming, MessageCreateParamsStreaming
from pydantic import TypeAdapter

from llm_router.messages import (
    ChatRequest,
    JsonFormat,
    Media,
    Message,
    NamedTool,
    Part,
    Reasoning,
    Settings,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    system,
)
from tests.wire.test_vendor_types import exhaust

_CHOICES = {"auto": "auto", "any": "required", "none": "none"}


@cache
def _types() -> TypeAdapter[Any]:
    return TypeAdapter(MessageCreateParamsNonStreaming | MessageCreateParamsStreaming)


def allowed_by_vendor(body: object) -> None:
    """Raises unless Anthropic's library takes the body as a message's."""
    exhaust(_types().validate_python(body))


def neutral(body: dict[str, Any]) -> ChatRequest:
    """The request that a recorded body makes; what has no neutral form stays in `extra`."""
    rest = dict(body)
    for key in ("model", "stream"):
        rest.pop(key, None)
    said = rest.pop("system", None) or []
    lead = [system(said)] if isinstance(said, str) else [Message("system", tuple(map(_part, said)))]
    messages = [*(lead if said else []), *(one for each in rest.pop("messages") for one in _messages(each))]
    tools = tuple(_tool(tool) for tool in rest.pop("tools", None) or ())
    choice = rest.pop("tool_choice", None) or {}
    single = choice.get("disable_parallel_tool_use")
    named = NamedTool(choice["name"]) if "name" in choice else _CHOICES.get(choice.get("type", ""))
    config = dict(rest.pop("output_config", None) or {})
    form = config.pop("format", None)
    stop = rest.pop("stop_sequences", None)
    chosen = Settings(
        rest.pop("temperature", None),
        rest.pop("top_p", None),
        rest.pop("max_tokens"),
        None if stop is None else tuple(stop),
        extra={**rest, **({"output_config": config} if config else {})},
    )
    return ChatRequest(
        tuple(messages),
        tools,
        named,  # type: ignore[arg-type]  # the recordings' own words
        None if single is None else not single,
        None if form is None else JsonFormat(form["schema"]),
        chosen,
    )


def _tool(tool: dict[str, Any]) -> Tool:
    mark = tool.get("cache_control")
    life = None if mark is None else mark.get("ttl", "5m")
    return Tool(tool["name"], tool.get("description", ""), tool["input_schema"], tool.get("strict"), life)


def _messages(message: dict[str, Any]) -> Iterator[Message]:
    content = message["content"]
    parts = [Text(content)] if isinstance(content, str) else [_part(block) for block in content]
    results = tuple(part for part in parts if isinstance(part, ToolResult))
    others = tuple(part for part in parts if not isinstance(part, ToolResult))
    if results:
        yield Message("tool", results)
    if others:
        yield Message(message["role"], others)


def _part(block: dict[str, Any]) -> Part:
    mark = block.get("cache_control")
    life = None if mark is None else mark.get("ttl", "5m")
    match block["type"]:
        case "text":
            return Text(block["text"], life)
        case "thinking":
            return Reasoning(block["thinking"], block["signature"])
        case "redacted_thinking":
            return Reasoning("", block["data"], redacted=True)
        case "tool_use":
            return ToolCall(block["id"], block["name"], json.dumps(block["input"]))
        case "tool_result":
            content = block.get("content") or []
            inner = [Text(content)] if isinstance(content, str) else [_part(each) for each in content]
            seen = tuple(part for part in inner if isinstance(part, Text | Media))
            return ToolResult(block["tool_use_id"], seen, is_error=block.get("is_error", False), cache=life)
        case "image" | "document":
            return _media(block, life)
    raise KeyError(block["type"])


def _media(block: dict[str, Any], life: Any) -> Media:
    source, kind = block["source"], "image" if block["type"] == "image" else "file"
    if set(block) - {"type", "source", "title", "cache_control"} or source["type"] == "file":
        raise KeyError("citations and files of the account")
    data = source.get("data")
    raw = None if data is None else data.encode() if source["type"] == "text" else base64.b64decode(data)
    return Media(kind, source.get("url"), raw, source.get("media_type"), block.get("title"), cache=life)  # type: ignore[arg-type]  # by the line above
