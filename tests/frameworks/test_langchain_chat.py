"""`ChatLLMRouter` as LangChain uses it: asked, streamed, chained, traced, cached, copied."""

from __future__ import annotations

import asyncio
import copy
import operator
import pickle
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
import yaml
from langchain_core import exceptions as langchain
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import BaseCallbackHandler, UsageMetadataCallbackHandler
from langchain_core.messages import HumanMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import ConfigurableField, Runnable, RunnableLambda
from pydantic import ValidationError
from typing_extensions import override

from langchain_llm_router import ChatLLMRouter
from langchain_llm_router.convert import to_message
from llm_router.diagnostics import SpecError
from llm_router.errors import RequestError, Unavailable
from llm_router.messages import ToolCall
from llm_router.testing import Call, Say
from tests.frameworks.desk import Desk, desk

ADD = {"name": "add", "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}}}


def test_an_answer_tells_who_gave_it_and_why(at_desk: Desk) -> None:
    answer = ChatLLMRouter(router=at_desk.router).invoke("hello", routing={"task": "code"})
    told = answer.response_metadata
    assert answer.content
    assert told["model_name"].startswith("gpt-4o")
    assert told["model_provider"] == "openai"
    assert told["routing"]["rule"] == "code"
    assert told["routing"]["deployment"] == "gpt"
    assert [attempt["deployment"] for attempt in told["routing"]["attempts"]] == ["gpt"]


@pytest.mark.parametrize(("model", "provider"), [("llama", "house"), ("pocket", "ollama"), ("gpt", "openai")])
def test_the_provider_is_the_one_that_langchain_knows(model: str, provider: str, at_desk: Desk) -> None:
    answer = ChatLLMRouter(router=at_desk.router, model=model).invoke("hello")
    assert answer.response_metadata["model_provider"] == provider


def test_a_spec_may_be_a_file_text_or_a_mapping(at_desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(at_desk.spec)
    models = [
        ChatLLMRouter.from_file(path),
        ChatLLMRouter(spec=at_desk.spec),
        ChatLLMRouter(spec=yaml.safe_load(at_desk.spec)),
    ]
    for model in models:
        assert model.invoke("hello").content
        model.router.close()


def test_a_wrong_spec_is_told_with_its_place() -> None:
    with pytest.raises(SpecError, match="LR"):
        ChatLLMRouter(spec="version: 1\nruls: []\n")


def test_a_model_without_a_spec_takes_the_keys_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.environ", {})
    with pytest.raises(RequestError, match="no key of a provider is set"):
        ChatLLMRouter()
    monkeypatch.setattr("os.environ", {"MISTRAL_API_KEY": "sk-planted"})
    router = ChatLLMRouter().router
    assert {each.provider.kind for each in router.program.deployments.values()} == {"mistral"}
    router.close()


MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"temprature": 1}, "did you mean `temperature`"),
    ({"max_retries": 2}, "fallback"),
    ({"task": "code"}, 'routing={"task"'),
    ({"routing": {"taks": "code"}}, "did you mean `task`"),
    ({"routing": "code"}, "write a mapping"),
    ({"routing": {"task": "kode"}}, "did you mean `code`"),
    ({"temperature": "hot"}, "write a number"),
    ({"max_tokens": 1.5}, "write a whole number"),
    ({"reasoning_effort": "hihg"}, "did you mean `high`"),
    ({"stop": 3}, "a list of texts"),
    ({"tool_choice": 3}, "`tool_choice` can't be read"),
    ({"response_format": {"type": "xml"}}, "json_schema"),
    ({"tools": [{"type": "web_search"}]}, "one provider only"),
]


@pytest.mark.parametrize(
    ("said", "told"), MISTAKES, ids=[next(iter(said)) + f"-{told[:12]}" for said, told in MISTAKES]
)
def test_a_mistake_in_a_call_is_told_with_its_cure(said: dict[str, Any], told: str, at_desk: Desk) -> None:
    model = ChatLLMRouter(router=at_desk.router)
    with pytest.raises(RequestError, match=told):
        model.invoke("hello", **said)
    with pytest.raises(RequestError, match=told):
        list(model.stream("hello", **said))
    assert at_desk.asked == []


@pytest.mark.parametrize(
    ("said", "told"),
    [({"temprature": 1}, "did you mean `temperature`"), ({"taks": "code"}, "`task`"), ({"max_retries": 1}, "fallback")],
)
def test_a_mistake_in_a_constructor_is_told_with_its_cure(said: dict[str, Any], told: str, at_desk: Desk) -> None:
    with pytest.raises(RequestError, match=told):
        ChatLLMRouter(router=at_desk.router, **said)


def test_a_constructor_checks_types(at_desk: Desk) -> None:
    with pytest.raises(ValidationError):
        ChatLLMRouter(router=at_desk.router, temperature="hot")


