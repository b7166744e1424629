"""A conversation as the one text that a prediction takes, by these rules:

What system messages say, wherever they stand, is the system prompt. A single message of the user is the prompt as it
stands. A longer conversation is a transcript: each message under its speaker, `User:` or `Assistant:`, an empty line
between them, and `Assistant:` at the end for the answer; an assistant's message at the end is left open instead, to be
continued. Calls of tools and their results, from other providers, are told in words. Thoughts are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llm_router.messages import Media, Message, Part, Refusal, Text, ToolCall, ToolResult
from llm_router.wire.codec import Unsupported
from llm_router.wire.tool_calls import result_text

_SPEAKERS = {"user": "User", "assistant": "Assistant", "tool": "Tool"}


@dataclass(frozen=True, slots=True)
class Prompt:
    """The conversation's texts, and its images in order."""

    system: str
    text: str
    images: tuple[Media, ...]


def prompt_of(messages: Sequence[Message]) -> Prompt:
    """The conversation as a prompt. Raises Unsupported."""
    media = [part for message in messages for part in message.parts if isinstance(part, Media)]
    if any(part.kind != "image" for part in media):
        raise Unsupported("files and sound")
    system = "\n\n".join(_said(message) for message in messages if message.role == "system")
    said = [message for message in messages if message.role != "system"]
    if not said:
        raise Unsupported("a conversation in which nobody asks")
    text = _said(said[0]) if len(said) == 1 and said[0].role == "user" else _transcript(said)
    return Prompt(system, text, tuple(media))


def _transcript(messages: Sequence[Message]) -> str:
    lines = [f"{_SPEAKERS[message.role]}: {_said(message)}" for message in messages]
    return "\n\n".join(lines if messages[-1].role == "assistant" else [*lines, "Assistant:"])


def _said(message: Message) -> str:
    """All that a message says, one thing a line where there are several."""
    told = [_told(part) for part in message.parts]
    joint = "" if all(isinstance(part, Text | Media) for part in message.parts) else "\n"
    return joint.join(text for text in told if text)


def _told(part: Part) -> str:
    match part:
        case Text(text) | Refusal(text):
            return text
        case ToolCall():
            return f"(calls the tool {part.name} with {part.arguments or '{}'})"
        case ToolResult():
            return result_text(part)
        case _:
            return ""
