"""Messages between LlamaIndex's form and the router's."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from llama_index.core.base.llms.types import (
    AudioBlock,
    CachePoint,
    ChatMessage,
    ChatResponse,
    CitableBlock,
    CitationBlock,
    CompletionResponse,
    ContentBlock,
    DocumentBlock,
    ImageBlock,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)
from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.llms.utils import parse_partial_json
from llama_index.llms.llm_router.logprobs import logprobs_of
from typing_extensions import override

from llm_router.engine.answer import Answer
from llm_router.errors import RequestError
from llm_router.keywords import media_of_url, read_cache_mark
from llm_router.messages import (
    JsonObject,
    Media,
    Message,
    Part,
    Reasoning,
    Refusal,
    Role,
    Text,
    ToolCall,
    ToolResult,
    Usage,
    phases_of,
    with_phases,
)

ROLES: Mapping[MessageRole, Role] = {
    MessageRole.SYSTEM: "system",
    MessageRole.DEVELOPER: "system",
    MessageRole.USER: "user",
    MessageRole.ASSISTANT: "assistant",
    MessageRole.CHATBOT: "assistant",
    MessageRole.MODEL: "assistant",
    MessageRole.TOOL: "tool",
    MessageRole.FUNCTION: "tool",
}


def to_message(message: ChatMessage) -> Message:
    """The router's form of a message. Raises RequestError for what it can't carry."""
    role = ROLES[message.role]
    extra = message.additional_kwargs
    parts = _all_parts(message.blocks)
    if role == "tool":
        shown = tuple(part for part in parts if isinstance(part, Text | Media))
        return Message("tool", (ToolResult(str(extra.get("tool_call_id") or ""), shown, name=extra.get("name")),))
    if role != "assistant":
        return Message(role, tuple(parts), name=extra.get("name"))
    parts = [part for part in with_phases(parts, _phases(message)) if not isinstance(part, Text) or part.text]
    if not any(isinstance(part, ToolCall) for part in parts):
        parts += [_legacy_call(call) for call in extra.get("tool_calls") or () if isinstance(call, dict)]
    return Message("assistant", tuple(parts), deployment=_writer(message))


class WrittenMessage(ChatMessage):
    """An assistant message that knows which deployment wrote it, so that the conversation can stay there.

    It is kept out of the message's content, all of which other LLMs send to their providers; so a copy from a database
    doesn't know it any more. So are the phases of its text. A thought that is signed tells both again.
    """

    _deployment: str | None = PrivateAttr(default=None)
    _phases: Sequence[JsonObject] = PrivateAttr(default=())

    @classmethod
    def by(cls, deployment: str, message: ChatMessage, phases: Sequence[JsonObject] = ()) -> WrittenMessage:
        """The message as one that this deployment wrote, its text in these phases."""
        written = cls(role=message.role, blocks=message.blocks, additional_kwargs=message.additional_kwargs)
        written._deployment, written._phases = deployment, phases
        return written

    @property
    def phases(self) -> Sequence[JsonObject]:
        """The phases of its text, with the number of characters of each."""
        return self._phases

    @property
    def deployment(self) -> str | None:
        """Who wrote it."""
        return self._deployment

    @override
    def __eq__(self, other: object) -> bool:
        """Messages that say the same are equal, whoever wrote them."""
        return isinstance(other, ChatMessage) and self.model_dump() == other.model_dump()

    __hash__ = None  # type: ignore[assignment]  # as all messages: they can be changed


def _writer(message: ChatMessage) -> str | None:
    """The deployment that wrote this message, where it knows, or one of its thoughts says so."""
    if isinstance(message, WrittenMessage) and message.deployment is not None:
        return message.deployment
    told = (block.additional_information for block in message.blocks if isinstance(block, ThinkingBlock))
    return next((str(said["deployment"]) for said in told if said.get("deployment")), None)


def _phases(message: ChatMessage) -> Sequence[Mapping[str, Any]]:
    """The phases of its text, where it knows of some, or one of its thoughts does."""
    if isinstance(message, WrittenMessage) and message.phases:
        return message.phases
    told = (block.additional_information for block in message.blocks if isinstance(block, ThinkingBlock))
    return next((said["phases"] for said in told if said.get("phases")), ())


def to_messages(messages: Sequence[ChatMessage]) -> list[Message]:
    """The router's form of a conversation. Raises RequestError for what it can't carry."""
    return [to_message(message) for message in messages]


def _legacy_call(call: Mapping[str, Any]) -> ToolCall:
    """A call in OpenAI's form, where older code keeps it: beside the blocks."""
    function = call.get("function") or {}
    return ToolCall(str(call.get("id") or ""), str(function.get("name")), str(function.get("arguments") or ""))


