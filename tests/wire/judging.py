"""What tests of recorded exchanges share: a recording in short, as judgements write it, and streams cut anywhere."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from llm_router.messages import ChatResponse, Reasoning, Refusal, Text, ToolCall
from llm_router.wire.codec import Codec, Failure
from tests.recordings import Recording
from tests.wire.reading_streams import bytewise, decode_stream, halves, pieces, usage_summary

CUTS = 16
"""At how many places, drawn by its name, a recorded stream is cut."""

_KINDS = {Text: "text", Reasoning: "reasoning", Refusal: "refusal", ToolCall: "call"}

Labels = Mapping[str, Callable[[dict[str, Any]], bool]]
"""What whoever sorted the recordings says is in them, and how that shows in a judgement."""


def each(chosen: list[Recording]) -> pytest.MarkDecorator:
    """Runs a test for each of these recordings, under its name."""
    return pytest.mark.parametrize("recording", chosen, ids=[recording.name for recording in chosen])


def answered(response: ChatResponse) -> dict[str, Any]:
    """An answer in short."""
    return {
        "finish": response.finish_reason,
        "parts": " ".join(_KINDS[type(part)] for part in response.message.parts),
        "usage": usage_summary(response.usage),
        "extra": " ".join(sorted(response.extra)),
    }


def failed(failure: Failure) -> dict[str, Any]:
    """A failure in short."""
    said = {"failure": failure.kind, "code": failure.code, "retry_after_s": failure.retry_after_s}
    return {key: value for key, value in said.items() if value is not None}


def check_cuts(codec: Codec, recording: Recording) -> None:
    """A recorded stream gives the same, whole, byte by byte, as it came, and cut anywhere."""
    body = recording.body
    whole = decode_stream(codec, recording.headers, [body])
    assert decode_stream(codec, recording.headers, bytewise(body)) == whole
    assert decode_stream(codec, recording.headers, pieces(body, recording.chunk_lengths)) == whole
    for cut in _cuts(recording):
        assert decode_stream(codec, recording.headers, halves(body, cut)) == whole


def check_breaks(codec: Codec, recording: Recording) -> None:
    """A recorded stream that breaks off is never a whole answer, unless only its end marker is missing."""
    body = recording.body
    whole = decode_stream(codec, recording.headers, [body]).response
    for cut in _cuts(recording):
        part = decode_stream(codec, recording.headers, [body[:cut]])
        if part.failure is None:
            assert part.response.message == whole.message
            assert part.response.finish_reason == whole.finish_reason


def unshown(recording: Recording, judged: dict[str, Any], labels: Labels) -> list[str]:
    """The labels of a recording that its judgement doesn't show."""
    own = {feature.removesuffix("_stream") for feature in recording.features} & set(labels)
    return [label for label in sorted(own) if not labels[label](judged)]


def _cuts(recording: Recording) -> Iterator[int]:
    length = len(recording.body)
    yield from random.Random(recording.name).sample(range(length), k=min(CUTS, length))
