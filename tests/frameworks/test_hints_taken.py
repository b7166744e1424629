"""Hints are taken when a method is called: what is awaited or iterated later, elsewhere, keeps them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from llama_index.core.llms import ChatMessage
from llama_index.llms.llm_router import LLMRouter

from langchain_llm_router import ChatLLMRouter
from llm_router import RequestError, Router, routing
from llm_router.testing import Providers

SPEC = """\
version: 1
tasks: [code]
rules:
  - name: code
    when: {task: code}
    use: openai:gpt-4o
  - name: rest
    use: openai:gpt-4o-mini
"""


async def gathered(stream: Any) -> list[Any]:
    """Everything that an awaitable stream, or a stream, gives."""
    pieces = stream if hasattr(stream, "__aiter__") else await stream
    return [piece async for piece in pieces]


WAYS: dict[str, Callable[[Router], Any]] = {
    "Router.achat": lambda router: router.achat("hello"),
    "Router.astream": lambda router: gathered(router.astream("hello")),
    "LangChain ainvoke": lambda router: ChatLLMRouter(router=router).ainvoke("hello"),
    "LangChain astream": lambda router: gathered(ChatLLMRouter(router=router).astream("hello")),
    "LlamaIndex achat": lambda router: LLMRouter(router=router).achat([ChatMessage("hello")]),
    "LlamaIndex acomplete": lambda router: LLMRouter(router=router).acomplete("hello"),
    "LlamaIndex astream_chat": lambda router: gathered(LLMRouter(router=router).astream_chat([ChatMessage("hello")])),
    "LlamaIndex astream_complete": lambda router: gathered(LLMRouter(router=router).astream_complete("hello")),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_is_called_inside_keeps_its_hints_when_awaited_outside(way: str, providers: Providers) -> None:
    with providers.router(SPEC) as router:
        with routing(task="code"):
            called = WAYS[way](router)
        asyncio.run(_awaited(called))
    assert [entry.model for entry in providers.log] == ["gpt-4o"]


async def _awaited(called: Any) -> Any:
    return await called


@pytest.mark.parametrize("model", [ChatLLMRouter, LLMRouter])
def test_a_spec_beside_a_router_is_refused(model: Callable[..., Any], providers: Providers) -> None:
    with providers.router(SPEC) as router, pytest.raises(RequestError, match="not both"):
        model(spec=SPEC, router=router)
