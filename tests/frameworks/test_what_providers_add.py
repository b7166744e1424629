"""What a provider says beside its answer reaches both frameworks: Perplexity's citations, and log probabilities."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from langchain_core.messages import BaseMessageChunk
from llama_index.core.llms import ChatMessage
from llama_index.llms.llm_router import LLMRouter
from llama_index.llms.llm_router.logprobs import logprobs_of

from langchain_llm_router import ChatLLMRouter
from llm_router import Environment, Router

CITED = ["https://a.example/1", "https://b.example/2"]
FOUND = [{"title": "A", "url": CITED[0], "date": "2026-01-30"}]
TOKENS: list[Mapping[str, Any]] = [
    {"token": word, "logprob": -0.5, "bytes": None, "top_logprobs": []} for word in ("Hel", "lo")
]
SPEC = """\
version: 1
rules:
  - {when: {tags: cited}, use: "perplexity:sonar"}
  - use: openai:gpt-4o
"""


def whole() -> httpx.Response:
    message = {"role": "assistant", "content": "Hello"}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": {"content": TOKENS}}
    return httpx.Response(200, json={"id": "r", "choices": [choice], "citations": CITED, "search_results": FOUND})


def streamed() -> httpx.Response:
    """Citations in every piece, as Perplexity sends them; each piece with the log probability of its own token."""
    pieces: list[Mapping[str, Any]] = [
        {"index": 0, "delta": {"content": token["token"]}, "logprobs": {"content": [token]}} for token in TOKENS
    ]
    chunks = [*pieces, {"index": 0, "delta": {}, "finish_reason": "stop"}]
    said = ({"id": "r", "choices": [each], "citations": CITED, "search_results": FOUND} for each in chunks)
    text = "".join(f"data: {json.dumps(each)}\n\n" for each in said)
    return httpx.Response(200, headers={"content-type": "text/event-stream"}, text=f"{text}data: [DONE]\n\n")


def answer(request: httpx.Request) -> httpx.Response:
    return streamed() if json.loads(request.content).get("stream") else whole()


@contextmanager
def asked() -> Iterator[Router]:
    environment = Environment({"PERPLEXITY_API_KEY": "k", "OPENAI_API_KEY": "k"})
    with (
        httpx.Client(transport=httpx.MockTransport(answer)) as client,
        Router.from_text(SPEC, environment=environment, http_client=client) as router,
    ):
        yield router


def langchain_whole(router: Router, **hints: Any) -> Mapping[str, Any]:
    return ChatLLMRouter(router=router).invoke("hi", **hints).response_metadata


def langchain_streamed(router: Router, **hints: Any) -> Mapping[str, Any]:
    merged: BaseMessageChunk | None = None
    for chunk in ChatLLMRouter(router=router).stream("hi", **hints):
        merged = chunk if merged is None else merged + chunk
    assert merged is not None
    return merged.response_metadata


def llama_index_whole(router: Router, **hints: Any) -> Mapping[str, Any]:
    return dict(LLMRouter(router=router).complete("hi", **hints).raw)


def llama_index_streamed(router: Router, **hints: Any) -> Mapping[str, Any]:
    *_, last = LLMRouter(router=router).stream_complete("hi", **hints)
    return dict(last.raw)


WAYS = (langchain_whole, langchain_streamed, llama_index_whole, llama_index_streamed)


@pytest.mark.parametrize("way", WAYS, ids=lambda each: each.__name__)
def test_citations_are_kept(way: Callable[..., Mapping[str, Any]]) -> None:
    with asked() as router:
        told = way(router, routing={"tags": ["cited"]})
    assert told["citations"] == CITED
    assert told["search_results"] == FOUND


@pytest.mark.parametrize("way", WAYS, ids=lambda each: each.__name__)
def test_log_probabilities_are_kept_token_by_token(way: Callable[..., Mapping[str, Any]]) -> None:
    with asked() as router:
        told = way(router, logprobs=True)
    assert told["logprobs"]["content"] == TOKENS


def in_core(response: Any) -> list[list[tuple[str, float]]]:
    return [[(each.token, each.logprob) for each in token] for token in response.logprobs]


async def test_log_probabilities_are_in_cores_own_form() -> None:
    with asked() as router:
        llm, said = LLMRouter(router=router), [ChatMessage("hi")]
        *_, streamed = llm.stream_complete("hi", logprobs=True)
        *_, chatted = llm.stream_chat(said, logprobs=True)
        for answer in (llm.complete("hi", logprobs=True), llm.chat(said, logprobs=True), streamed, chatted):
            assert in_core(answer) == [[("Hel", -0.5)], [("lo", -0.5)]]


RIVALS: list[dict[str, Any]] = [{"token": "b", "logprob": -0.5}, {"token": "a", "logprob": -1}]
FORMS: list[tuple[str, Any, list[list[tuple[str, float]]]]] = [
    ("nothing", {}, []),
    (
        "openai, with alternatives",
        {
            "logprobs": {
                "content": [
                    {
                        "token": "a",
                        "logprob": -1,
                        "top_logprobs": [{"token": "b", "logprob": -0.5}, {"token": "a", "logprob": -1}],
                    }
                ]
            }
        },
        [[("a", -1), ("b", -0.5)]],
    ),
    ("together", {"logprobs": {"tokens": ["a", "b"], "token_logprobs": [None, -2]}}, [[], [("b", -2)]]),
    ("ollama", {"logprobs": [{"token": "a", "logprob": -1}]}, [[("a", -1)]]),
    ("cohere", {"logprobs": [{"text": "ab", "token_ids": [1, 2], "logprobs": [-1, -2]}]}, [[("ab", -1)], [("", -2)]]),
    (
        "gemini",
        {
            "logprobsResult": {
                "chosenCandidates": [{"token": "a", "logProbability": -1}],
                "topCandidates": [
                    {"candidates": [{"token": "b", "logProbability": -0.5}, {"token": "a", "logProbability": -1}]}
                ],
            }
        },
        [[("a", -1), ("b", -0.5)]],
    ),
]


@pytest.mark.parametrize(("extra", "expected"), [each[1:] for each in FORMS], ids=[each[0] for each in FORMS])
def test_log_probabilities_are_read_as_each_provider_says_them(extra: Any, expected: Any) -> None:
    found = logprobs_of(extra)
    assert [[(each.token, each.logprob) for each in token] for token in found or []] == expected
