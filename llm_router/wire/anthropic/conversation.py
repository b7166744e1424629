"""Encodes the messages of a conversation, by these rules:

System messages, wherever they stand, go to the top-level `system`, in their order. Tool results are the user's. What
one side says in a row is one message. The white space at the end of an answer that is to be continued is cut off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from llm_router.messages import JsonObject, Media, Message, Reasoning, Text, ToolCall, ToolResult
from llm_router.wire.anthropic.content import encode_part, shortest
from llm_router.wire.codec import Unsupported


@dataclass(frozen=True, slots=True)
class Conversation:
    """The body's `system` blocks and its `messages`."""

    system: Sequence[JsonObject]
    turns: Sequence[JsonObject]

    @property
    def prefilled(self) -> bool:
        """Whether it ends with the beginning of the answer."""
        return self.turns[-1]["role"] == "assistant"


@dataclass(slots=True)
class _Turn:
    role: str
    blocks: list[JsonObject] = field(default_factory=list)


def encode_conversation(messages: Sequence[Message]) -> Conversation:
    """The conversation as the API takes it. Raises Unsupported."""
    system: list[JsonObject] = []
    turns: list[_Turn] = []
    for message in messages:
        _check(message)
        blocks = [encode_part(part) for part in message.parts]
        if message.role == "system":
            system += blocks
        elif blocks:
            _add(turns, "assistant" if message.role == "assistant" else "user", blocks)
    if not turns or turns[0].role != "user":
        raise Unsupported("a conversation that doesn't begin with the user")
    _trim(turns[-1])
    return Conversation(system, [{"role": turn.role, "content": shortest(turn.blocks)} for turn in turns])


def _add(turns: list[_Turn], role: str, blocks: list[JsonObject]) -> None:
    if not turns or turns[-1].role != role:
        turns.append(_Turn(role))
    turns[-1].blocks += blocks


def _trim(last: _Turn) -> None:
    """Cuts white space from the end of a beginning (anthropic: a 400 otherwise, 2025)."""
    block = last.blocks[-1]
    if last.role == "assistant" and block["type"] == "text":
        last.blocks[-1] = {**block, "text": str(block["text"]).rstrip()}


_FOREIGN: dict[str, tuple[type, ...]] = {
    "system": (Media, Reasoning, ToolCall, ToolResult),
    "user": (Reasoning, ToolCall, ToolResult),
    "assistant": (Media, ToolResult),
    "tool": (Text, Media, Reasoning, ToolCall),
}
"""What has no place in a message of this role."""


def _check(message: Message) -> None:
    """Raises Unsupported for parts that don't belong into the message."""
    if any(isinstance(part, _FOREIGN[message.role]) for part in message.parts):
        raise Unsupported(
            f"parts in {'an' if message.role == 'assistant' else 'a'} {message.role} message that have no place there"
        )
