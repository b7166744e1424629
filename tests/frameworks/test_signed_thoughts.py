"""Signed thoughts go back to the provider that wrote them, through both frameworks' loops with tools."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from functools import reduce
from operator import add as join
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.tools import tool
from llama_index.core.llms import ChatMessage
from llama_index.llms.llm_router import LLMRouter

from langchain_llm_router import ChatLLMRouter
from langchain_llm_router.convert import to_message
from llm_router import Router
from llm_router.messages import ChatResponse, Message, Part, Reasoning, Text, ToolCall
from llm_router.testing import Emulator, serve
from tests.frameworks.desk import Desk

SPEC = """\
version: 1
providers:
  claude: {kind: anthropic, base_url: "URL/claude", api_key: k}
  openrouter: {kind: openrouter, base_url: "URL/openrouter/api/v1", api_key: k}
  litellm: {kind: litellm, base_url: "URL/litellm/v1", api_key: k}
  google: {kind: gemini, base_url: "URL/google/v1beta", api_key: k}
deployments:
  sonnet: {provider: claude, model: claude-sonnet-4-5}
  flash: {provider: google, model: gemini-3.1-pro-preview}
  routed: {provider: openrouter, model: anthropic/claude-sonnet-4.5}
  proxied: {provider: litellm, model: claude}
rules:
  - use: [DEPLOYMENT]
