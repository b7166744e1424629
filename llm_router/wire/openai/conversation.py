"""Encodes the messages of a conversation.

An assistant message at the end is the beginning of the answer where a provider takes such: as it stands (`plain`), with
a mark of its own (`mark`: `prefix` of the message), or by what is said of the template (`template`: of the body).
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
from llm_router.wire.openai.parts import encode_content, encode_part
from llm_router.wire.openai.quirks import Quirks
from llm_router.wire.openai.thoughts import thoughts_back
from llm_router.wire.tool_calls import result_text


def encode_messages(messages: Sequence[Message], quirks: Quirks, model: str) -> list[JsonObject]:
    """The `messages` of the body for this model; a tool message becomes one for each result. Raises Unsupported."""
    encoded = [each for message in messages for each in _encode(message, quirks, model)]
    if quirks.prefill == "mark" and begins_answer(messages):
        encoded[-1] = {**encoded[-1], "prefix": True}
    return encoded


def begins_answer(messages: Sequence[Message]) -> bool:
    """Whether the conversation ends with the beginning of an answer."""
    last = messages[-1] if messages else None
    return last is not None and last.role == "assistant" and not any(isinstance(each, ToolCall) for each in last.parts)


def _encode(message: Message, quirks: Quirks, model: str) -> list[JsonObject]:
    if message.role == "tool":
        return [_result(part, quirks) for part in message.parts]
    encoded = _assistant(message, quirks, model) if message.role == "assistant" else _said(message, quirks)
    return [encoded if message.name is None else {**encoded, "name": message.name}]


def _said(message: Message, quirks: Quirks) -> dict[str, Json]:
    """A system or user message."""
    parts = [part for part in message.parts if isinstance(part, Text | Media)]
    if len(parts) != len(message.parts):
        raise Unsupported(f"tool calls, results or reasoning in a {message.role} message")
    if message.role == "system" and not all(isinstance(part, Text) for part in parts):
        raise Unsupported("media in a system message")
    return {"role": message.role, "content": encode_content(parts, quirks)}


def _result(part: Part, quirks: Quirks) -> JsonObject:
    if not isinstance(part, ToolResult):
        raise Unsupported("a tool message that holds more than results")
    text_only = quirks.tool_results == "text" or all(isinstance(piece, Text) for piece in part.parts)
    said = (Text("Error:"), *part.parts) if part.is_error else part.parts
    content = result_text(part) if text_only else encode_content(said, quirks)
    return {"role": "tool", "tool_call_id": part.call_id, "content": content}


def _assistant(message: Message, quirks: Quirks, model: str) -> dict[str, Json]:
    """An assistant message; a refusal goes as its text, because few compatible servers know the key."""
    if any(isinstance(part, Media | ToolResult) for part in message.parts):
        raise Unsupported("media or tool results in an assistant message")
    calls: list[Json] = [_call(part) for part in message.parts if isinstance(part, ToolCall)]
    texts = [Text(part.text) for part in message.parts if isinstance(part, Text | Refusal)]
    content: Json = None if calls and not texts else encode_content(texts, quirks)
    lists, thoughts = thoughts_back(message, quirks, model)
    encoded: dict[str, Json] = {"role": "assistant", "content": content, **_thought(thoughts, quirks, calls), **lists}
    if quirks.history_reasoning == "parts" and thoughts:
        encoded["content"] = [*map(_thinking_part, thoughts), *(encode_part(text, quirks) for text in texts)]
    return {**encoded, "tool_calls": calls} if calls else encoded


def _thought(thoughts: Sequence[Reasoning], quirks: Quirks, calls: Sequence[Json]) -> JsonObject:
    """The text of an earlier answer's reasoning, under the key that the provider reads it from.

    Where that must be there beside calls, a blank stands for what others have thought (deepseek since V3.2: a 400
    without it, and V4 Pro refuses an empty one; NousResearch/hermes-agent 17341, 2026).
    """
    text = "".join(thought.text for thought in thoughts)
    if not text and quirks.call_thoughts == "needed" and calls:
        text = " "
    return {quirks.history_reasoning: text} if text and quirks.history_reasoning.startswith("reasoning") else {}


def _thinking_part(thought: Reasoning) -> JsonObject:
    """Mistral's form: reasoning as a part of the content."""
    return {"type": "thinking", "thinking": [{"type": "text", "text": thought.text}]}


def _call(call: ToolCall) -> Mapping[str, Json]:
    function = {"name": call.name, "arguments": call.arguments or "{}"}
    return {"id": call.id, "type": "function", "function": function}
