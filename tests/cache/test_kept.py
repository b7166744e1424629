"""An answer as bytes and back, and as events and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_router.engine.caching.replay import events_of
from llm_router.messages import (
    Assembly,
    ChatResponse,
    Media,
    Message,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Usage,
)
from llm_router.state.kept import Kept, from_bytes, to_bytes

WORDS = st.text(max_size=200) | st.sampled_from(["\ud800", "\0", "é" * 900])
COUNTS = st.none() | st.integers(0, 2**53)
TEXTS = st.builds(Text, WORDS, st.sampled_from([None, "5m", "1h"]))
MEDIA = st.builds(
    Media,
    st.sampled_from(["image", "file", "audio"]),
    url=st.none() | WORDS,
    data=st.none() | st.binary(max_size=40),
    media_type=st.none() | WORDS,
    name=st.none() | WORDS,
    detail=st.sampled_from([None, "low"]),
)
THOUGHTS = st.builds(Reasoning, WORDS, st.none() | WORDS, st.booleans())
CALLS = st.builds(ToolCall, WORDS, WORDS, WORDS)
RESULTS = st.builds(ToolResult, WORDS, st.lists(TEXTS | MEDIA, max_size=2).map(tuple), is_error=st.booleans())
PARTS: st.SearchStrategy[Part] = st.one_of(TEXTS, MEDIA, THOUGHTS, CALLS, RESULTS, st.builds(Refusal, WORDS))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=5,
)
USAGE = st.builds(Usage, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS)


def responses(parts: st.SearchStrategy[Part] = PARTS) -> st.SearchStrategy[ChatResponse]:
    """Any answer of these parts."""
    message = st.builds(
        Message, st.just("assistant"), st.lists(parts, max_size=4).map(tuple), st.none() | WORDS, st.none() | WORDS
    )
    reasons = st.sampled_from(["stop", "length", "tool_calls", "content_filter", "other"])
    extra = st.dictionaries(WORDS, JSON, max_size=2)
    return st.builds(ChatResponse, message, reasons, USAGE, st.none() | WORDS, st.none() | WORDS, extra)


@given(responses())
def test_an_answer_comes_back_as_it_was(response: ChatResponse) -> None:
    kept = from_bytes(to_bytes(Kept(response, "identity", "sent", 12.5)))
    assert kept == Kept(response, "identity", "sent", 12.5)
    assert kept.response.message.deployment == response.message.deployment


SPOKEN = st.one_of(
    st.builds(Text, st.text(min_size=1, max_size=200), phase=st.sampled_from([None, "commentary", "final_answer"])),
    st.text(min_size=1, max_size=200).map(Refusal),
    st.builds(Reasoning, st.text(min_size=1, max_size=99), st.none() | st.text(min_size=1), st.just(False)),
    st.builds(Reasoning, st.just(""), st.text(min_size=1), st.just(True)),
    st.builds(ToolCall, st.text(min_size=1), st.text(min_size=1), WORDS),
)


@given(responses(SPOKEN))
def test_events_spell_the_same_answer(response: ChatResponse) -> None:
    assembly, again = Assembly(), Assembly()
    for event in events_of(response):
        assembly.add(event)
    spelt = assembly.response()
    for event in events_of(spelt):
        again.add(event)
    assert again.response() == spelt
    assert (spelt.text, spelt.tool_calls) == (response.text, response.tool_calls)
    assert _thoughts(spelt) == _thoughts(response)
    assert (spelt.finish_reason, spelt.usage, spelt.extra) == (response.finish_reason, response.usage, response.extra)
    assert (spelt.model, spelt.provider_request_id) == (response.model, response.provider_request_id)


def _thoughts(response: ChatResponse) -> list[str | None]:
    """What was thought, joined up to each signature: runs without one are spelt as one."""
    found: list[str | None] = [""]
    for part in response.message.parts:
        if isinstance(part, Reasoning):
            found[-1] = (found[-1] or "") + part.text
            if part.signature is not None:
                found += [part.signature, ""]
    return found


LONG = to_bytes(Kept(ChatResponse(Message("assistant", (Text("so it goes. " * 1000),)), "stop"), "i", "s", 0.0))


def test_a_long_answer_is_compressed() -> None:
    assert len(LONG) < 1000


@pytest.mark.parametrize(
    "value",
    [b"", b"\x00{}", b"\x09{}", LONG[:-9], b"\x02no", b"\x01{", b"\x01{}", b"\x01[]"],
    ids=["empty", "unknown", "newer", "cut", "not packed", "no JSON", "no answer", "a list"],
)
def test_what_is_no_answer_is_none(value: bytes) -> None:
    assert from_bytes(value) is None
