"""Counting tokens: the guess is near, the bound holds, and nobody is asked over a network."""

from __future__ import annotations

import importlib.util
import json
import re
import socket
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import llm_router
from llm_router.catalog import vocabulary
from llm_router.catalog.estimate import SAMPLED, estimate
from llm_router.catalog.media_tokens import UNBOUNDED
from llm_router.catalog.tokens import count_request, count_text
from llm_router.messages import (
    ChatRequest,
    JsonFormat,
    Media,
    Message,
    Reasoning,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    assistant,
    system,
    user,
)
from tests.benchmarks.tokens_samples import SAMPLES
from tests.recordings import RECORDINGS, needs_recordings

MODELS = {"o200k": "gpt-4o", "cl100k": "gpt-4"}
quick = settings(deadline=None, max_examples=150)


def exact(model: str) -> Callable[[str], int]:
    count = vocabulary.counter_for(model)
    if count is None:
        pytest.skip("no vocabulary is on this machine (tiktoken and llama-index-core bring them)")
    return lambda text: count(text) or 0


texts = st.one_of(
    st.text(max_size=200),
    st.text(st.sampled_from("aA0 .\n\t{}\"'é字🎉ก\ud800"), max_size=200),
    st.lists(st.sampled_from(sorted(SAMPLES.values())), max_size=3).map("".join),
)


@pytest.mark.parametrize("model", MODELS.values())
@quick
@given(text=texts)
def test_no_vocabulary_has_more_tokens_than_the_bound(model: str, text: str) -> None:
    count = exact(model)
    guess = count_text(text)
    assert guess.basis == "estimated"
    assert count(text) <= guess.upper
    assert 0 <= guess.value <= guess.upper


@pytest.mark.parametrize("family", MODELS)
def test_the_guess_is_as_near_as_the_docstring_says(family: Any) -> None:
    count = exact(MODELS[family])
    errors = sorted(abs(estimate(text, family) / count(text) - 1) for text in SAMPLES.values())
    assert sum(errors) / len(errors) < 0.10
    assert errors[-1] < 0.25


@pytest.mark.parametrize("model", MODELS.values())
def test_a_named_model_is_counted_exactly(model: str) -> None:
    count, text = exact(model), SAMPLES["german"]
    counted = count_text(text, model)
    assert (counted.value, counted.upper, counted.basis) == (count(text), count(text), "exact")
    assert count_text(text, f"openai/{model}") == counted


@pytest.mark.parametrize("model", ["claude-sonnet-4-5", "llama-3.3-70b-instruct", "house-model", "", None])
def test_a_model_without_a_vocabulary_is_estimated(model: str | None) -> None:
    counted = count_text("one two three", model)
    assert (counted.basis, counted.upper) == ("estimated", 13)


def test_counting_is_public_and_says_which_it_was() -> None:
    assert llm_router.count_text("hello", "claude-sonnet-4-5").basis == "estimated"
    assert llm_router.count_request(ChatRequest.of("hello"), "claude-sonnet-4-5").basis == "estimated"


def test_nothing_is_nothing() -> None:
    assert count_text("") == count_text("", "house-model")
    assert count_text("").value == count_text("").upper == 0


def test_a_long_text_is_measured_on_slices() -> None:
    page = SAMPLES["english"] + SAMPLES["python"]
    short, long = estimate(page * 20), estimate(page * 2_000)
    assert len(page) * 20 < SAMPLED
    assert long == pytest.approx(short * 100, rel=0.05)


