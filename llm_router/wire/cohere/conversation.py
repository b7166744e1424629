"""Encodes the messages of a conversation, by these rules:

Messages stand as they were said, system messages too. What was thought before a call is its `tool_plan`, which models
write and want back; a model that thinks takes it as a `thinking` part instead, and elsewhere a thought without a call
has no place and is left out; where nothing else was said, there is nothing to send. A refusal goes as its text.

A tool's result is its text; with files in it, it is documents, which the answer can cite: a file of text is a document
`{text}`, a file of JSON that object, and the file's name its id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from llm_router.messages import (
    Json,
    JsonObject,
    Media,
    Message,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from llm_router.wire.codec import Unsupported
from llm_router.wire.cohere.quirks import Quirks
from llm_router.wire.media import any_url, media_type
from llm_router.wire.reading import parse
from llm_router.wire.tool_calls import result_text

_FOREIGN: Mapping[str, tuple[type, ...]] = {
    "system": (Media, Reasoning, ToolCall, ToolResult),
    "user": (Reasoning, ToolCall, ToolResult),
    "assistant": (Media, ToolResult),
    "tool": (Text, Media, Reasoning, Refusal, ToolCall),
}
"""What has no place in a message of this role."""


def encode_messages(messages: Sequence[Message], quirks: Quirks) -> list[JsonObject]:
    """The `messages` of the body; a tool message becomes one for each result. Raises Unsupported."""
    encoded = [each for message in messages for each in _encode(message, quirks)]
    if not encoded:
        raise Unsupported("a conversation without content")
    return encoded


def _encode(message: Message, quirks: Quirks) -> list[JsonObject]:
    if any(isinstance(part, _FOREIGN[message.role]) for part in message.parts):
        raise Unsupported(f"parts in a message of the role `{message.role}` that have no place there")
    if message.role == "tool":
        return [_result(part) for part in message.parts if isinstance(part, ToolResult)]
    if message.role == "assistant":
        return _assistant(message, quirks)
    parts = [_part(part) for part in message.parts]
    return [{"role": message.role, "content": _shortest(parts)}]


def _shortest(parts: Sequence[JsonObject]) -> Json:
    """One text as a text, everything else as a list."""
    return parts[0]["text"] if len(parts) == 1 and parts[0]["type"] == "text" else list(parts)


def _part(part: Part) -> JsonObject:
    match part:
        case Media(kind="image"):
            detail = {} if part.detail is None else {"detail": part.detail}
            return {"type": "image_url", "image_url": {"url": any_url(part), **detail}}
        case Media(kind="file"):
            raise Unsupported("files: write their text, or give it as `extra.documents`")
        case Text(text) | Refusal(text):
            return {"type": "text", "text": text}
        case _:
            raise Unsupported("sound")


def _assistant(message: Message, quirks: Quirks) -> list[JsonObject]:
    calls: list[Json] = [_call(part) for part in message.parts if isinstance(part, ToolCall)]
    texts = [_part(part) for part in message.parts if isinstance(part, Text | Refusal)]
    thought = "".join(part.text for part in message.parts if isinstance(part, Reasoning))
    said: dict[str, Json] = {"role": "assistant"}
    if thought and quirks.thinking == "yes":
        texts = [{"type": "thinking", "thinking": thought}, *texts]
    elif thought and calls:
        said["tool_plan"] = thought
    if texts:
        said["content"] = _shortest(texts)
    if calls:
        said["tool_calls"] = calls
    return [said] if len(said) > 1 else []


def _call(call: ToolCall) -> JsonObject:
    function: JsonObject = {"name": call.name, "arguments": call.arguments or "{}"}
    return {"id": call.id, "type": "function", "function": function}


def _result(result: ToolResult) -> JsonObject:
    said: JsonObject = {"role": "tool", "tool_call_id": result.call_id}
    if not any(isinstance(part, Media) for part in result.parts):
        return {**said, "content": result_text(result)}
    noted = [Text("Error:"), *result.parts] if result.is_error else result.parts
    return {**said, "content": [_result_part(part) for part in noted]}


def _result_part(part: Text | Media) -> JsonObject:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    document: dict[str, Json] = {"data": _document(part)}
    return {"type": "document", "document": document if part.name is None else {**document, "id": part.name}}


def _document(media: Media) -> JsonObject:
    kind = media_type(media).partition(";")[0].lower()
    readable = kind.startswith("text/") or kind.endswith("json")
    if media.kind != "file" or media.data is None or not readable:
        raise Unsupported("media in a tool result other than files of text or JSON")
    text = media.data.decode("utf-8", "replace")
    if not kind.endswith("json"):
        return {"text": text}
    try:
        value = parse(text)
    except ValueError:
        value = text
    return value if isinstance(value, Mapping) else {"text": text}
