"""A whole answer as the events of a stream, for those who ask for one and get what was kept."""

from __future__ import annotations

from collections.abc import Iterator

from llm_router.messages import (
    ChatResponse,
    Extra,
    Finished,
    Part,
    Reasoning,
    ReasoningDelta,
    Refusal,
    RefusalDelta,
    Started,
    StreamEvent,
    Text,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
    UsageReport,
)

PIECE = 64
"""So many characters of text come at once."""


def events_of(response: ChatResponse) -> Iterator[StreamEvent]:
    """Yields the events that spell the response, text in pieces."""
    yield Started(response.model, response.provider_request_id)
    index = 0
    for part in response.message.parts:
        yield from _pieces(part, index)
        index += isinstance(part, ToolCall)
    if response.extra:
        yield Extra(response.extra)
    yield Finished(response.finish_reason)
    if response.usage != Usage():
        yield UsageReport(response.usage)


def _pieces(part: Part, index: int) -> Iterator[StreamEvent]:
    match part:
        case Text(text):
            yield from (TextDelta(piece, part.phase) for piece in _cut(text))
        case Reasoning(text, signature, redacted):
            yield from () if redacted else (ReasoningDelta(piece) for piece in _cut(text))
            if redacted or signature is not None:
                yield ReasoningDelta(text if redacted else "", signature, redacted)
        case Refusal(text):
            yield from (RefusalDelta(piece) for piece in _cut(text))
        case ToolCall(call_id, name, arguments):
            yield ToolCallDelta(index, call_id, name, arguments)
        case _:
            return


def _cut(text: str) -> Iterator[str]:
    return (text[start : start + PIECE] for start in range(0, len(text), PIECE))
