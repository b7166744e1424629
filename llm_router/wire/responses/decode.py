"""Decodes responses: whole, and streamed as server-sent events."""

from __future__ import annotations

from collections.abc import Mapping

from llm_router.messages import StreamEvent
from llm_router.wire.openai.decode import Frames
from llm_router.wire.reading import malformed, parse_object
from llm_router.wire.responses.reply import Reply
from llm_router.wire.streaming import StreamDecoder


def whole_events(headers: Mapping[str, str], body: bytes) -> list[StreamEvent]:
    """The events of a whole response. Raises WireError."""
    value = parse_object(body)
    if not value.get("error") and not isinstance(value.get("output"), list):
        raise malformed("the reply has no output")
    return Reply(headers).read({"type": "response.completed", "response": value})


def decoder(headers: Mapping[str, str]) -> StreamDecoder:
    """A decoder for one streamed response."""
    return StreamDecoder(Frames(headers, Reply(headers), whole_events))
