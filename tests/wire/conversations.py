"""Reads conversations: from the case files' short form, and from recorded request bodies."""

from __future__ import annotations

import base64
from typing import Any

from llm_router.messages import (
    ChatRequest,
    JsonFormat,
    Media,
    Message,
    NamedTool,
    Part,
    Reasoning,
    Refusal,
    Settings,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)

Plain = dict[str, Any]


def read_request(node: Plain) -> ChatRequest:
    """A request as case files write it: `messages: [{user: [parts]}, …]` beside the request's own fields."""
    settings = dict(node.get("settings") or {})
    if "stop" in settings:
        settings["stop"] = tuple(settings["stop"])
    wanted = node.get("response_format")
    return ChatRequest(
        tuple(read_message(message) for message in node["messages"]),
        tuple(Tool(**tool) for tool in node.get("tools") or ()),
        _choice(node.get("tool_choice")),
        node.get("parallel_tool_calls"),
        None if wanted is None else JsonFormat(**wanted),
        Settings(**settings),
    )


def _choice(choice: Any) -> ToolChoice | None:
    return NamedTool(choice["name"]) if isinstance(choice, dict) else choice


def read_message(node: Plain) -> Message:
    """A message as case files write it; `by` is the deployment that wrote it."""
    role = next(key for key in node if key not in ("name", "by"))
    parts = tuple(_part(part) for part in (node[role] if isinstance(node[role], list) else [node[role]]))
    return Message(role, parts, node.get("name"), node.get("by"))  # type: ignore[arg-type]  # case data


def shown_message(message: Message) -> Plain:
    """A message as case files write it: text, thoughts, calls and results."""
    parts = [_shown(part) for part in message.parts]
    shown: Plain = {message.role: parts[0] if len(parts) == 1 and isinstance(parts[0], str) else parts}
    if message.name is not None:
        shown["name"] = message.name
    return shown if message.deployment is None else {**shown, "by": message.deployment}


def _shown(part: Part) -> Any:
    if isinstance(part, Text):
        return part.text if part.phase is None else {"text": {"text": part.text, "phase": part.phase}}
    if isinstance(part, Media):
        return {part.kind: {"url": part.url}}
    kind = {Reasoning: "reasoning", ToolCall: "call", ToolResult: "result"}[type(part)]
    said = {name: value for name in part.__slots__ if (value := getattr(part, name)) not in (None, False)}
    if isinstance(part, ToolResult):
        said["parts"] = [_shown(each) for each in part.parts]
    return {kind: said}


def _part(node: Any) -> Part:
    if isinstance(node, str):
        return Text(node)
    (kind, value), *_ = node.items()
    if kind in ("image", "file", "audio"):
        data = value.pop("data").encode() if "data" in value else None
        return Media(kind, data=data, **value)
    if kind == "result":
        parts = tuple(_part(part) for part in value.pop("parts"))
        return ToolResult(parts=parts, **value)  # type: ignore[arg-type]  # case data
    made: Part = {"text": Text, "reasoning": Reasoning, "refusal": Refusal, "call": ToolCall}[kind](**value)
    return made


def recorded_request(body: Plain) -> ChatRequest:
    """The request that a recorded chat completion makes; what has no neutral form stays in `extra`."""
    rest = {key: value for key, value in body.items() if value is not None}
    for key in ("model", "stream", "stream_options"):
        rest.pop(key, None)
    messages = tuple(_recorded_message(message) for message in rest.pop("messages"))
    tools = tuple(Tool(**_only(tool["function"])) for tool in rest.pop("tools", None) or ())
    choice = rest.pop("tool_choice", None)
    if isinstance(choice, dict):
        choice = NamedTool(choice["function"]["name"])
    return ChatRequest(
        messages,
        tools,
        "required" if choice == "any" else choice,
        rest.pop("parallel_tool_calls", None),
        _recorded_format(rest),
        _recorded_settings(rest),
    )


def _only(function: Plain) -> Plain:
    return {key: function[key] for key in ("name", "description", "parameters", "strict") if key in function}


def _recorded_format(rest: Plain) -> JsonFormat | None:
    said = rest.get("response_format") or {}
    schema = said.get("json_schema") or {}
    if said.get("type") == "json_object":
        rest.pop("response_format")
        return JsonFormat()
    if said.get("type") != "json_schema" or set(schema) - {"name", "schema", "strict"} or "name" not in schema:
        return None
    rest.pop("response_format")
    return JsonFormat(schema["schema"], schema["name"], schema.get("strict"))


def _recorded_settings(rest: Plain) -> Settings:
    tokens = rest.pop("max_tokens", None) or rest.pop("max_completion_tokens", None)
    stop = rest.pop("stop", None)
    return Settings(
        temperature=rest.pop("temperature", None),
        top_p=rest.pop("top_p", None),
        max_output_tokens=tokens,
        stop=None if stop is None else tuple([stop] if isinstance(stop, str) else stop),
        seed=rest.pop("seed", None) or rest.pop("random_seed", None),
        reasoning=rest.pop("reasoning_effort", None),
        extra=rest,
    )


def _recorded_message(message: Plain) -> Message:
    content = message.get("content")
    parts: list[Part] = [Text(content)] if isinstance(content, str) else [_recorded_part(p) for p in content or ()]
    if message["role"] == "tool":
        results = tuple(part for part in parts if isinstance(part, Text | Media))
        return Message("tool", (ToolResult(message["tool_call_id"], results, message.get("name")),))
    thought = message.get("reasoning_content") or message.get("reasoning")
    calls = [
        ToolCall(call["id"], call["function"]["name"], call["function"]["arguments"])
        for call in message.get("tool_calls") or ()
    ]
    said = [part for part in parts if not (calls and part == Text(""))]
    return Message(message["role"], (*([Reasoning(thought)] if thought else []), *said, *calls), message.get("name"))


def _recorded_part(part: Plain) -> Part:
    match part["type"]:
        case "text":
            return Text(part["text"])
        case "image_url":
            image = part["image_url"] if isinstance(part["image_url"], dict) else {"url": part["image_url"]}
            return _recorded_media("image", image["url"], detail=image.get("detail"))
        case "input_audio":
            audio = part["input_audio"]
            audio = {"data": audio, "format": "wav"} if isinstance(audio, str) else audio
            data = base64.b64decode(audio["data"])
            return Media("audio", data=data, media_type=f"audio/{audio['format']}")
        case "document_url":
            return _recorded_media("file", part["document_url"], name=part.get("document_name"))
        case "file_url":
            return _recorded_media("file", part["file_url"]["url"])
        case "file":
            return _recorded_media("file", part["file"]["file_data"], name=part["file"].get("filename"))
        case "thinking":
            return Reasoning("".join(piece["text"] for piece in part["thinking"]))
    raise KeyError(part["type"])


def _recorded_media(kind: Any, url: str, **rest: Any) -> Media:
    if not url.startswith("data:"):
        return Media(kind, url=url, **rest)
    media_type, _, data = url.removeprefix("data:").partition(";base64,")
    return Media(kind, data=base64.b64decode(data), media_type=media_type, **rest)
