"""What the tests of codecs share: a stream's outcome however it is cut, and a reply's neutral summary."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from llm_router.messages import Assembly, ChatResponse, Reasoning, Refusal, StreamEvent, Usage
from llm_router.wire.codec import Codec, Failure, WireError


@dataclass(frozen=True)
class Outcome:
    """All events of a stream, and the failure that ended it."""

    events: tuple[StreamEvent, ...]
    failure: Failure | None

    @property
    def response(self) -> ChatResponse:
        """What the events fold into."""
        assembly = Assembly()
        for event in self.events:
            assembly.add(event)
        return assembly.response()


def decode_stream(codec: Codec, headers: Mapping[str, str], chunks: Iterable[bytes]) -> Outcome:
    """The outcome of a stream that arrives in these chunks."""
    decoder = codec.decoder(headers)
    events: list[StreamEvent] = []
    try:
        for chunk in chunks:
            events += decoder.feed(chunk)
        events += decoder.close()
    except WireError as error:
        return Outcome((*events, *error.events), error.failure)
    return Outcome(tuple(events), None)


def bytewise(data: bytes) -> Iterator[bytes]:
    """The data byte by byte: every cut at once."""
    return (data[at : at + 1] for at in range(len(data)))


def halves(data: bytes, at: int) -> tuple[bytes, bytes]:
    """The data cut once."""
    return data[:at], data[at:]


def pieces(data: bytes, lengths: Iterable[int]) -> Iterator[bytes]:
    """The data in pieces of these lengths, and what is left."""
    at = 0
    for length in lengths:
        yield data[at : at + length]
        at += length
    yield data[at:]


def summary(response: ChatResponse) -> dict[str, Any]:
    """A response as the case files write it; what is empty is left out."""
    said: dict[str, Any] = {
        "text": response.text,
        "reasoning": "".join(part.text for part in response.message.parts if isinstance(part, Reasoning)),
        "refusal": "".join(part.text for part in response.message.parts if isinstance(part, Refusal)),
        "calls": [[call.id, call.name, call.arguments] for call in response.tool_calls],
        "finish": response.finish_reason,
        "usage": usage_summary(response.usage),
        "model": response.model,
        "request_id": response.provider_request_id,
        "extra": dict(response.extra),
    }
    return {key: value for key, value in said.items() if value not in ("", [], {}, None)}


def usage_summary(usage: Usage) -> dict[str, int]:
    """The kinds of tokens that are reported."""
    kinds = [each.name for each in fields(Usage)]
    return {kind: value for kind in kinds if (value := getattr(usage, kind)) is not None}


def failure_summary(failure: Failure) -> dict[str, Any]:
    """A failure as the case files write it; what is unknown is left out."""
    said = {
        "kind": failure.kind,
        "message": failure.message,
        "status": failure.status,
        "code": failure.code,
        "request_id": failure.provider_request_id,
        "retry_after_s": None if failure.retry_after_s is None else round(failure.retry_after_s, 6),
    }
    return {key: value for key, value in said.items() if value is not None}
