"""LangChain's messages in the router's form."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    ToolMessage,
    message_chunk_to_message,
)

from llm_router.errors import RequestError
from llm_router.keywords import decode_base64, media_of_url, read_cache_mark
from llm_router.messages import (
    Media,
    Message,
    Part,
    Reasoning,
    Refusal,
    Role,
    Text,
    ToolCall,
    ToolResult,
    with_phases,
)

Block = Mapping[str, Any]

ROLES: Mapping[str, Role] = {
    "system": "system",
    "developer": "system",
    "human": "user",
    "user": "user",
    "ai": "assistant",
    "assistant": "assistant",
}
"""Roles of the router by LangChain's message types and by the roles of its ChatMessage."""


def to_message(message: BaseMessage) -> Message:
    """The router's form of a message. Raises RequestError for what it can't carry."""
    if isinstance(message, ToolMessage):
        return Message("tool", (_tool_result(message),))
    if isinstance(message, AIMessage):
        return Message("assistant", _said(message), name=message.name, deployment=_writer(message))
    whole = message_chunk_to_message(message)
    role = ROLES.get(whole.role if isinstance(whole, ChatMessage) else whole.type)
    if role is None:
        raise RequestError(f"a `{whole.type}` message can't be sent", help="send system, human, ai or tool messages")
    return Message(role, tuple(_parts(message.content)), name=message.name)


def _said(message: AIMessage) -> tuple[Part, ...]:
    """What an assistant message holds: text, then calls, unless its blocks place them, and thoughts at their places."""
    extra = message.additional_kwargs
    calls = _calls(message)
    parts: list[Part] = list(with_phases(_parts(message.content, calls), extra.get("phases") or ()))
    if refusal := extra.get("refusal"):
        parts = [*(part for part in parts if not isinstance(part, Refusal)), Refusal(str(refusal))]
    parts += calls.values()
    if signed := extra.get("signed_reasoning"):
        return tuple(_with_thoughts([part for part in parts if not isinstance(part, Reasoning)], signed))
    if thought := extra.get("reasoning_content"):
        return (Reasoning(str(thought)), *(part for part in parts if not isinstance(part, Reasoning)))
    return tuple(parts)


def _calls(message: AIMessage) -> dict[object, ToolCall]:
    """The calls, by their ids; one whose id is missing or not its own, by its place."""
    made = [ToolCall(call["id"] or "", call["name"], json.dumps(call["args"])) for call in message.tool_calls]
    made += [ToolCall(call["id"] or "", call["name"] or "", call["args"] or "") for call in message.invalid_tool_calls]
    ids = [call.id for call in made]
    return {call.id if ids.count(call.id) == 1 else place: call for place, call in enumerate(made)}


def _with_thoughts(parts: Sequence[Part], thoughts: Sequence[Block]) -> Iterator[Part]:
    """The parts with each thought behind as many characters of text, and calls, as it says."""
    texts = [part for part in parts if isinstance(part, Text)]
    calls = [part for part in parts if isinstance(part, ToolCall)]
    read = called = 0
    for thought in thoughts:
        end, made = int(thought.get("characters_before", 0)), int(thought.get("calls_before", 0))
        yield from _cut(texts, read, end)
        yield from calls[called:made]
        read, called = max(read, end), max(called, made)
        yield _reasoning(thought)
    yield from _cut(texts, read, None)
    yield from (part for part in parts if not isinstance(part, Text | ToolCall))
    yield from calls[called:]


def _cut(texts: Sequence[Text], start: int, end: int | None) -> Iterator[Text]:
    """The texts between two places, counted in characters from the beginning of the first."""
    for text in texts:
        piece = text.text[max(start, 0) : None if end is None else max(end, 0)]
        if piece:
            yield replace(text, text=piece)
        start, end = start - len(text.text), None if end is None else end - len(text.text)


def _writer(message: AIMessage) -> str | None:
    """The deployment that wrote this message, where its metadata says so."""
    routing = message.response_metadata.get("routing")
    return routing.get("deployment") if isinstance(routing, dict) else None


def _tool_result(message: ToolMessage) -> ToolResult:
    parts = tuple(part for part in _parts(message.content) if isinstance(part, Text | Media))
    return ToolResult(message.tool_call_id, parts, name=message.name, is_error=message.status == "error")


def _parts(content: str | Sequence[str | Block], calls: dict[object, ToolCall] | None = None) -> Iterator[Part]:
    """The parts of a content; a block of one of these calls gives the call, and takes it away."""
    if isinstance(content, str):
        if content:
            yield Text(content)
        return
    for block in content:
        if isinstance(block, str):
            yield Text(block)
        elif block.get("type") not in IN_TOOL_CALLS:
            yield _part(block)
        elif calls and block.get("id") in calls:
            yield calls.pop(block["id"])


