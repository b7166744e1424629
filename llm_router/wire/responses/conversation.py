"""Encodes a conversation as input items.

System messages at the beginning become `instructions`, later ones items of their own. Thoughts go back as the items
that they came from; an answer's text as a message, in its phase where it has one (dropping it degrades what comes;
openai, types of `input`, 2026); a refusal as its text; calls and results as items.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import takewhile

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
from llm_router.wire.media import any_url, data_url
from llm_router.wire.openai.parts import file_name
from llm_router.wire.openai.quirks import Quirks
from llm_router.wire.responses.thoughts import is_item, reasoning_item
from llm_router.wire.tool_calls import result_text


def encode_conversation(messages: Sequence[Message], quirks: Quirks) -> JsonObject:
    """The body's `instructions` and `input`. Raises Unsupported."""
    leading = list(takewhile(lambda message: message.role == "system", messages))
    if len(leading) == len(messages):  # an input there must be
        leading = []
    items: list[Json] = [item for message in messages[len(leading) :] for item in _items(message, quirks)]
    told = "\n\n".join(_system(message) for message in leading)
    return {"instructions": told, "input": items} if told else {"input": items}


def _items(message: Message, quirks: Quirks) -> Iterator[JsonObject]:
    match message.role:
        case "system":
            yield {"role": "system", "content": _system(message)}
        case "user":
            yield {"role": "user", "content": _content(_said(message), quirks)}
        case "assistant":
            yield from (_answered(part) for part in message.parts if not isinstance(part, Reasoning) or is_item(part))
        case "tool":
            for part in message.parts:
                yield _result(part, quirks)


def _system(message: Message) -> str:
    if not all(isinstance(part, Text) for part in message.parts):
        raise Unsupported("media in a system message")
    return message.text


def _said(message: Message) -> list[Text | Media]:
    parts = [part for part in message.parts if isinstance(part, Text | Media)]
    if len(parts) != len(message.parts):
        raise Unsupported("tool calls, results or reasoning in a user message")
    return parts


def _answered(part: Part) -> JsonObject:
    """One item of an earlier answer."""
    match part:
        case Reasoning():
            return reasoning_item(part)
        case Text(text, phase=str(phase)):
            return {"role": "assistant", "content": text, "phase": phase}
        case Text(text) | Refusal(text):
            return {"role": "assistant", "content": text}
        case ToolCall(call_id, name, arguments):
            return {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments or "{}"}
        case _:
            raise Unsupported("media or tool results in an assistant message")


def _result(part: Part, quirks: Quirks) -> JsonObject:
    if not isinstance(part, ToolResult):
        raise Unsupported("a tool message that holds more than results")
    if all(isinstance(piece, Text) for piece in part.parts):
        output: Json = result_text(part)
    else:
        output = _content((Text("Error:"), *part.parts) if part.is_error else part.parts, quirks)
    return {"type": "function_call_output", "call_id": part.call_id, "output": output}


def _content(parts: Sequence[Text | Media], quirks: Quirks) -> Json:
    """One text as a string, anything else as a list."""
    if len(parts) <= 1 and all(isinstance(part, Text) for part in parts):
        return "".join(part.text for part in parts if isinstance(part, Text))
    return [_part(part, quirks) for part in parts]


def _part(part: Text | Media, quirks: Quirks) -> JsonObject:
    if isinstance(part, Text):
        return {"type": "input_text", "text": part.text}
    if part.kind == "image" and quirks.images == "yes":
        return {"type": "input_image", "image_url": any_url(part), "detail": part.detail or "auto"}
    if part.kind == "file" and quirks.files != "none":
        return _file(part)
    raise Unsupported("audio" if part.kind == "audio" else f"{part.kind}s")


def _file(media: Media) -> JsonObject:
    if media.url is not None and not media.url.startswith("data:"):
        return {"type": "input_file", "file_url": media.url}
    data = media.url if media.url is not None else data_url(media)
    return {"type": "input_file", "filename": file_name(media), "file_data": data}
