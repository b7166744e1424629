"""A stream that breaks and a provider that is slow, as LangChain and LlamaIndex see them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from llama_index.core.llms import ChatMessage
from llama_index.llms.llm_router import LLMRouter

from langchain_llm_router import ChatLLMRouter
from llm_router import Router
from tests.router.ways import emulated

Text = Callable[[Router], str]


def langchain_stream(router: Router) -> str:
    return "".join(str(chunk.text) for chunk in ChatLLMRouter(router=router).stream("why?"))


def langchain_astream(router: Router) -> str:
    async def main() -> str:
        return "".join([str(chunk.text) async for chunk in ChatLLMRouter(router=router).astream("why?")])

    return asyncio.run(main())


def llama_index_stream(router: Router) -> str:
    return "".join(each.delta or "" for each in LLMRouter(router=router).stream_chat([ChatMessage("why?")]))


def llama_index_astream(router: Router) -> str:
    async def main() -> str:
        events = await LLMRouter(router=router).astream_chat([ChatMessage("why?")])
        return "".join([each.delta or "" async for each in events])

    return asyncio.run(main())


STREAMS = pytest.mark.parametrize(
    "read", [langchain_stream, langchain_astream, llama_index_stream, llama_index_astream]
)
BROKEN = {"a": {"fault": "cut", "after": 3}, "b": {"say": "a was asked: why? Because."}}


@STREAMS
def test_a_broken_stream_is_one_text(read: Text) -> None:
    with emulated({"names": ["a", "b"], "given": BROKEN}) as (router, emulator):
        assert read(router) == "a was asked: why? Because."
        assert [entry.deployment for entry in emulator.log] == ["a", "b"]


@STREAMS
def test_a_hedge_wins(read: Text) -> None:
    spec: Mapping[str, Any] = {"fallback": {"hedge": {"after": "30ms", "extra_cost": "100%"}}}
    given = {"a": "silence", "b": {"say": "here I am"}}
    with emulated({"names": ["a", "b"], "given": given, "spec": spec}) as (router, _):
        assert read(router) == "here I am"


def test_the_message_says_who_went_on() -> None:
    with emulated({"names": ["a", "b"], "given": BROKEN}) as (router, _):
        whole: Any = None
        for chunk in ChatLLMRouter(router=router).stream("why?"):
            whole = chunk if whole is None else whole + chunk
        routing = whole.response_metadata["routing"]
        assert (routing["deployment"], routing["continued_from"]) == ("b", ["a"])
        assert [attempt["mark"] for attempt in routing["attempts"]] == ["", "continued"]
