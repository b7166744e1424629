"""Recorded exchanges with Anthropic decode to what was judged right for each (`anthropic_golden.json`), and our request
for the same conversation says what real clients said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from llm_router.messages import ChatResponse, Message, Reasoning, Text, ToolCall, Usage
from llm_router.testing.dialects.anthropic import Anthropic
from llm_router.testing.dialects.dialect import Moment
from llm_router.testing.question import Question
from llm_router.wire.codec import Target
from llm_router.wire.dialects import CODECS
from tests.recordings import Recording, needs_recordings, recordings
from tests.wire.anthropic import allowed_by_vendor, neutral
from tests.wire.fitting import encode_fitted
from tests.wire.judging import Labels, answered, check_breaks, check_cuts, each, failed, unshown
from tests.wire.reading_streams import decode_stream

CODEC = CODECS["anthropic"]
GOLDEN: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("anthropic_golden.json").read_bytes())
CHATS = [each for each in recordings("anthropic") if each.path.endswith("/messages") or each.status >= 400]
ANSWERS = [each for each in CHATS if each.status < 400]
STREAMS = [each for each in ANSWERS if not each.body.startswith(b"{")]
SEVERAL = {"anthropic/tool_call_parallel_stream-01-claude-sonnet-4-5-20250929"}
"""Recordings that hold several answers, one behind the other; the first is the exchange's."""


def response_of(recording: Recording) -> ChatResponse:
    """The answer of a recording, however it came."""
    if recording not in STREAMS:
        return CODEC.decode(recording.headers, recording.body)
    outcome = decode_stream(CODEC, recording.headers, [recording.body])
    assert outcome.failure is None
    return outcome.response


def observed(recording: Recording) -> dict[str, Any]:
    """What the codec makes of a recording, in short."""
    if recording.status >= 400:
        return failed(CODEC.decode_error(recording.status, recording.headers, recording.body))
    return answered(response_of(recording))


@needs_recordings
@each(CHATS)
def test_a_recording_decodes_as_judged(recording: Recording) -> None:
    assert observed(recording) == GOLDEN[recording.name]


@needs_recordings
def test_every_judgement_is_of_a_recording() -> None:
    assert sorted(GOLDEN) == sorted(recording.name for recording in CHATS)


@needs_recordings
@each(STREAMS)
def test_a_stream_gives_the_same_however_it_is_cut(recording: Recording) -> None:
    check_cuts(CODEC, recording)


@needs_recordings
@each(STREAMS)
def test_a_stream_that_is_cut_short_is_never_a_whole_answer(recording: Recording) -> None:
    check_breaks(CODEC, recording)


@needs_recordings
@each(STREAMS)
def test_nothing_after_the_end_of_a_stream_counts(recording: Recording) -> None:
    decoder = CODEC.decoder(recording.headers)
    decoder.feed(recording.body)
    assert decoder.done
    assert decoder.feed(b'event: error\ndata: {"type": "error", "error": {"type": "api_error"}}\n\n') == []
    assert decoder.feed(b'event: x\ndata: {"trailing": \xff\n\n') == []
    assert decoder.close() == []


@needs_recordings
@each([answer for answer in ANSWERS if answer.name not in SEVERAL])
def test_an_answer_is_what_a_plain_reader_finds(recording: Recording) -> None:
    response, blocks = response_of(recording), _blocks(recording)
    assert response.text == "".join(block["text"] for block in blocks if block["type"] == "text")
    assert [(call.id, call.name, json.loads(call.arguments)) for call in response.tool_calls] == [
        (block["id"], block["name"], block["input"]) for block in blocks if block["type"] == "tool_use"
    ]
    thoughts = [part for part in response.message.parts if isinstance(part, Reasoning)]
    assert [(part.text, part.signature) for part in thoughts] == [
        (block["thinking"], block["signature"]) for block in blocks if block["type"] == "thinking"
    ]
    others = [block for block in blocks if block["type"] not in ("text", "thinking", "tool_use")]
    assert list(response.extra.get("content_blocks") or ()) == others  # type: ignore[arg-type]  # a list, if anything
    cited = [citation for block in blocks for citation in block.get("citations") or ()]
    assert list(response.extra.get("citations") or ()) == cited  # type: ignore[arg-type]  # a list, if anything


def _blocks(recording: Recording) -> list[dict[str, Any]]:
    """The blocks of an answer, put together by the plainest reading of the stream."""
    if recording not in STREAMS:
        content: list[dict[str, Any]] = json.loads(recording.body)["content"]
        return content
    found: dict[int, dict[str, Any]] = {}
    inputs: dict[int, str] = {}
    for line in recording.body.decode().splitlines():
        event = json.loads(line[5:]) if line.startswith("data:") else {}
        delta = event.get("delta", {})
        match event.get("type"), delta.get("type"):
            case "content_block_start", _:
                found[event["index"]] = event["content_block"]
            case _, "input_json_delta":
                inputs[event["index"]] = inputs.get(event["index"], "") + delta["partial_json"]
            case _, "citations_delta":
                found[event["index"]]["citations"].append(delta["citation"])
            case "content_block_delta", kind:
                name = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}[kind]
                found[event["index"]][name] += delta[name]
    for index, text in inputs.items():
        found[index]["input"] = json.loads(text or "{}")
    return [found[index] for index in sorted(found)]