def _all_parts(blocks: Sequence[ContentBlock]) -> list[Part]:
    """The parts of all blocks; a cache point marks the part before it, a thought or call excepted."""
    parts: list[Part] = []
    for block in blocks:
        parts += _parts(block)
        if isinstance(block, CachePoint) and parts and isinstance(last := parts[-1], Text | Media):
            parts[-1] = replace(last, cache=read_cache_mark(block.cache_control.model_dump()))
    return parts


def _parts(block: ContentBlock) -> Iterator[Part]:
    if isinstance(block, CachePoint):  # it marks a place, and has no content
        return
    if isinstance(block, CitableBlock | CitationBlock):
        for nested in block.nested_blocks:
            yield from _parts(nested)  # type: ignore[arg-type]  # typed as their common ancestor
        return
    reader = BLOCKS.get(type(block))
    if reader is None:
        raise RequestError(
            f"a `{block.block_type}` block can't be sent", help="send text, image, audio or document blocks"
        )
    yield reader(block)


def _image(block: ImageBlock) -> Media:
    media = _media("image", block.url, block.image_mimetype, block.resolve_image)
    return Media("image", media.url, media.data, media.media_type, detail=DETAILS.get(block.detail or ""))


DETAILS: Mapping[str, Literal["auto", "low", "high"]] = {"auto": "auto", "low": "low", "high": "high"}


def _audio(block: AudioBlock) -> Media:
    media_type = f"audio/{block.format}" if block.format else None
    return _media("audio", block.url, media_type, block.resolve_audio)


def _document(block: DocumentBlock) -> Media:
    media = _media("file", block.url, block.document_mimetype, block.resolve_document)
    return Media("file", media.url, media.data, media.media_type, name=block.title)


def _media(
    kind: Literal["image", "file", "audio"], url: object, media_type: str | None, read: Callable[[], Any]
) -> Media:
    """What a block points to; a URL is passed on rather than fetched."""
    return media_of_url(kind, str(url), media_type) if url else Media(kind, data=read().read(), media_type=media_type)


def _thinking(block: ThinkingBlock) -> Reasoning:
    said = block.additional_information
    return Reasoning(block.content or "", said.get("signature"), redacted=bool(said.get("redacted")))


def _call(block: ToolCallBlock) -> ToolCall:
    said = block.tool_kwargs
    return ToolCall(block.tool_call_id or "", block.tool_name, said if isinstance(said, str) else json.dumps(said))


BLOCKS: Mapping[type[Any], Callable[[Any], Part]] = {
    TextBlock: lambda block: Text(block.text),
    ImageBlock: _image,
    AudioBlock: _audio,
    DocumentBlock: _document,
    ThinkingBlock: _thinking,
    ToolCallBlock: _call,
}
"""Blocks that can be sent, and what reads them."""


def from_parts(parts: Sequence[Part], deployment: str | None = None) -> ChatMessage:
    """LlamaIndex's form of an assistant message: one block of text, since LlamaIndex joins blocks by line breaks.

    A thought that stands right before a call keeps its place; a signed one says which `deployment` wrote it, and what
    the phases of the text are.

    Beside the blocks stands only what OpenAI's form has as well: other LLMs send all of it to their providers.
    """
    extra: dict[str, Any] = {}
    blocks: list[ContentBlock] = []
    text = "".join(part.text for part in parts if isinstance(part, Text))
    calls = [part for part in parts if isinstance(part, ToolCall)]
    first = next((place for place, part in enumerate(parts) if isinstance(part, ToolCall)), len(parts))
    phases = phases_of(parts)
    blocks += [_thought(part, deployment, phases) for part in parts[:first] if isinstance(part, Reasoning)]
    if text or not calls:
        blocks.append(TextBlock(text=text))
    for part in parts[first:]:
        if isinstance(part, ToolCall):
            blocks.append(ToolCallBlock(tool_call_id=part.id, tool_name=part.name, tool_kwargs=_kwargs(part)))
        elif isinstance(part, Reasoning):
            blocks.append(_thought(part, deployment, phases))
    if calls:  # core's streamed structured output looks for them here
        extra["tool_calls"] = [_openai_call(call) for call in calls]
    if refusal := "".join(part.text for part in parts if isinstance(part, Refusal)):
        extra["refusal"] = refusal
    message = ChatMessage(role=MessageRole.ASSISTANT, blocks=blocks, additional_kwargs=extra)
    return message if deployment is None else WrittenMessage.by(deployment, message, phases)


