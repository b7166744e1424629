"""The router's answers in LangChain's form, whole and in pieces.

An answer's `content` is its text, whoever answered, so that code doesn't change with the deployment. Reasoning is in
`additional_kwargs["reasoning_content"]`, where LangChain's own models put it; where some of it is signed, all of it is
in `additional_kwargs["signed_reasoning"]` too, as a list of thoughts with their places, so that it can go back; and
where text has phases, `additional_kwargs["phases"]` lists them with the number of characters of each. With
`output_version="v1"` the content is LangChain's standard blocks instead, each at its place among the answer's parts.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.ai import InputTokenDetails, OutputTokenDetails, UsageMetadata
from langchain_core.messages.tool import invalid_tool_call, tool_call, tool_call_chunk

from llm_router.engine.answer import Answer
from llm_router.messages import (
    Part,
    Reasoning,
    ReasoningDelta,
    Refusal,
    RefusalDelta,
    StreamEvent,
    Text,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
    phases_of,
)

Block = dict[str, Any]

OURS = "llm-router"
"""What LangChain knows no form of content by: it then takes text, calls and reasoning from where they stand."""


def to_ai_message(answer: Answer, provider: str, *, blocks: bool = False) -> AIMessage:
    """The answer as LangChain's message; `provider` is the name that LangChain knows its provider by.

    `blocks` asks for standard content blocks instead of text.
    """
    response = answer.response
    parts = response.message.parts
    calls = [_call(call) for call in response.tool_calls]
    metadata = response_metadata(answer, provider if blocks else _form_of(provider))
    return AIMessage(
        content=[block for part in parts for block in _blocks(part)] if blocks else response.text,
        additional_kwargs={**_beside(parts, blocks=blocks), **({} if blocks else _to_go_back(parts))},
        tool_calls=[call for call in calls if call["type"] == "tool_call"],
        invalid_tool_calls=[call for call in calls if call["type"] == "invalid_tool_call"],
        usage_metadata=usage_metadata(answer.usage),
        response_metadata={**metadata, "output_version": "v1"} if blocks else metadata,
    )


def _blocks(part: Part) -> list[Block]:
    """The standard block of a part; nothing for what has none."""
    match part:
        case Text(text):
            return [_said(text, part.phase)]
        case Reasoning(text, signature, redacted):
            return [_thought(text, signature, redacted=redacted)]
        case ToolCall():
            return [_call(part)]
        case _:
            return []


def _said(text: str, phase: str | None) -> Block:
    said: Block = {"type": "text", "text": text}
    return {**said, "extras": {"phase": phase}} if phase else said


def _thought(text: str, signature: str | None, *, redacted: bool = False) -> Block:
    said: Block = {"type": "reasoning", "reasoning": text}
    hidden = {"redacted": True} if redacted else {}
    return {**said, "extras": {"signature": signature, **hidden}} if signature else said


def _to_go_back(parts: Sequence[Part]) -> Block:
    """What a plain content doesn't hold, and the provider that wrote it wants to see again."""
    phases = phases_of(parts)
    return {**_signed_reasoning(parts), **({"phases": phases} if phases else {})}


def _signed_reasoning(parts: Sequence[Part]) -> Block:
    """All thoughts, where some are signed: what each says, and how many characters and calls stand before it."""
    if not any(isinstance(part, Reasoning) and part.signature for part in parts):
        return {}
    characters = calls = 0
    thoughts: list[Block] = []
    for part in parts:
        match part:
            case Text(text):
                characters += len(text)
            case ToolCall():
                calls += 1
            case Reasoning():
                block = _thought(part.text, part.signature, redacted=part.redacted)
                thoughts.append({**block, "characters_before": characters, "calls_before": calls})
    return {"signed_reasoning": thoughts}


def _beside(parts: Sequence[Part], *, blocks: bool) -> dict[str, Any]:
    """What an answer holds beside its content and calls."""
    thoughts = [] if blocks else [part for part in parts if isinstance(part, Reasoning)]
    found = {
        "reasoning_content": "".join(thought.text for thought in thoughts),
        "refusal": "".join(part.text for part in parts if isinstance(part, Refusal)),
    }
    return {name: value for name, value in found.items() if value}


def _call(call: ToolCall) -> Any:
    """The call, or the invalid call where its arguments are no JSON object."""
    try:
        arguments = json.loads(call.arguments or "{}")
    except ValueError as error:
        return invalid_tool_call(name=call.name, args=call.arguments, id=call.id, error=str(error))
    if not isinstance(arguments, dict):
        return invalid_tool_call(name=call.name, args=call.arguments, id=call.id, error="not a JSON object")
    return tool_call(name=call.name, args=arguments, id=call.id)


