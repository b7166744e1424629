"""Recorded exchanges with real providers decode to what was judged right for each of them (`golden.json`)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from llm_router.messages import Reasoning
from llm_router.wire.codec import Codec, WireError
from llm_router.wire.dialects import CODECS
from tests.recordings import Recording, needs_recordings, recordings
from tests.wire.independent import ollama_reply, openai_reply
from tests.wire.judging import Labels, answered, check_breaks, check_cuts, each, failed, unshown
from tests.wire.reading_streams import decode_stream

pytestmark = needs_recordings

COMPATIBLE = (
    "openai",
    "azure_openai",
    "groq",
    "together",
    "mistral",
    "perplexity",
    "deepseek",
    "huggingface",
    "openrouter",
    "litellm_proxy",
)
GOLDEN: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("golden.json").read_bytes())


def _is_chat(recording: Recording) -> bool:
    ending = "/api/chat" if recording.provider == "ollama" else "chat/completions"
    return recording.path.endswith(ending) or recording.status >= 400


def _is_document(body: bytes) -> bool:
    """Whether a body is one JSON document; one line of NDJSON is a document too."""
    try:
        json.loads(body)
    except ValueError:
        return False
    return True


CHATS = [recording for recording in recordings(*COMPATIBLE, "ollama") if _is_chat(recording)]
ANSWERS = [recording for recording in CHATS if recording.status < 400]
STREAMS = [recording for recording in ANSWERS if not _is_document(recording.body)]
_STREAMED = {recording.name for recording in STREAMS}
GOOD = [recording for recording in ANSWERS if "failure" not in GOLDEN.get(recording.name, {})]
LATE = {"azure_openai/tool_call_parallel_stream-01-gpt-4o"}
"""Streams that say their finish reason with every chunk, and then go on."""


def codec_of(recording: Recording) -> Codec:
    """The codec of the recording's dialect."""
    return CODECS["ollama" if recording.provider == "ollama" else "openai"]


def _is_stream(recording: Recording) -> bool:
    return recording.name in _STREAMED


def observed(recording: Recording) -> dict[str, Any]:
    """What the codec makes of a recording, in short."""
    codec = codec_of(recording)
    if recording.status >= 400:
        return failed(codec.decode_error(recording.status, recording.headers, recording.body))
    if _is_stream(recording):
        outcome = decode_stream(codec, recording.headers, [recording.body])
        return failed(outcome.failure) if outcome.failure else answered(outcome.response)
    try:
        return answered(codec.decode(recording.headers, recording.body))
    except WireError as error:
        return failed(error.failure)


@each(CHATS)
def test_a_recording_decodes_as_judged(recording: Recording) -> None:
    assert observed(recording) == GOLDEN[recording.name]


@each(STREAMS)
def test_a_stream_gives_the_same_however_it_is_cut(recording: Recording) -> None:
    check_cuts(codec_of(recording), recording)


@each([stream for stream in STREAMS if stream.name not in LATE])
def test_a_stream_that_is_cut_short_is_never_a_whole_answer(recording: Recording) -> None:
    check_breaks(codec_of(recording), recording)


@each(STREAMS)
def test_nothing_after_the_end_of_a_stream_counts(recording: Recording) -> None:
    decoder = codec_of(recording).decoder(recording.headers)
    try:
        decoder.feed(recording.body + b"\n\n")
    except WireError:
        return
    assert decoder.done or b"[DONE]" not in recording.body
    if b"[DONE]" in recording.body or recording.provider == "ollama":
        assert decoder.feed(b'\n\n{"trailing": \xff\n\ndata: {"choices": [{"delta": {"content": "x"}}]}\n\n') == []
        assert decoder.close() == []


@each(GOOD)
def test_an_answer_is_what_a_plain_reader_finds(recording: Recording) -> None:
    stream = _is_stream(recording)
    codec = codec_of(recording)
    decoded = decode_stream(codec, recording.headers, [recording.body]).response if stream else None
    response = decoded or codec.decode(recording.headers, recording.body)
    if recording.provider == "ollama":
        plain = ollama_reply(recording.body)
        assert [(call.name, json.loads(call.arguments)) for call in response.tool_calls] == plain["calls"]
        assert "".join(p.text for p in response.message.parts if isinstance(p, Reasoning)) == plain["reasoning"]
    else:
        plain = openai_reply(recording.body, stream=stream)
        assert [[call.name, call.arguments] for call in response.tool_calls] == plain["calls"]
    assert response.text == plain["text"]
    heard = response.usage.input_audio or 0
    assert response.usage.input in (plain["prompt_tokens"], (plain["prompt_tokens"] or 0) + heard)


LABELS: Labels = {
    "tool_call": lambda judged: "call" in judged["parts"],
    "tool_call_parallel": lambda judged: judged["parts"].split().count("call") > 1,
    "legacy_function_call": lambda judged: "call" in judged["parts"],
    "finish_length": lambda judged: judged["finish"] == "length",
    "finish_content_filter": lambda judged: judged["finish"] == "content_filter",
    "cached_usage": lambda judged: judged["usage"].get("cache_read", 0) > 0,
    "reasoning": lambda judged: "reasoning" in judged["parts"] or judged["usage"].get("reasoning", 0) > 0,
    "logprobs": lambda judged: "logprobs" in judged["extra"],
}
UNLIKE = {
    ("openai/tool_call_parallel-01-gpt-3-5-turbo", "tool_call_parallel"): "two choices with a call each",
    ("litellm_proxy/tool_call-03", "reasoning"): "only a signature of it",
}


@each(GOOD)
def test_an_answer_has_what_its_labels_say(recording: Recording) -> None:
    missing = unshown(recording, GOLDEN[recording.name], LABELS)
    assert [label for label in missing if (recording.name, label) not in UNLIKE] == []


@each([r for r in STREAMS if r.provider == "perplexity"])
def test_deltas_spell_the_message_that_perplexity_repeats(recording: Recording) -> None:
    last = [line for line in recording.body.splitlines() if line.startswith(b"data:")][-1]
    message = json.loads(last[5:])["choices"][0]["message"]["content"]
    assert decode_stream(codec_of(recording), recording.headers, [recording.body]).response.text == message


def test_every_judgement_is_of_a_recording() -> None:
    assert sorted(GOLDEN) == sorted(recording.name for recording in CHATS)
