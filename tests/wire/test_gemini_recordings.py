"""Recorded exchanges with Gemini decode to what was judged right for each of them (`gemini_golden.json`)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from llm_router.messages import ChatResponse, Reasoning
from llm_router.wire.gemini import Gemini
from tests.recordings import Recording, needs_recordings, recordings
from tests.wire.judging import Labels, answered, check_breaks, check_cuts, each, failed, unshown
from tests.wire.reading_streams import decode_stream

pytestmark = needs_recordings

CODEC = Gemini()
GOLDEN: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("gemini_golden.json").read_bytes())


def _is_chat(recording: Recording) -> bool:
    return "enerateContent" in recording.path or recording.status >= 400


CHATS = [recording for recording in recordings("gemini") if _is_chat(recording)]
ANSWERS = [recording for recording in CHATS if recording.status < 400]
STREAMS = [recording for recording in ANSWERS if "streamGenerateContent" in recording.path]


def response_of(recording: Recording) -> ChatResponse:
    """What a recorded answer decodes to."""
    if recording not in STREAMS:
        return CODEC.decode(recording.headers, recording.body)
    outcome = decode_stream(CODEC, recording.headers, [recording.body])
    assert outcome.failure is None
    return outcome.response


def observed(recording: Recording) -> dict[str, Any]:
    """What the codec makes of a recording, in short."""
    if recording.status >= 400:
        return failed(CODEC.decode_error(recording.status, recording.headers, recording.body))
    response = response_of(recording)
    signed = sum(isinstance(part, Reasoning) and part.signature is not None for part in response.message.parts)
    return {
        **answered(response),
        "signed": signed,
    }


@each(CHATS)
def test_a_recording_decodes_as_judged(recording: Recording) -> None:
    assert observed(recording) == GOLDEN[recording.name]


def test_every_judgement_is_of_a_recording() -> None:
    assert sorted(GOLDEN) == sorted(recording.name for recording in CHATS)


@each(STREAMS)
def test_a_stream_gives_the_same_however_it_is_cut(recording: Recording) -> None:
    check_cuts(CODEC, recording)


@each(STREAMS)
def test_a_stream_that_is_cut_short_is_never_a_whole_answer(recording: Recording) -> None:
    check_breaks(CODEC, recording)


@each(ANSWERS)
def test_an_answer_is_what_a_plain_reader_finds(recording: Recording) -> None:
    response, plain = response_of(recording), _plain(recording.body)
    assert response.text == plain["text"]
    assert "".join(part.text for part in response.message.parts if isinstance(part, Reasoning)) == plain["thoughts"]
    calls = [(call.name, json.loads(call.arguments)) for call in response.tool_calls]
    assert calls == plain["calls"] or "partialArgs" in recording.body.decode()
    assert response.usage.total == plain["total"]
    assert response.model == plain["model"]


def _plain(body: bytes) -> dict[str, Any]:
    """The plainest reading that could be right."""
    text = body.decode()
    lines = [line[5:] for line in text.splitlines() if line.startswith("data:")]
    chunks = [json.loads(line) for line in lines] or json.loads(text)
    chunks = chunks if isinstance(chunks, list) else [chunks]
    parts = [part for chunk in chunks for part in chunk["candidates"][0]["content"].get("parts", [])]
    return {
        "text": "".join(part.get("text", "") for part in parts if not part.get("thought")),
        "thoughts": "".join(part["text"] for part in parts if part.get("thought")),
        "calls": [(part["functionCall"]["name"], part["functionCall"]["args"]) for part in parts if _is_call(part)],
        "total": chunks[-1]["usageMetadata"]["totalTokenCount"],
        "model": chunks[0]["modelVersion"],
    }


def _is_call(part: dict[str, Any]) -> bool:
    return "args" in part.get("functionCall", {})


LABELS: Labels = {
    "tool_call": lambda judged: "call" in judged["parts"],
    "tool_call_parallel": lambda judged: judged["parts"].split().count("call") > 1,
    "finish_length": lambda judged: judged["finish"] == "length",
    "finish_content_filter": lambda judged: judged["finish"] == "content_filter",
    "cached_usage": lambda judged: judged["usage"].get("cache_read", 0) > 0,
    "reasoning": lambda judged: "reasoning" in judged["parts"] or judged["usage"].get("reasoning", 0) > 0,
}


@each(ANSWERS)
def test_an_answer_has_what_its_labels_say(recording: Recording) -> None:
    assert unshown(recording, GOLDEN[recording.name], LABELS) == []
