"""A conversation goes on at another provider: what fitting keeps, and that everybody takes what it leaves."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_router.catalog.providers import PROVIDERS
from llm_router.messages import ChatRequest, Message, Part, Reasoning, Refusal, Text, Tool, ToolCall, ToolResult
from llm_router.testing import Asked, Emulator
from llm_router.wire.codec import HistoryForm, HttpRequest, Target, Unsupported
from llm_router.wire.dialects import CODECS
from llm_router.wire.history import BEGINNING, NO_RESULT, fitted
from tests.wire.conversations import read_message, shown_message

Case = dict[str, Any]
CASES: list[Case] = yaml.safe_load(Path(__file__).with_name("cases").joinpath("history.yaml").read_text("utf-8"))
WRITERS = {"sonnet": "anthropic", "haiku": "anthropic", "flash": "gemini", "gpt": "openai", "pocket": "ollama"}
MODELS = {"anthropic": "claude-sonnet-4-5", "gemini": "gemini-3.1-pro-preview", "openai": "gpt-4o"}
PLACES = {"anthropic": "/it/anthropic", "gemini": "/it/gemini/v1beta", "ollama": "/it/ollama"}


def fit_for(kind: str, request: ChatRequest) -> ChatRequest:
    """The request as a provider of this kind gets it."""
    return fitted(request, form_of(kind), own=lambda writer: WRITERS.get(writer) == kind)


def form_of(kind: str) -> HistoryForm:
    return CODECS[PROVIDERS[kind].dialect].history(target_of(kind))


def target_of(kind: str) -> Target:
    row, model = PROVIDERS[kind], MODELS.get(kind, "m")
    place = PLACES.get(kind, f"/it/{kind}/v1")
    return Target(f"http://x.test{place}", model, row.auth_headers("k"), {}, row.quirks_for(None, model))


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_conversation_is_fitted_as_stated(case: Case) -> None:
    request = ChatRequest(tuple(map(read_message, copy.deepcopy(case["messages"]))))
    for kind, expected in case["for"].items():
        assert [shown_message(message) for message in fit_for(kind, request).messages] == expected, kind


def test_a_conversation_without_content_is_refused_where_empty_texts_are() -> None:
    request = ChatRequest((Message("user", (Text(" "),)),))
    assert fit_for("openai", request) == request
    with pytest.raises(Unsupported, match="without content"):
        fit_for("anthropic", request)


def test_the_last_four_marks_of_the_cache_are_kept_where_there_are_any() -> None:
    marked = tuple(Text(word, cache="5m") for word in "abcd")
    result = ToolResult("c", (Text("r", cache="5m"),), cache="1h")
    said = (Message("user", marked), Message("assistant", (ToolCall("c", "f", "{}"),)), Message("tool", (result,)))
    request = ChatRequest(said, tools=(Tool("f", cache="1h"),))
    kept = fit_for("anthropic", request)
    assert kept.tools[0].cache is None
    assert [part.cache for part in kept.messages[0].parts if isinstance(part, Text)] == [None, None, "5m", "5m"]
    assert kept.messages[2] == said[2]
    assert "5m" not in repr(fit_for("openai", request))
    assert "1h" not in repr(fit_for("openai", request))


# generated histories

_IDS = st.sampled_from(["", "c1", "c2", "f:1", "call_0123456789", "ü" * 50, "abcDEF123"])
_WORDS = st.sampled_from(["", " ", "one", "two\n", "ünd drei"])
_TEXTS = st.builds(Text, _WORDS, st.sampled_from([None, None, "5m"]), st.sampled_from([None, None, "commentary"]))
_THOUGHTS = st.builds(Reasoning, _WORDS, st.sampled_from([None, "c2ln"])) | st.just(
    Reasoning("", "eHg=", redacted=True)
)
_CALLS = st.builds(ToolCall, _IDS, st.sampled_from(["f", "g"]), st.sampled_from(["", "{}", '{"x": 1}']))
_RESULTS = st.builds(ToolResult, _IDS, st.lists(_TEXTS, max_size=2).map(tuple), is_error=st.booleans())
_SAID = _TEXTS | _THOUGHTS | _CALLS | st.builds(Refusal, _WORDS)


def _messages(role: str, parts: st.SearchStrategy[Any], writers: st.SearchStrategy[str | None]) -> Any:
    listed = st.lists(parts, max_size=4).map(tuple)
    return st.builds(Message, st.just(role), listed, deployment=writers)


_NOBODY: st.SearchStrategy[None] = st.none()
_HISTORIES = st.lists(
    _messages("user", _TEXTS, _NOBODY)
    | _messages("system", _TEXTS, _NOBODY)
    | _messages("assistant", _SAID, st.sampled_from([None, "gone", *WRITERS]))
    | _messages("tool", _RESULTS, _NOBODY),
    min_size=1,
    max_size=8,
).map(lambda messages: ChatRequest(tuple(messages), tools=(Tool("f"), Tool("g"))))
KINDS = st.sampled_from(list(PROVIDERS))


def encoded(kind: str, request: ChatRequest, *, stream: bool) -> HttpRequest | str:
    """The request that goes out, or why none can."""
    try:
        return CODECS[PROVIDERS[kind].dialect].encode(fit_for(kind, request), target_of(kind), stream=stream)
    except Unsupported as error:
        return str(error)


@settings(deadline=None, max_examples=400)
@given(_HISTORIES, KINDS, st.booleans())
def test_every_provider_takes_a_fitted_conversation(request: ChatRequest, kind: str, stream: bool) -> None:
    """Or it is said by name what can't be sent: how a conversation begins and ends is the caller's."""
    sent = encoded(kind, request, stream=stream)
    if isinstance(sent, str):
        assert sent.partition(":")[0] in _REASONS
        return
    place = urlsplit(sent.url)
    reply = Emulator().answer(Asked(sent.method, f"{place.path}?{place.query}", sent.headers, sent.body))
    assert reply.status == 200, (reply.body, json.loads(sent.body))


_REASONS = {
    "tools",
    "a conversation without content",
    "an assistant message at the end",
    "a conversation without a message of user or assistant",
}


@settings(deadline=None, max_examples=300)
@given(_HISTORIES, KINDS)
def test_fitting_twice_is_fitting_once_and_no_text_is_lost(request: ChatRequest, kind: str) -> None:
    try:
        once = fit_for(kind, request)
    except Unsupported:
        assert not any(text.strip() for text in _texts(request))
        return
    assert fit_for(kind, once) == once
    wanted = sorted(text for text in _texts(request) if text.strip())
    left = sorted(text for text in _texts(once) if text.strip() and text not in (NO_RESULT, BEGINNING))
    form = form_of(kind)
    if form.tools and form.names:
        assert left == wanted
    else:  # names, calls and results are told in words beside what was said
        assert all(any(text in each for each in left) for text in wanted)


@settings(deadline=None, max_examples=300)
@given(_HISTORIES, KINDS)
def test_a_signature_goes_back_to_its_writers_kind_alone(request: ChatRequest, kind: str) -> None:
    try:
        messages = fit_for(kind, request).messages
    except Unsupported:
        return
    for message in messages:
        if WRITERS.get(message.deployment or "") != kind:
            assert not any(isinstance(part, Reasoning) and part.signature for part in message.parts)
            phases = {part.phase for part in message.parts if isinstance(part, Text)}
            assert phases <= {None} or message.role != "assistant"


@settings(deadline=None, max_examples=300)
@given(_HISTORIES, KINDS)
def test_each_call_has_an_id_of_its_own_and_one_result_behind_it(request: ChatRequest, kind: str) -> None:
    try:
        messages = fit_for(kind, request).messages
    except Unsupported:
        return
    seen: list[str] = []
    for place, message in enumerate(messages):
        calls = [part.id for part in message.parts if isinstance(part, ToolCall)]
        seen += calls
        if calls:
            assert [part.call_id for part in messages[place + 1].parts if isinstance(part, ToolResult)] == calls
    results = [part for part in _parts(messages) if isinstance(part, ToolResult)]
    assert len(set(seen)) == len(seen) == len(results)


def _parts(messages: tuple[Message, ...]) -> Iterator[Part]:
    return (part for message in messages for part in message.parts)


def _texts(request: ChatRequest) -> Iterator[str]:
    for part in _parts(request.messages):
        if isinstance(part, Text | Refusal):
            yield part.text
        if isinstance(part, ToolResult):
            yield from (each.text for each in part.parts if isinstance(each, Text))


def test_a_call_keeps_its_id_where_it_may() -> None:
    calls = Message("assistant", (ToolCall("call_0123456789", "f", "{}"), ToolCall("abcDEF123", "f", "{}")))
    request = ChatRequest((Message("user", (Text("a"),)), replace(calls, deployment="gpt")))
    ids = {kind: [part.id for part in _parts(fit_for(kind, request).messages) if isinstance(part, ToolCall)]
           for kind in ("openai", "anthropic", "gemini", "mistral")}  # fmt: skip
    assert ids["openai"] == ids["anthropic"] == ids["gemini"] == ["call_0123456789", "abcDEF123"]
    assert ids["mistral"][1] == "abcDEF123"
    assert len(ids["mistral"][0]) == 9