def _part(block: Block) -> Part:
    kind = str(block.get("type"))
    if kind not in BLOCKS:
        raise RequestError(
            f"a content block of type `{kind}` can't be sent", help="send text, image, audio, file or reasoning blocks"
        )
    part = BLOCKS[kind](block)
    mark = block.get("cache_control") or (block.get("extras") or {}).get("cache_control")
    return replace(part, cache=read_cache_mark(mark)) if mark and isinstance(part, Text | Media) else part


def _image_url(block: Block) -> Media:
    image = block["image_url"]
    if isinstance(image, str):
        return media_of_url("image", image)
    media = media_of_url("image", image["url"])
    return Media("image", media.url, media.data, media.media_type, detail=image.get("detail"))


def _media(block: Block, kind: Literal["image", "audio", "file"]) -> Media:
    """A standard block of data: by `url` or `base64`; or one in Anthropic's form, with its `source`."""
    source = block.get("source") or block
    media_type = source.get("mime_type") or source.get("media_type")
    extras = block.get("extras") or {}
    name = block.get("filename") or extras.get("filename")
    if url := source.get("url"):
        media = media_of_url(kind, url, media_type)
        return Media(kind, media.url, media.data, media.media_type, name, extras.get("detail"))
    if encoded := source.get("base64") or source.get("data"):
        return Media(kind, data=decode_base64(encoded, kind), media_type=media_type, name=name)
    raise _uploaded(kind)


def _input_image(block: Block) -> Media:
    """An image in the form of OpenAI's responses."""
    return _image_url({"image_url": {"url": _given(block, "image_url", "image"), "detail": block.get("detail")}})


def _input_file(block: Block) -> Media:
    """A file in the form of OpenAI's responses."""
    data = block.get("file_data")
    media = media_of_url("file", data or _given(block, "file_url", "file"))
    return replace(media, name=block.get("filename"))


def _google(block: Block) -> Media:
    """An image, sound or file in Google's form, told apart by its type."""
    media_type = str(block.get("mime_type") or "")
    kind: Literal["image", "audio", "file"] = KINDS.get(media_type.partition("/")[0], "file")
    if media_type.startswith("video/"):
        raise RequestError("a video can't be sent", help="send text, image, audio, file or reasoning blocks")
    if (data := block.get("data")) is None:
        return media_of_url(kind, _given(block, "file_uri", kind), media_type or None)
    return Media(kind, data=data if isinstance(data, bytes) else decode_base64(data, kind), media_type=media_type)


KINDS: Mapping[str, Literal["image", "audio"]] = {"image": "image", "audio": "audio"}


def _given(block: Block, key: str, kind: str) -> str:
    """What a block says under this key. Raises RequestError where it says nothing."""
    if not block.get(key):
        raise _uploaded(kind)
    return str(block[key])


def _uploaded(kind: str) -> RequestError:
    return RequestError(
        f"an uploaded {kind} is known to one provider only", help="send its `base64` or a `url` that all can read"
    )


def _plain(block: Block) -> Part:
    """A block of plain text: shown as text where it carries its text."""
    return Text(block["text"]) if block.get("text") else _media(block, "file")


def _reasoning(block: Block) -> Reasoning:
    """A thought: a standard block, or one in Anthropic's form."""
    extras = block.get("extras") or {}
    text = block.get("reasoning") or block.get("thinking") or ""
    signature = block.get("signature") or extras.get("signature") or block.get("data")
    hidden = block.get("type") == "redacted_thinking" or bool(extras.get("redacted"))
    return Reasoning(text, signature, redacted=hidden)


BLOCKS: Mapping[str, Callable[[Block], Part]] = {
    "text": lambda block: Text(block["text"], phase=block.get("phase") or (block.get("extras") or {}).get("phase")),
    "text-plain": _plain,
    "image_url": _image_url,
    "image": lambda block: _media(block, "image"),
    "audio": lambda block: _media(block, "audio"),
    "file": lambda block: _media(block, "file"),
    "document": lambda block: _media(block, "file"),
    "media": _google,
    "input_text": lambda block: Text(block["text"]),
    "input_image": _input_image,
    "input_file": _input_file,
    "reasoning": _reasoning,
    "thinking": _reasoning,
    "redacted_thinking": _reasoning,
    "refusal": lambda block: Refusal(block["refusal"]),
}
"""Content blocks by type, and what reads them: LangChain's standard ones, and those of OpenAI, Anthropic and Google."""

IN_TOOL_CALLS = {"tool_call", "tool_call_chunk", "invalid_tool_call", "tool_use", "input_json_delta", "function_call"}
"""Blocks that say again what `tool_calls` says."""