def test_without_tiktoken_everything_is_estimated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    vocabulary._vocabulary_of.cache_clear()
    assert count_text("one two three", "gpt-4o").basis == "estimated"
    vocabulary._vocabulary_of.cache_clear()


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-oss-120b", "gpt2", "text-davinci-003", "davinci", "gpt-4"])
def test_a_vocabulary_that_is_not_here_is_not_fetched(
    model: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    def refuse(*args: object, **kwargs: object) -> NoReturn:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(vocabulary, "_folders", lambda: iter([tmp_path]))
    vocabulary._load.cache_clear()
    assert count_text("one two three", model).basis == "estimated"
    vocabulary._load.cache_clear()


TOOL = Tool("find_order", "Finds an order by its number", {"type": "object", "properties": {"id": {"type": "string"}}})


def test_plain_texts_to_a_known_template_are_exact() -> None:
    exact("gpt-4o")
    request = ChatRequest((system("Be brief."), user("What is a harbour?")))
    counted = count_request(request, "gpt-4o")
    assert counted.basis == "exact"
    assert counted.value == counted.upper == 3 + 4 + 3 + 4 + 5


@pytest.mark.parametrize(
    "request_",
    [
        ChatRequest((user("hi"),), tools=(TOOL,)),
        ChatRequest((user("hi"),), response_format=JsonFormat({"type": "object"})),
        ChatRequest((user("hi", Media("image", url="https://x.example/a.png")),)),
        ChatRequest((user("hi"), assistant(ToolCall("1", "find_order", "{}")))),
    ],
    ids=["tools", "format", "image", "call"],
)
def test_what_nobody_documents_is_estimated(request_: ChatRequest) -> None:
    assert count_request(request_, "gpt-4o").basis == "estimated"


PLAIN = ChatRequest((user("hi"),))
LONGER = [
    ChatRequest((user("hi"), user("hi"))),
    ChatRequest((user("hi there, how are you"),)),
    ChatRequest((Message("user", (Text("hi"),), name="marten"),)),
    ChatRequest((user("hi"),), tools=(TOOL,)),
    ChatRequest((user("hi"),), response_format=JsonFormat({"type": "object"})),
    ChatRequest((user("hi"), assistant(Reasoning("they greet")))),
    ChatRequest((user("hi"), Message("tool", (ToolResult("1", (Text("42"),)),)))),
    ChatRequest((user("hi", Media("image", data=b"x")),)),
    ChatRequest((user("hi", Media("file", data=b"%PDF /Type /Page /Type /Pages", media_type="application/pdf")),)),
    ChatRequest((user("hi", Media("audio", data=bytes(32_000), media_type="audio/wav")),)),
]


@pytest.mark.parametrize("more", LONGER, ids=range(len(LONGER)))
def test_whatever_is_added_counts(more: ChatRequest) -> None:
    assert count_request(more).value > count_request(PLAIN).value
    assert count_request(more).upper > count_request(PLAIN).upper


@pytest.mark.parametrize(
    ("model", "detail", "value", "upper"),
    [
        ("gpt-4o", "low", 85, 85),
        ("gpt-4o", None, 765, 1_445),
        ("gpt-4o-2024-08-06", "high", 765, 1_445),
        ("gpt-4o-mini", None, 25_501, 48_169),
        ("o1", "high", 675, 1_275),
        ("claude-sonnet-4-5", None, 1_400, 4_784),
        ("anthropic/claude-sonnet-4.5", None, 1_400, 4_784),
        ("house-model", None, 1_000, 48_169),
        (None, "low", 800, 48_169),
    ],
)
def test_an_image_counts_as_its_maker_says(model: str | None, detail: Any, value: int, upper: int) -> None:
    image = Media("image", url="https://x.example/a.png", detail=detail)
    with_image, without = count_request(ChatRequest((user("hi", image),)), model), count_request(PLAIN, model)
    assert (with_image.value - without.value, with_image.upper - without.upper) == (value, upper)


@pytest.mark.parametrize("kind", ["file", "audio"])
def test_what_lies_behind_a_url_has_no_bound_of_its_own(kind: Any) -> None:
    assert count_request(ChatRequest((user(Media(kind, url="https://x.example/a")),))).upper > UNBOUNDED


UNTOLD = re.compile(r"compound|web_search|ollama/structured-01-qwen3-4b|litellm_proxy/|\"images\"")
"""Recordings whose usage is of more than the texts sent: searches, an agent of the provider's, a second reading, a
proxy that replayed another conversation, images."""


def _recorded() -> Iterator[tuple[str, ChatRequest, str, int]]:
    """(name, request, model, input tokens as reported) of recorded chats with plain texts and tools."""
    for path in sorted(RECORDINGS.glob("*/*.json")) if RECORDINGS else ():
        exchange = json.loads(path.read_text())
        body, answer = exchange["request"]["body"], exchange["response"]
        reported = re.findall(r'"(?:prompt_tokens|prompt_eval_count)"\s*:\s*(\d+)', answer["body"])
        name = f"{path.parent.name}/{path.stem}"
        if UNTOLD.search(name + json.dumps(body)) or answer["status"] != 200 or not reported:
            continue
        if isinstance(body, dict) and (request := _read(body)) is not None:
            yield name, request, body.get("model") or "", max(map(int, reported))


def _read(body: dict[str, Any]) -> ChatRequest | None:
    """The neutral request, None where it has more than texts and tools."""
    messages = body.get("messages")
    if not messages or body.keys() & {"functions", "plugins", "web_search_options", "response_format", "format"}:
        return None
    if not all(isinstance(message, dict) and isinstance(message.get("content"), str) for message in messages):
        return None
    tools = [tool["function"] for tool in body.get("tools") or () if "function" in tool]
    return ChatRequest(
        tuple(Message("user", (Text(message["content"]), *_calls(message))) for message in messages),
        tuple(Tool(tool["name"], tool.get("description") or "", tool.get("parameters") or {}) for tool in tools),
    )


def _calls(message: dict[str, Any]) -> Iterator[ToolCall]:
    for call in message.get("tool_calls") or ():
        function = call["function"]
        yield ToolCall("", function["name"], json.dumps(function.get("arguments")))


@needs_recordings
def test_no_recorded_usage_is_above_the_bound() -> None:
    recorded = list(_recorded())
    above = [(name, used) for name, request, _, used in recorded if used > count_request(request).upper]
    assert len(recorded) > 250
    assert above == []


@needs_recordings
def test_openais_recorded_usage_is_counted_to_the_token() -> None:
    exact("gpt-4o")
    counted = [
        (name, used, count.value)
        for name, request, model, used in _recorded()
        if name.startswith("openai/") and (count := count_request(request, model)).basis == "exact"
    ]
    assert len(counted) > 5
    assert [case for case in counted if case[1] != case[2]] == []