"""
SIGNATURE = base64.b64encode(b"a thought of the emulator").decode()
CALLS = (ToolCall("c1", "add", '{"a": 1, "b": 2}'), ToolCall("c2", "add", '{"a": 3, "b": 4}'))
THOUGHTS: dict[str, tuple[Part, ...]] = {
    "sonnet": (
        Reasoning("hm, ", "c2lnbmVk"),
        Reasoning("", "aGlkZGVu", redacted=True),
        Reasoning("", "YWdhaW4="),
        Text("I add."),
        *CALLS,
    ),
    "flash": (Reasoning("hm"), Text("I add."), *CALLS),
}
THOUGHTS |= dict.fromkeys(("routed", "proxied"), THOUGHTS["sonnet"])
CALLED: list[dict[str, Any]] = [
    {"id": call.id, "type": "function", "function": {"name": "add", "arguments": call.arguments}} for call in CALLS
]
DETAIL = {"format": "anthropic-claude-v1"}
SENT_BACK: dict[str, Any] = {
    "routed": {
        "role": "assistant",
        "content": "I add.",
        "reasoning_details": [
            {"type": "reasoning.text", "text": "hm, ", "signature": "c2lnbmVk", **DETAIL, "index": 0},
            {"type": "reasoning.encrypted", "data": "aGlkZGVu", **DETAIL, "index": 1},
            {"type": "reasoning.text", "text": "", "signature": "YWdhaW4=", **DETAIL, "index": 2},
        ],
        "tool_calls": CALLED,
    },
    "proxied": {
        "role": "assistant",
        "content": "I add.",
        "thinking_blocks": [
            {"type": "thinking", "thinking": "hm, ", "signature": "c2lnbmVk"},
            {"type": "redacted_thinking", "data": "aGlkZGVu"},
            {"type": "thinking", "thinking": "", "signature": "YWdhaW4="},
        ],
        "tool_calls": CALLED,
    },
    "sonnet": [
        {"type": "thinking", "thinking": "hm, ", "signature": "c2lnbmVk"},
        {"type": "redacted_thinking", "data": "aGlkZGVu"},
        {"type": "thinking", "thinking": "", "signature": "YWdhaW4="},
        {"type": "text", "text": "I add."},
        {"type": "tool_use", "id": "c1", "name": "add", "input": {"a": 1, "b": 2}},
        {"type": "tool_use", "id": "c2", "name": "add", "input": {"a": 3, "b": 4}},
    ],
    "flash": [
        {"text": "hm", "thought": True},
        {"text": "I add."},
        {
            "functionCall": {"id": "c1", "name": "add", "args": {"a": 1, "b": 2}},
            "thoughtSignature": SIGNATURE,
        },
        {"functionCall": {"id": "c2", "name": "add", "args": {"a": 3, "b": 4}}},
    ],
}


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@contextmanager
def thinking(deployment: str) -> Iterator[Desk]:
    """A router whose provider thinks before it calls a tool twice, and then answers."""
    asks = ChatResponse(Message("assistant", THOUGHTS[deployment]), "tool_calls")
    emulator = Emulator({"*": [asks, ChatResponse(Message("assistant", (Text("3 and 7."),)), "stop")]})
    with serve(emulator) as url:
        spec = SPEC.replace("URL", url).replace("DEPLOYMENT", deployment)
        with Router.from_text(spec) as router:
            yield Desk(router, emulator, spec)


def sent_back(desk: Desk) -> Any:
    """What the last request says that the assistant said."""
    body: Any = desk.body
    if "contents" in body:
        return next(each["parts"] for each in body["contents"] if each["role"] == "model")
    said = next(each for each in body["messages"] if each["role"] == "assistant")
    return said if "tool_calls" in said else said["content"]


@pytest.mark.parametrize("version", ["v0", "v1"])
@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("deployment", THOUGHTS)
def test_an_agents_thoughts_go_back_signed(deployment: str, streaming: bool, version: str) -> None:
    with thinking(deployment) as made:
        model = ChatLLMRouter(router=made.router, streaming=streaming, output_version=version)
        agent: Any = create_agent(model, [add])
        told = agent.invoke({"messages": [("user", "1 + 2, 3 + 4?")]})["messages"]
        assert told[-1].text == "3 and 7."
        assert sent_back(made) == SENT_BACK[deployment]
        assert [entry.stream for entry in made.emulator.log] == [streaming, streaming]


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("deployment", THOUGHTS)
def test_the_thoughts_go_back_signed_through_llama_index(deployment: str, streaming: bool) -> None:
    with thinking(deployment) as made:
        llm = LLMRouter(router=made.router)
        asked = [ChatMessage("1 + 2?")]
        first = list(llm.stream_chat(asked))[-1] if streaming else llm.chat(asked)
        results = [
            ChatMessage(role="tool", content=text, additional_kwargs={"tool_call_id": call.id})
            for call, text in zip(CALLS, "37", strict=True)
        ]
        llm.chat([*asked, ChatMessage(**first.message.model_dump()), *results])
        assert sent_back(made) == SENT_BACK[deployment]


@pytest.mark.parametrize("streaming", [False, True])
def test_anthropics_calls_are_among_the_standard_blocks(streaming: bool) -> None:
    with thinking("sonnet") as made:
        model = ChatLLMRouter(router=made.router)
        chunks: list[AIMessageChunk] = list(model.stream("1 + 2?")) if streaming else []
        answer: AIMessage = reduce(join, chunks) if chunks else model.invoke("1 + 2?")
    assert answer.content == "I add."
    kinds = [block["type"] for block in answer.content_blocks]
    assert sorted(kinds) == ["reasoning", "text", "tool_call", "tool_call"]
    assert answer.response_metadata["routing"]["deployment"] == "sonnet"


def test_thoughts_stand_where_they_stood_among_text_and_calls() -> None:
    thoughts = [
        {
            "type": "reasoning",
            "reasoning": "",
            "extras": {"signature": sign},
            "characters_before": 2,
            "calls_before": at,
        }
        for at, sign in enumerate("xy")
    ]
    calls: Any = [{"name": "f", "args": {}, "id": name, "type": "tool_call"} for name in "ab"]
    message = AIMessage("hi!", tool_calls=calls, additional_kwargs={"signed_reasoning": thoughts})
    assert to_message(message).parts == (
        Text("hi"),
        Reasoning("", "x"),
        ToolCall("a", "f", "{}"),
        Reasoning("", "y"),
        Text("!"),
        ToolCall("b", "f", "{}"),
    )
