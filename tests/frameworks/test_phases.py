"""The phases of an answer's text go back to OpenAI, through both frameworks' loops with tools, and to nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import reduce
from operator import add as join
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessageChunk
from langchain_core.tools import tool
from llama_index.core.llms import ChatMessage
from llama_index.llms.llm_router import LLMRouter

from langchain_llm_router import ChatLLMRouter
from langchain_llm_router.convert import to_message
from llm_router import Router
from llm_router.messages import ChatResponse, Message, Part, Reasoning, Text, ToolCall
from llm_router.testing import Providers, emulated_providers
from llm_router.testing.script import Script

MODEL = "openai:gpt-5.4"
CALL = ToolCall("c1", "add", '{"a": 1, "b": 2}')
SAID = (Text("I look. ", phase="commentary"), Text("It may be 3.", phase="final_answer"))
THOUGHT = Reasoning("hm")
ANSWERS: dict[str, tuple[Part, ...]] = {"with a thought": (THOUGHT, *SAID, CALL), "without": (*SAID, CALL)}
PHASED = [
    {"role": "assistant", "content": "I look. ", "phase": "commentary"},
    {"role": "assistant", "content": "It may be 3.", "phase": "final_answer"},
]


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@contextmanager
def speaking(parts: tuple[Part, ...]) -> Iterator[tuple[Router, Providers]]:
    """A router whose provider says this, with a call, and then answers."""
    said: Script = {"*": [ChatResponse(Message("assistant", parts), "tool_calls"), "ok"]}
    spec = {"version": 1, "rules": [{"when": {"tags": "other"}, "use": "anthropic:claude-sonnet-4-5"}, {"use": MODEL}]}
    with (
        emulated_providers(said, variables={}) as providers,
        Router.from_spec(spec, environment=providers.environment) as router,
    ):
        yield router, providers


def sent_back(providers: Providers) -> list[Any]:
    """The assistant's messages in the last request."""
    body: Any = providers.log[-1].body
    return [item for item in body["input"] if item.get("role") == "assistant"]


@pytest.mark.parametrize("version", ["v0", "v1"])
@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("answer", ANSWERS)
def test_an_agents_phases_go_back(answer: str, streaming: bool, version: str) -> None:
    with speaking(ANSWERS[answer]) as (router, providers):
        model = ChatLLMRouter(router=router, streaming=streaming, output_version=version)
        agent: Any = create_agent(model, [add])
        agent.invoke({"messages": [("user", "1 + 2?")]})
        assert sent_back(providers) == PHASED
        assert [entry.stream for entry in providers.log] == [streaming, streaming]


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("answer", ANSWERS)
def test_phases_go_back_through_llama_index(answer: str, streaming: bool) -> None:
    with speaking(ANSWERS[answer]) as (router, providers):
        llm, asked = LLMRouter(router=router), [ChatMessage("1 + 2?")]
        first = (list(llm.stream_chat(asked))[-1] if streaming else llm.chat(asked)).message
        stored = ChatMessage(**first.model_dump())
        result = ChatMessage(role="tool", content="3", additional_kwargs={"tool_call_id": "c1"})
        llm.chat([*asked, first, result])
        assert sent_back(providers) == PHASED
        llm.chat([*asked, stored, result])  # from a database: a signed thought still knows them
        assert sent_back(providers) == (
            PHASED if THOUGHT in ANSWERS[answer] else [{"role": "assistant", "content": "I look. It may be 3."}]
        )


def test_phases_stay_with_who_wrote_them() -> None:
    with speaking(ANSWERS["with a thought"]) as (router, providers):
        model = ChatLLMRouter(router=router)
        first = model.invoke("1 + 2?")
        model.invoke([("user", "1 + 2?"), first, ("user", "and?")], routing={"tags": ["other"]})
        assert providers.log[-1].model == "claude-sonnet-4-5"
        assert "phase" not in str(providers.log[-1].body)


@pytest.mark.parametrize("version", ["v0", "v1"])
def test_a_streamed_message_holds_what_the_whole_one_holds(version: str) -> None:
    for answer in ANSWERS.values():
        with speaking(answer) as (router, _):
            model = ChatLLMRouter(router=router, output_version=version)
            chunks: list[AIMessageChunk] = list(model.stream("1 + 2?"))
        with speaking(answer) as (router, _):
            whole = ChatLLMRouter(router=router, output_version=version).invoke("1 + 2?")
        streamed = to_message(reduce(join, chunks)).parts
        assert streamed == to_message(whole).parts
        assert [part.phase for part in streamed if isinstance(part, Text)] == ["commentary", "final_answer"]
