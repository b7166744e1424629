"""The cache works beneath both frameworks, in all their ways to ask, and leaves LangChain's own alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.globals import set_llm_cache
from llama_index.core.base.llms.types import ChatMessage
from llama_index.llms.llm_router import LLMRouter

from langchain_llm_router import ChatLLMRouter
from llm_router import Router
from llm_router.testing import Emulator
from tests.cache.test_hits import asked, spec
from tests.router.ways import emulated

Said = tuple[str, bool]
"""An answer's text, and whether it was given again."""


@pytest.fixture
def cached() -> Iterator[tuple[Router, Emulator]]:
    with emulated(spec()) as made:
        yield made


def _of(message: Any) -> Said:
    return message.content, message.response_metadata["routing"]["cached"]


def _of_llama(response: Any) -> Said:
    return response.message.content, response.additional_kwargs["routing"]["cached"]


async def invoke(router: Router, **routing: object) -> Said:
    return _of(ChatLLMRouter(router=router).invoke("hello", routing=routing))


async def ainvoke(router: Router, **routing: object) -> Said:
    return _of(await ChatLLMRouter(router=router).ainvoke("hello", routing=routing))


async def stream(router: Router, **routing: object) -> Said:
    pieces = list(ChatLLMRouter(router=router).stream("hello", routing=routing))
    return _of(sum(pieces[1:], start=pieces[0]))


async def astream(router: Router, **routing: object) -> Said:
    pieces = [piece async for piece in ChatLLMRouter(router=router).astream("hello", routing=routing)]
    return _of(sum(pieces[1:], start=pieces[0]))


HELLO = [ChatMessage(role="user", content="hello")]


async def chat(router: Router, **routing: object) -> Said:
    return _of_llama(LLMRouter(router=router).chat(HELLO, routing=routing))


async def achat(router: Router, **routing: object) -> Said:
    return _of_llama(await LLMRouter(router=router).achat(HELLO, routing=routing))


async def stream_chat(router: Router, **routing: object) -> Said:
    return _of_llama(list(LLMRouter(router=router).stream_chat(HELLO, routing=routing))[-1])


async def astream_chat(router: Router, **routing: object) -> Said:
    stream = await LLMRouter(router=router).astream_chat(HELLO, routing=routing)
    return _of_llama([piece async for piece in stream][-1])


WAYS: Mapping[str, Callable[..., Any]] = {
    each.__name__: each for each in (invoke, ainvoke, stream, astream, chat, achat, stream_chat, astream_chat)
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
async def test_an_equal_call_is_paid_for_once(way: Callable[..., Any], cached: tuple[Router, Emulator]) -> None:
    router, emulator = cached
    paid, free = await way(router), await way(router)
    assert (paid[1], free[1]) == (False, True)
    assert paid[0] == free[0] != ""
    assert asked(emulator) == ["a"]
    assert (await way(router, fresh=True))[1] is False
    assert asked(emulator) == ["a", "a"]
    await router.aclose()


async def test_all_ways_and_both_frameworks_share_one_answer(cached: tuple[Router, Emulator]) -> None:
    router, emulator = cached
    said = [await way(router) for way in WAYS.values()]
    assert [hit for _, hit in said] == [False, *[True] * (len(WAYS) - 1)]
    assert len({text for text, _ in said}) == 1
    assert len(emulator.log) == 1
    await router.aclose()


def test_langchain_s_own_cache_stays_as_it_is(cached: tuple[Router, Emulator]) -> None:
    router, emulator = cached
    set_llm_cache(InMemoryCache())
    try:
        for _ in range(3):
            ChatLLMRouter(router=router).invoke("hello")
    finally:
        set_llm_cache(None)
    assert len(emulator.log) == 1
    assert router.cache_stats().hits == 0