def _thought(thought: Reasoning, deployment: str | None, phases: Sequence[JsonObject]) -> ThinkingBlock:
    said: dict[str, Any] = {"signature": thought.signature, "redacted": thought.redacted or None}
    if thought.signature:
        said |= {"deployment": deployment, "phases": phases or None}
    known = {name: value for name, value in said.items() if value is not None}
    return ThinkingBlock(content=thought.text, additional_information=known)


def _kwargs(call: ToolCall) -> dict[str, Any] | str:
    """The arguments of a call as a dict; the text itself where it is none, or not yet."""
    try:
        arguments = json.loads(call.arguments or "{}")
    except ValueError:
        return call.arguments
    return arguments if isinstance(arguments, dict) else call.arguments


def _openai_call(call: ToolCall) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def arguments_of(call: ToolCallBlock) -> dict[str, Any]:
    """The arguments of a call; of unfinished ones, what can be read already."""
    if isinstance(call.tool_kwargs, dict):
        return call.tool_kwargs
    try:
        return dict(parse_partial_json(call.tool_kwargs))
    except (ValueError, TypeError):
        return {}


def with_one_call(response: ChatResponse) -> ChatResponse:
    """The response without its calls after the first."""
    blocks = response.message.blocks
    dropped = [block for block in blocks if isinstance(block, ToolCallBlock)][1:]
    if not dropped:
        return response
    extra = response.message.additional_kwargs
    kept = [block for block in blocks if not any(block is other for other in dropped)]
    message = response.message.model_copy(
        update={"blocks": kept, "additional_kwargs": {**extra, "tool_calls": extra["tool_calls"][:1]}}
    )
    return response.model_copy(update={"message": message})


def to_chat_response(answer: Answer, delta: str | None = None) -> ChatResponse:
    """The answer as LlamaIndex's response; `delta` closes a stream."""
    message = from_parts(answer.response.message.parts, answer.deployment)
    return ChatResponse(
        message=message,
        delta=delta,
        raw=raw(answer),
        logprobs=logprobs_of(answer.response.extra),
        additional_kwargs=additional_kwargs(answer),
    )


def to_completion(answer: Answer, delta: str | None = None) -> CompletionResponse:
    """The answer as LlamaIndex's completion; `delta` closes a stream."""
    return CompletionResponse(
        text=answer.text,
        delta=delta,
        raw=raw(answer),
        logprobs=logprobs_of(answer.response.extra),
        additional_kwargs=additional_kwargs(answer),
    )


def raw(answer: Answer) -> dict[str, Any]:
    """The answer's facts, with `usage` where LlamaIndex's token counting looks for it."""
    found = {
        **answer.response.extra,
        "id": answer.response.provider_request_id,
        "model": answer.model,
        "provider": answer.provider,
        "finish_reason": answer.finish_reason,
        "usage": _usage(answer.usage),
        "routing": answer.routing(),
    }
    return {name: value for name, value in found.items() if value is not None}


def additional_kwargs(answer: Answer) -> dict[str, Any]:
    """The decision, and the tokens where older code looks for them."""
    usage = _usage(answer.usage) or {}
    return {**{name: count for name, count in usage.items() if isinstance(count, int)}, "routing": answer.routing()}


def _usage(usage: Usage) -> dict[str, Any] | None:
    """Tokens under OpenAI's names; `None` where the provider didn't report both sides."""
    if usage.input is None or usage.output is None:
        return None
    read = {"cached_tokens": usage.cache_read, "cache_creation_tokens": usage.cache_creation}
    written = {"reasoning_tokens": usage.reasoning}
    details = {"prompt_tokens_details": _known(read), "completion_tokens_details": _known(written)}
    totals = {"prompt_tokens": usage.input, "completion_tokens": usage.output, "total_tokens": usage.total}
    return {**totals, **{name: counts for name, counts in details.items() if counts}}


def _known(counts: Mapping[str, int | None]) -> dict[str, int]:
    return {kind: count for kind, count in counts.items() if count is not None}