def test_parameters_go_out_on_the_wire(at_desk: Desk) -> None:
    model = ChatLLMRouter(router=at_desk.router, temperature=0.2, max_output_tokens=50, seed=7)
    model.invoke("hello", stop=["END"], temperature=0.9, top_p=0.5)
    sent = {name: at_desk.body.get(name) for name in ("temperature", "top_p", "seed", "stop")}
    assert sent == {"temperature": 0.9, "top_p": 0.5, "seed": 7, "stop": ["END"]}
    assert 50 in (at_desk.body.get("max_tokens"), at_desk.body.get("max_completion_tokens"))


def test_model_and_timeout_may_be_keywords_of_a_call(at_desk: Desk) -> None:
    model = ChatLLMRouter(router=at_desk.router, model="mini")
    model.invoke("hello", model="llama")
    model.invoke("hello", model="llama", routing={"model": "gpt"})
    assert at_desk.asked == ["llama-3.3-70b", "gpt-4o"]
    with pytest.raises(RequestError, match="timeout"):
        model.invoke("hello", timeout="soon")


def test_a_stream_ends_with_usage_and_decision(at_desk: Desk) -> None:
    chunks = list(ChatLLMRouter(router=at_desk.router).stream("tell me something long"))
    assert len(chunks) > 2
    assert [chunk.chunk_position for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    last = chunks[-1]
    assert last.chunk_position == "last"
    assert last.usage_metadata
    assert last.response_metadata["routing"]["deployment"] == "mini"
    assert len({chunk.id for chunk in chunks}) == 1


async def test_an_answer_is_the_same_on_every_way(at_desk: Desk) -> None:
    model = ChatLLMRouter(router=at_desk.router)
    texts = [
        (await asyncio.to_thread(model.invoke, "hello")).text,
        (await model.ainvoke("hello")).text,
        "".join(await asyncio.to_thread(lambda: [chunk.text for chunk in model.stream("hello")])),
        "".join([chunk.text async for chunk in model.astream("hello")]),
        (await model.abatch(["hello"]))[0].text,
        (await model.agenerate([[HumanMessage("hello")]])).generations[0][0].text,
    ]
    assert len(set(texts)) == 1


def test_a_batch_is_answered_in_order(at_desk: Desk) -> None:
    model = ChatLLMRouter(router=at_desk.router)
    configs: Any = [{"metadata": {"routing": {"model": name}}} for name in ("gpt", "llama", "mini")]
    answers = model.batch(["a", "b", "c"], configs)
    assert [answer.response_metadata["routing"]["deployment"] for answer in answers] == ["gpt", "llama", "mini"]


def test_a_failed_provider_is_passed_over_before_the_first_piece() -> None:
    with desk({"gpt-4o-mini": "unavailable"}) as made:
        model = ChatLLMRouter(router=made.router)
        whole, streamed = model.invoke("hello"), list(model.stream("hello"))
        assert made.asked == ["gpt-4o-mini", "gpt-4o"] * 2
    for told in (whole.response_metadata, streamed[-1].response_metadata):
        assert told["routing"]["deployment"] == "gpt"
        assert [attempt["deployment"] for attempt in told["routing"]["attempts"]] == ["mini", "gpt"]


def test_a_stream_that_is_left_ends_the_request() -> None:
    with desk({"*": Say("word " * 200)}) as made:
        model = ChatLLMRouter(router=made.router)
        pieces: Any = model.stream("hello")
        next(pieces)
        pieces.close()
        assert model.invoke("still there?").content


async def test_an_async_stream_that_is_left_ends_the_request() -> None:
    with desk({"*": Say("word " * 200)}) as made:
        model = ChatLLMRouter(router=made.router)
        pieces: Any = model.astream("hello")
        await anext(pieces)
        await pieces.aclose()
        assert (await model.ainvoke("still there?")).content


def test_a_stream_that_breaks_tells_what_it_had_passed_on() -> None:
    with desk({"*": {"fault": "cut", "after": 3}}) as made:
        pieces = ChatLLMRouter(router=made.router).stream("tell me something long")
        passed_on = [next(pieces).text]
        with pytest.raises(Unavailable) as raised:
            passed_on.extend(piece.text for piece in pieces)
    assert isinstance(raised.value, langchain.ModelError)
    assert raised.value.partial_text == "".join(passed_on)
    assert passed_on[0]


def test_a_call_inside_of_a_function_takes_the_configuration(at_desk: Desk) -> None:
    model = ChatLLMRouter(router=at_desk.router)
    chain: Runnable[str, Any] = RunnableLambda(lambda question: model.invoke(question))
    answer = chain.invoke("hello", {"metadata": {"routing": {"task": "code"}}})
    assert answer.response_metadata["routing"]["rule"] == "code"


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("name", ["gpt", "llama", "pocket"])
def test_standard_blocks_come_where_they_are_wanted(name: str, streamed: bool) -> None:
    said = Say("so", reasoning="hm", calls=(Call("add", {"a": 1}, id="c1"), Call("add", {"a": 2}, id="c2")))
    with desk({"*": said}) as made:
        model = ChatLLMRouter(router=made.router, model=name, output_version="v1").bind_tools([ADD])
        answer: Any = reduce(operator.add, model.stream("hi")) if streamed else model.invoke("hi")
    assert [block["type"] for block in answer.content] == ["reasoning", "text", "tool_call", "tool_call"]
    assert answer.content_blocks == answer.content
    assert [call["args"] for call in answer.tool_calls] == [{"a": 1}, {"a": 2}]
    assert to_message(answer).text == "so"
    assert len([part for part in to_message(answer).parts if isinstance(part, ToolCall)]) == 2


def test_a_chain_gives_text(at_desk: Desk) -> None:
    chain = ChatPromptTemplate.from_template("say {x}") | ChatLLMRouter(router=at_desk.router) | StrOutputParser()
    whole = chain.invoke({"x": "hello"})
    assert "".join(chain.stream({"x": "hello"})) == whole


async def test_events_tell_of_every_piece(at_desk: Desk) -> None:
    model = ChatLLMRouter(router=at_desk.router)
    kinds = [event["event"] async for event in model.astream_events("hello", version="v2")]
    assert kinds[0] == "on_chat_model_start"
    assert kinds[-1] == "on_chat_model_end"
    assert kinds.count("on_chat_model_stream") > 1


def test_usage_is_counted_by_model(at_desk: Desk) -> None:
    counted = UsageMetadataCallbackHandler()
    model = ChatLLMRouter(router=at_desk.router)
    model.invoke("hello", {"callbacks": [counted]})
    list(model.stream("hello", {"callbacks": [counted]}, routing={"task": "code"}))
    assert len(counted.usage_metadata) == 2
    assert all(usage["total_tokens"] > 0 for usage in counted.usage_metadata.values())


class Tracer(BaseCallbackHandler):
    """Keeps what a run's start tells."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    @override
    def on_chat_model_start(self, serialized: Any, messages: Any, **kwargs: Any) -> None:
        self.told.append((serialized, kwargs))


def test_a_trace_names_the_model_and_no_secret(at_desk: Desk) -> None:
    tracer = Tracer()
    ChatLLMRouter(router=at_desk.router).invoke("hello", {"callbacks": [tracer]}, temperature=0.5)
    ((serialized, told),) = tracer.told
    assert told["metadata"]["ls_provider"] == "llm-router"
    assert told["metadata"]["ls_model_name"] == "desk"
    assert told["metadata"]["ls_temperature"] == 0.5
    assert "sk-one" not in repr((serialized, told))
    assert at_desk.router.program.program_hash in repr(told)


def test_core_caches_by_hints(at_desk: Desk) -> None:
    model = ChatLLMRouter(router=at_desk.router, cache=InMemoryCache())
    for config in ({"metadata": {"langgraph_step": 1}}, {"metadata": {"langgraph_step": 2}}):
        model.invoke("hello", config)  # type: ignore[arg-type]
    assert len(at_desk.asked) == 1
    model.invoke("hello", routing={"task": "code"})
    model.invoke("hello", {"metadata": {"team": "support"}})
    assert at_desk.asked == ["gpt-4o-mini", "gpt-4o", "qwen2.5"]


def test_two_specs_never_share_a_cached_answer(at_desk: Desk) -> None:
    cache = InMemoryCache()
    ChatLLMRouter(router=at_desk.router, cache=cache).invoke("hello")
    other = ChatLLMRouter(spec=at_desk.spec.replace("[mini, gpt, llama]", "[llama]"), cache=cache)
    assert other.invoke("hello").response_metadata["routing"]["deployment"] == "llama"
    other.router.close()


def test_a_model_can_be_pickled_and_copied(at_desk: Desk) -> None:
    model = ChatLLMRouter(router=at_desk.router, task="code")
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model), model.model_copy()):
        assert other.invoke("hello").response_metadata["routing"]["rule"] == "code"


def test_fields_can_be_configured_at_run_time(at_desk: Desk) -> None:
    model = ChatLLMRouter(router=at_desk.router, task="code").configurable_fields(
        temperature=ConfigurableField(id="heat"), routing=ConfigurableField(id="routing")
    )
    answer = model.invoke("hello", {"configurable": {"heat": 0.7}})
    assert at_desk.body["temperature"] == 0.7
    assert answer.response_metadata["routing"]["rule"] == "code"


def test_the_profile_has_room_on_every_deployment(at_desk: Desk) -> None:
    profile = ChatLLMRouter(router=at_desk.router).profile
    assert profile is not None
    assert profile["max_input_tokens"] == 32_000


def test_tokens_are_counted_without_another_library(at_desk: Desk) -> None:
    model = ChatLLMRouter(router=at_desk.router)
    assert 1 <= model.get_num_tokens("hello world") <= 5
    assert model.get_num_tokens_from_messages([HumanMessage("hello world")]) >= 2
