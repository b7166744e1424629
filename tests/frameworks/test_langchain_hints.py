"""Hints reach a LangChain call on every way; key by key, the first of the ways that says something is heard."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import Runnable, RunnableLambda

from langchain_llm_router import ChatLLMRouter
from llm_router import bind_context, routing
from tests.frameworks.desk import Desk, desk

CASES = yaml.safe_load(Path(__file__).with_name("hints.yaml").read_text())


@pytest.fixture(scope="module")
def shared() -> Iterator[Desk]:
    with desk() as made:
        yield made


def decided(message: Any) -> dict[str, Any]:
    found: dict[str, Any] = message.response_metadata["routing"]
    return found


async def _last(stream: Any) -> Any:
    return [chunk async for chunk in stream][-1]


async def _called_then_awaited(model: Runnable[Any, Any], config: Any, said: Any, block: Any) -> Any:
    with block:
        pending = model.ainvoke("hi", config, **said)
    return await pending


async def _called_then_iterated(model: Runnable[Any, Any], config: Any, said: Any, block: Any) -> Any:
    with block:
        stream = model.astream("hi", config, **said)
    return await _last(stream)


def invoke(model: Any, config: Any, said: Any, block: Any) -> Any:
    with block:
        return model.invoke("hi", config, **said)


def generate(model: Any, config: Any, said: Any, block: Any) -> Any:
    with block:
        return model.batch(["hi", "ho"], config, **said)[1]


def stream(model: Any, config: Any, said: Any, block: Any) -> Any:
    with block:
        chunks = model.stream("hi", config, **said)
    return list(chunks)[-1]


def ainvoke(model: Any, config: Any, said: Any, block: Any) -> Any:
    return asyncio.run(_called_then_awaited(model, config, said, block))


def astream(model: Any, config: Any, said: Any, block: Any) -> Any:
    return asyncio.run(_called_then_iterated(model, config, said, block))


def abatch(model: Any, config: Any, said: Any, block: Any) -> Any:
    async def run() -> Any:
        with block:
            return await model.abatch(["hi", "ho"], config, **said)

    return asyncio.run(run())[1]


WAYS: list[Callable[..., Any]] = [invoke, generate, stream, ainvoke, astream, abatch]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_first_that_speaks_decides(case: dict[str, Any], way: Callable[..., Any], shared: Desk) -> None:
    model: Any = ChatLLMRouter(router=shared.router, **case.get("constructor", {}))
    for bound in case.get("bound", ()):
        model = model.bind(routing=bound)
    said = {"routing": case["call"]} if "call" in case else {}

    answer = way(model, case.get("config"), said, routing(**case.get("ambient", {})))

    assert decided(answer)["rule"] == case["expect"]
    if "deployment" in case:
        assert decided(answer)["deployment"] == case["deployment"]


@pytest.mark.parametrize(
    ("bind", "call"),
    [
        (lambda model: model.with_config(tags=["vip"]).bind(routing={"user": "anna"}), {"session": "s"}),
        (lambda model: model.bind_tools([]).bind(routing={"tags": ["vip"]}), {"session": "s"}),
        (lambda model: model.bind(routing={"tags": ["vip"]}).with_config(run_name="x"), {"session": "s"}),
        (lambda model: model.bind(temperature=0.5, routing={"tags": ["vip"]}).bind(seed=3), {"session": "s"}),
    ],
    ids=["configured then bound", "tools then bound", "bound then configured", "bound twice"],
)
def test_bindings_in_any_order_keep_every_hint(bind: Any, call: dict[str, str], shared: Desk) -> None:
    answer = bind(ChatLLMRouter(router=shared.router)).invoke("hi", routing=call)
    assert decided(answer)["rule"] == "very important"


def test_hints_reach_a_chain_through_its_configuration(shared: Desk) -> None:
    prompt = ChatPromptTemplate.from_messages([("system", "short"), ("human", "{question}")])
    model = ChatLLMRouter(router=shared.router)
    chain = prompt | model | RunnableLambda(decided)
    config: Any = {"metadata": {"routing": {"task": "code"}}}
    assert chain.invoke({"question": "hi"}, config)["rule"] == "code"
    assert asyncio.run(chain.ainvoke({"question": "hi"}, config))["rule"] == "code"
    text = "".join((prompt | model | StrOutputParser()).stream({"question": "hi"}, config))
    assert text
    assert shared.asked[-1] == "gpt-4o"


def test_bound_models_of_a_chain_can_be_configured(shared: Desk) -> None:
    chain = ChatPromptTemplate.from_template("{x}") | ChatLLMRouter(router=shared.router).bind(routing={"task": "code"})
    assert decided(chain.invoke({"x": "hi"}))["rule"] == "code"


async def test_events_take_hints_when_they_are_asked_for(shared: Desk) -> None:
    model = ChatLLMRouter(router=shared.router)
    with routing(task="ambient"):
        events = model.astream_events("hi", version="v2")
    ends = [event async for event in events if event["event"] == "on_chat_model_end"]
    assert decided(ends[0]["data"]["output"])["rule"] == "ambient"


async def test_hints_begun_later_do_not_reach_what_was_called_before(shared: Desk) -> None:
    model = ChatLLMRouter(router=shared.router)
    pieces, pending, apieces = model.stream("hi"), model.ainvoke("hi"), model.astream("hi")
    with routing(task="ambient"):
        answers = [list(pieces)[-1], await pending, await _last(apieces)]
    assert [decided(answer)["rule"] for answer in answers] == ["otherwise"] * 3


async def test_tasks_take_the_hints_of_where_they_were_made(shared: Desk) -> None:
    model = ChatLLMRouter(router=shared.router)

    async def ask(task: str) -> str:
        with routing(task=task):
            return str(decided(await asyncio.create_task(model.ainvoke("hi")))["rule"])

    assert await asyncio.gather(*(ask(task) for task in ("ambient", "code", "call"))) == ["ambient", "code", "call"]


async def test_a_thread_of_asyncio_takes_the_hints_along(shared: Desk) -> None:
    model = ChatLLMRouter(router=shared.router)
    with routing(task="ambient"):
        answer = await asyncio.to_thread(model.invoke, "hi")
    assert decided(answer)["rule"] == "ambient"


@pytest.mark.parametrize(("bound", "rule"), [(False, "otherwise"), (True, "ambient")])
def test_a_raw_thread_needs_its_context_bound(bound: bool, rule: str, shared: Desk) -> None:
    model = ChatLLMRouter(router=shared.router)
    found: list[Any] = []

    def ask() -> None:
        found.append(decided(model.invoke("hi"))["rule"])

    with routing(task="ambient"):
        thread = threading.Thread(target=bind_context(ask) if bound else ask)
        thread.start()
        thread.join()
    assert found == [rule]
