"""Cost, usage and decision are where each framework's own tools look, and `track()` reaches through them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from langchain_core.callbacks import UsageMetadataCallbackHandler
from langchain_core.prompts import ChatPromptTemplate
from llama_index.core.callbacks import CallbackManager, TokenCountingHandler
from llama_index.core.llms import ChatMessage
from llama_index.llms.llm_router import LLMRouter
from typing_extensions import override

from langchain_llm_router import ChatLLMRouter
from llm_router import Environment, Router, track
from llm_router.messages import Usage
from llm_router.state.entry import Entry
from llm_router.testing import Emulator, Say, serve
from tests.engine.world import spec_of

USAGE = Usage(input=1000, output=100, cache_read=400)
USD = "0.0104"
SPEC = {"facts": {"a": {"price": {"input": 10, "output": 20, "cache_read": 6}}}, "use": "a"}


@pytest.fixture
def router(tmp_path: Path) -> Iterator[Router]:
    spec = {**SPEC, "spec": {"state": {"url": "sqlite:ledger.db"}}}
    with (
        serve(Emulator({"*": Say("so it is", usage=USAGE, model="gpt-x")})) as address,
        Router.from_spec(spec_of(spec, address), environment=Environment(directory=tmp_path)) as made,
    ):
        yield made


def entries(router: Router) -> list[Entry]:
    """What the router's ledger holds."""
    return list(router._loaded.wiring.accounts.store.entries(0, 2**40))


async def _ainvoke(model: ChatLLMRouter, config: Any) -> Any:
    return await model.ainvoke("hi", config)


async def _astream(model: ChatLLMRouter, config: Any) -> Any:
    whole: Any = None
    async for chunk in model.astream("hi", config):
        whole = chunk if whole is None else whole + chunk
    return whole


def _stream(model: ChatLLMRouter, config: Any) -> Any:
    whole: Any = None
    for chunk in model.stream("hi", config):
        whole = chunk if whole is None else whole + chunk
    return whole


LANGCHAIN: dict[str, Callable[[ChatLLMRouter, Any], Any]] = {
    "invoke": lambda model, config: model.invoke("hi", config),
    "stream": _stream,
    "ainvoke": lambda model, config: asyncio.run(_ainvoke(model, config)),
    "astream": lambda model, config: asyncio.run(_astream(model, config)),
}


@pytest.mark.parametrize("way", LANGCHAIN.values(), ids=LANGCHAIN)
def test_langchain_finds_cost_and_usage(router: Router, way: Callable[[ChatLLMRouter, Any], Any]) -> None:
    handler, run_id = UsageMetadataCallbackHandler(), uuid4()
    with track() as spend:
        message = way(ChatLLMRouter(router=router), {"callbacks": [handler], "run_id": run_id})
    assert message.response_metadata["routing"]["cost"]["usd"] == USD
    assert handler.usage_metadata == {"gpt-x": message.usage_metadata}
    assert message.usage_metadata["input_token_details"]["cache_read"] == 400
    assert "." not in json.dumps(message.usage_metadata)  # a float breaks core's additions
    assert json.loads(json.dumps(message.response_metadata["routing"]))
    assert spend.usd == Decimal(USD)
    assert [entry.framework_run_id for entry in entries(router)] == [str(run_id)]


@pytest.mark.parametrize("way", ["invoke", "stream"])
def test_the_ledger_knows_langchains_run_inside_of_a_chain(router: Router, way: str) -> None:
    seen: list[UUID] = []

    class Listener(UsageMetadataCallbackHandler):
        @override
        def on_chat_model_start(self, *args: Any, run_id: UUID, **kwargs: Any) -> None:
            seen.append(run_id)

    chain = ChatPromptTemplate.from_messages([("user", "{question}")]) | ChatLLMRouter(router=router)
    config: Any = {"callbacks": [Listener()]}
    if way == "invoke":
        chain.invoke({"question": "hi"}, config)
    else:
        list(chain.stream({"question": "hi"}, config))
    assert [entry.framework_run_id for entry in entries(router)] == [str(run_id) for run_id in seen]
    assert len(seen) == 1


def test_what_langchain_begins_in_a_block_is_counted_there(router: Router) -> None:
    model = ChatLLMRouter(router=router)
    with track() as spend:
        pending = model.ainvoke("hi")
        chunks = model.stream("hi")
        model.batch(["hi", "ho"])
    list(chunks)

    async def later() -> None:
        await pending

    asyncio.run(later())
    assert spend.total.requests == 4


MESSAGES = [ChatMessage(role="user", content="hi")]


async def _astream_chat(llm: LLMRouter) -> Any:
    return [each async for each in await llm.astream_chat(MESSAGES)][-1]


async def _achat(llm: LLMRouter) -> Any:
    return await llm.achat(MESSAGES)


LLAMA_INDEX: dict[str, Callable[[LLMRouter], Any]] = {
    "chat": lambda llm: llm.chat(MESSAGES),
    "complete": lambda llm: llm.complete("hi"),
    "stream_chat": lambda llm: list(llm.stream_chat(MESSAGES))[-1],
    "stream_complete": lambda llm: list(llm.stream_complete("hi"))[-1],
    "achat": lambda llm: asyncio.run(_achat(llm)),
    "astream_chat": lambda llm: asyncio.run(_astream_chat(llm)),
}


@pytest.mark.parametrize("way", LLAMA_INDEX.values(), ids=LLAMA_INDEX)
def test_llama_index_finds_cost_and_usage(router: Router, way: Callable[[LLMRouter], Any]) -> None:
    handler = TokenCountingHandler(tokenizer=str.split)
    with track() as spend:
        response = way(LLMRouter(router=router, callback_manager=CallbackManager([handler])))
    assert response.raw["routing"]["cost"]["usd"] == response.additional_kwargs["routing"]["cost"]["usd"] == USD
    assert (handler.prompt_llm_token_count, handler.completion_llm_token_count) == (1000, 100)
    assert spend.usd == Decimal(USD)


def test_what_llama_index_begins_in_a_block_is_counted_there(router: Router) -> None:
    llm = LLMRouter(router=router)
    with track() as spend:
        pending = [llm.achat(MESSAGES), llm.acomplete("hi")]
        chunks = llm.stream_chat(MESSAGES)
    list(chunks)

    async def later() -> None:
        await asyncio.gather(*pending)

    asyncio.run(later())
    assert spend.total.requests == 3