LABELS: Labels = {
    "tool_call": lambda judged: "call" in judged["parts"],
    "finish_length": lambda judged: judged["finish"] == "length",
    "refusal": lambda judged: judged["finish"] == "content_filter",
    "cached_usage": lambda judged: judged["usage"].get("cache_read", 0) > 0,
    "reasoning": lambda judged: "reasoning" in judged["parts"],
}


@needs_recordings
@each(ANSWERS)
def test_an_answer_has_what_its_labels_say(recording: Recording) -> None:
    assert unshown(recording, GOLDEN[recording.name], LABELS) == []


def _is_plain(recording: Recording) -> bool:
    """Whether a request has nothing but what the neutral form can say."""
    if recording.status >= 400 or not isinstance(recording.sent, dict):
        return False
    try:
        neutral(recording.sent)
    except KeyError:
        return False
    return True


REQUESTS = [recording for recording in CHATS if _is_plain(recording)]


@needs_recordings
@each(REQUESTS)
def test_our_request_says_what_was_accepted(recording: Recording) -> None:
    theirs = recording.sent
    request = encode_fitted(
        CODEC, neutral(theirs), Target("https://x.test", theirs["model"]), stream=bool(theirs.get("stream"))
    )
    ours = json.loads(request.body)
    if not {"output_format"} & set(theirs):  # before it was `output_config.format`
        allowed_by_vendor(ours)
    assert [_turn(message) for message in ours.pop("messages")] == _turns(theirs["messages"])
    assert _list(ours.pop("system", [])) == _list(theirs.get("system") or [])
    assert _rest(ours) == _rest(theirs)


def _turns(messages: list[dict[str, Any]]) -> list[Any]:
    """Messages with what one side says in a row as one, results first, and nothing empty."""
    turns: list[tuple[str, list[Any]]] = []
    for message in messages:
        role, said = _turn(message)
        if not turns or turns[-1][0] != role:
            turns.append((role, []))
        turns[-1][1].extend(said)
    return [(role, sorted(said, key=lambda block: block["type"] != "tool_result")) for role, said in turns]


def _turn(message: dict[str, Any]) -> tuple[str, list[Any]]:
    return message["role"], _list(message["content"])


def _list(content: Any) -> list[dict[str, Any]]:
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return [_block(block) for block in blocks if block.get("text", "x").strip()]


def _block(block: dict[str, Any]) -> dict[str, Any]:
    said = {key: value for key, value in block.items() if value is not None and (key, value) != ("is_error", False)}
    if block["type"] == "tool_use":
        said.pop("caller", None)
    if said.get("cache_control", {}).get("ttl") == "5m":
        said["cache_control"] = {"type": "ephemeral"}
    return {**said, "content": _list(said["content"])} if said.get("content") else said


def _rest(body: dict[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in body.items() if value not in (None, [], False)}
    for key in ("messages", "system"):
        rest.pop(key, None)
    choice = dict(rest.pop("tool_choice", {}))
    if not choice.get("disable_parallel_tool_use"):
        choice.pop("disable_parallel_tool_use", None)
    if rest.get("tools"):
        rest["tools"] = [{key: value for key, value in tool.items() if value != ""} for tool in rest["tools"]]
        rest["tool_choice"] = choice
    return rest


_WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
_PARTS = st.one_of(
    _WORDS.map(Text),
    st.builds(Reasoning, _WORDS, _WORDS),
    st.builds(Reasoning, st.just(""), _WORDS, st.just(True)),
    st.builds(ToolCall, st.just("t"), st.just("f"), st.dictionaries(_WORDS, _WORDS, max_size=2).map(json.dumps)),
)


@settings(deadline=None)
@given(st.lists(_PARTS, max_size=4), st.sampled_from(["stop", "length"]), st.integers(1, 60))
def test_the_same_answer_whole_and_in_pieces_is_the_same_value(parts: list[Any], reason: Any, size: int) -> None:
    meant = ChatResponse(Message("assistant", tuple(parts)), reason, Usage(9, 4, 2, 1, 0), "m")
    told = {
        stream: Anthropic().answer(Question("anthropic", "m", stream=stream), meant, Moment(0, 1)).body
        for stream in (False, True)
    }
    whole = CODEC.decode({}, told[False])
    streamed = [told[True][at : at + size] for at in range(0, len(told[True]), size)]
    assert _parsed(decode_stream(CODEC, {}, streamed).response) == _parsed(whole)
    assert whole.usage == meant.usage
    assert [part for part in whole.message.parts if isinstance(part, Reasoning)] == [
        part for part in parts if isinstance(part, Reasoning)
    ]


def _parsed(response: ChatResponse) -> Any:
    calls = [(call.id, call.name, json.loads(call.arguments)) for call in response.tool_calls]
    others = [part for part in response.message.parts if not isinstance(part, ToolCall)]
    return calls, others, response.finish_reason, response.usage, response.extra
