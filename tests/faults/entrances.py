"""The eight entry points of the frameworks, each read to its end, or until it breaks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from llama_index.core.llms import ChatMessage
from llama_index.llms.llm_router import LLMRouter

from langchain_llm_router import ChatLLMRouter
from llm_router import Router
from tests.faults.matrix import QUESTION

Entrance = Callable[[Router, list[str], Mapping[str, Any]], None]
"""Asks the router with these options, and adds each piece of text that came to the list."""

Entering = Callable[[Router, list[str], Mapping[str, Any]], Coroutine[Any, Any, None]]
MESSAGES = [ChatMessage(QUESTION)]


def _invoke(router: Router, pieces: list[str], options: Mapping[str, Any]) -> None:
    pieces.append(str(ChatLLMRouter(router=router).invoke(QUESTION, **options).text))


def _stream(router: Router, pieces: list[str], options: Mapping[str, Any]) -> None:
    for chunk in ChatLLMRouter(router=router).stream(QUESTION, **options):
        pieces.append(str(chunk.text))


async def _ainvoke(router: Router, pieces: list[str], options: Mapping[str, Any]) -> None:
    answer = await ChatLLMRouter(router=router).ainvoke(QUESTION, **options)
    pieces.append(str(answer.text))


async def _astream(router: Router, pieces: list[str], options: Mapping[str, Any]) -> None:
    async for chunk in ChatLLMRouter(router=router).astream(QUESTION, **options):
        pieces.append(str(chunk.text))


def _chat(router: Router, pieces: list[str], options: Mapping[str, Any]) -> None:
    pieces.append(LLMRouter(router=router).chat(MESSAGES, **options).message.content or "")


def _stream_chat(router: Router, pieces: list[str], options: Mapping[str, Any]) -> None:
    for each in LLMRouter(router=router).stream_chat(MESSAGES, **options):
        pieces.append(each.delta or "")


async def _achat(router: Router, pieces: list[str], options: Mapping[str, Any]) -> None:
    answer = await LLMRouter(router=router).achat(MESSAGES, **options)
    pieces.append(answer.message.content or "")


async def _astream_chat(router: Router, pieces: list[str], options: Mapping[str, Any]) -> None:
    async for each in await LLMRouter(router=router).astream_chat(MESSAGES, **options):
        pieces.append(each.delta or "")


def _in_a_loop(entering: Entering) -> Entrance:
    return lambda router, pieces, options: asyncio.run(entering(router, pieces, options))


ENTRANCES: Mapping[str, Entrance] = {
    "invoke": _invoke,
    "ainvoke": _in_a_loop(_ainvoke),
    "stream": _stream,
    "astream": _in_a_loop(_astream),
    "chat": _chat,
    "achat": _in_a_loop(_achat),
    "stream_chat": _stream_chat,
    "astream_chat": _in_a_loop(_astream_chat),
}
STREAMED = {name for name in ENTRANCES if "stream" in name}
LANGCHAIN = {"invoke", "ainvoke", "stream", "astream"}