def usage_metadata(usage: Usage) -> UsageMetadata | None:
    """Tokens as LangChain counts them; `None` where the provider didn't report both sides."""
    if usage.input is None or usage.output is None:
        return None
    found = UsageMetadata(input_tokens=usage.input, output_tokens=usage.output, total_tokens=usage.input + usage.output)
    read = {"cache_read": usage.cache_read, "cache_creation": usage.cache_creation, "audio": usage.input_audio}
    written = {"reasoning": usage.reasoning, "audio": usage.output_audio}
    if details := {kind: count for kind, count in read.items() if count is not None}:
        found["input_token_details"] = InputTokenDetails(**details)  # type: ignore[typeddict-item]  # its own keys
    if details := {kind: count for kind, count in written.items() if count is not None}:
        found["output_token_details"] = OutputTokenDetails(**details)  # type: ignore[typeddict-item]  # its own keys
    return found


def response_metadata(answer: Answer, provider: str) -> dict[str, Any]:
    """What LangChain's tools look for (the real model, provider and finish reason), and the decision as `routing`."""
    found = {
        **answer.response.extra,
        "model_name": answer.model,
        "model_provider": provider,
        "finish_reason": answer.finish_reason,
        "id": answer.response.provider_request_id,
        "routing": answer.routing(),
    }
    return {name: value for name, value in found.items() if value is not None}


def _form_of(provider: str) -> str:
    """The provider in whose form LangChain shall read an answer's content; not Anthropic's, as calls stand in that."""
    return OURS if provider == "anthropic" else provider


class Pieces:
    """Turns the events of one stream into chunks that add up to the message."""

    def __init__(self, *, blocks: bool = False) -> None:
        self._blocks = blocks
        self._run: object = None
        self._phase: str | None = None
        self._place = -1
        self._calls: dict[int, int] = {}

    def chunk(self, event: StreamEvent) -> AIMessageChunk | None:
        """What an event adds; `None` for events that only the last chunk tells of."""
        match event:
            case TextDelta(text, phase):
                return AIMessageChunk(content=self._text(text, phase) if self._blocks else text)
            case ReasoningDelta():
                return self._reasoning(event)
            case RefusalDelta(text):
                return AIMessageChunk(content="", additional_kwargs={"refusal": text})
            case ToolCallDelta(index, call_id, name, arguments):
                place = self._place_of_call(index) if self._blocks else index
                chunk = tool_call_chunk(name=name, args=arguments, id=call_id, index=place)
                return AIMessageChunk(content="", tool_call_chunks=[chunk])
            case _:
                return None

    def _reasoning(self, delta: ReasoningDelta) -> AIMessageChunk | None:
        """Its text; as a block with its signature, which ends it, else the last chunk tells of signatures."""
        if self._blocks:
            if delta.redacted:
                self._run = None
            block = _thought(delta.text, delta.signature, redacted=delta.redacted)
            content = self._content(block)
            self._run = None if delta.signature else self._run
            return AIMessageChunk(content=content)
        said = {"reasoning_content": delta.text}
        return AIMessageChunk(content="", additional_kwargs=said) if delta.text else None

    def _text(self, text: str, phase: str | None) -> list[str | Block]:
        """A piece of text; the first of a phase names it, as texts of joined pieces are joined."""
        if self._run == "text" and phase == self._phase:
            return self._content(_said(text, None))
        self._run, self._phase = None, phase
        return self._content(_said(text, phase))

    def _content(self, block: Block) -> list[str | Block]:
        """A block of content at the place of its run; blocks at one place are joined."""
        kind: Literal["text", "reasoning"] = block["type"]
        if kind != self._run:
            self._run = kind
            self._place += 1
        return [{**block, "index": self._place}]

    def _place_of_call(self, index: int) -> int:
        self._run = "call"
        if index not in self._calls:
            self._place += 1
            self._calls[index] = self._place
        return self._calls[index]


def last_chunk(answer: Answer, provider: str, *, blocks: bool = False) -> AIMessageChunk:
    """The chunk that ends a stream: usage, metadata, decision, and what of the answer only blocks hold."""
    return AIMessageChunk(
        content="",
        additional_kwargs={} if blocks else _to_go_back(answer.response.message.parts),
        usage_metadata=usage_metadata(answer.usage),
        response_metadata=response_metadata(answer, provider if blocks else _form_of(provider)),
        chunk_position="last",
    )
