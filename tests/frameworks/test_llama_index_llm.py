"""`LLMRouter` as LlamaIndex uses it: asked, streamed, packed into query engines, counted, copied."""

from __future__ import annotations

import asyncio
import copy
import pickle
from pathlib import Path
from typing import Any

import pytest
import yaml
from llama_index.core import Document, MockEmbedding, SummaryIndex, VectorStoreIndex
from llama_index.core.callbacks import CallbackManager, TokenCountingHandler
from llama_index.core.llms import ChatMessage
from llama_index.core.prompts import PromptTemplate
from llama_index.llms.llm_router import LLMRouter

from llm_router import errors, routing
from llm_router.diagnostics import SpecError
from llm_router.testing import Say
from tests.frameworks.desk import Desk, desk

HELLO = [ChatMessage("be brief", role="system"), ChatMessage("hello")]
CATS = [Document(text="Cats purr."), Document(text="Dogs bark.")]

# LlamaIndex's own code still uses names that pydantic has deprecated
pytestmark = pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecationWarning")


def rule(response: Any) -> str | None:
    found: str | None = response.raw["routing"]["rule"]
    return found


def test_an_answer_tells_who_gave_it_and_why(at_desk: Desk) -> None:
    answer = LLMRouter(router=at_desk.router).chat(HELLO, routing={"task": "code"})
    assert answer.message.content
    assert answer.raw["model"].startswith("gpt-4o")
    assert answer.raw["provider"] == "openai"
    assert answer.raw["finish_reason"] == "stop"
    assert answer.additional_kwargs["routing"] == answer.raw["routing"]
    assert answer.raw["routing"]["deployment"] == "gpt"
    assert [message["role"] for message in at_desk.body["messages"]] == ["system", "user"]


def test_a_spec_may_be_a_file_text_or_a_mapping(at_desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(at_desk.spec)
    for llm in (
        LLMRouter.from_file(path),
        LLMRouter(spec=at_desk.spec),
        LLMRouter(spec=yaml.safe_load(at_desk.spec)),
    ):
        assert llm.complete("hello").text
        llm.router.close()
    with pytest.raises(SpecError):
        LLMRouter(spec="version: 1\nruls: []\n")


def test_an_llm_without_a_spec_takes_the_keys_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.environ", {})
    with pytest.raises(errors.RequestError, match="no key of a provider is set"):
        LLMRouter()
    monkeypatch.setattr("os.environ", {"MISTRAL_API_KEY": "sk-planted"})
    router = LLMRouter().router
    assert {each.provider.kind for each in router.program.deployments.values()} == {"mistral"}
    router.close()


async def test_an_answer_is_the_same_on_every_way(at_desk: Desk) -> None:
    llm = LLMRouter(router=at_desk.router)
    one = [ChatMessage("hello")]
    pieces = await asyncio.to_thread(lambda: list(llm.stream_chat(one)))
    completed = await asyncio.to_thread(lambda: list(llm.stream_complete("hello")))
    apieces = [piece async for piece in await llm.astream_chat(one)]
    acompleted = [piece async for piece in await llm.astream_complete("hello")]
    texts = [
        (await asyncio.to_thread(llm.chat, one)).message.content,
        (await asyncio.to_thread(llm.complete, "hello")).text,
        (await llm.achat(one)).message.content,
        (await llm.acomplete("hello")).text,
        pieces[-1].message.content,
        "".join(piece.delta or "" for piece in pieces),
        "".join(piece.delta or "" for piece in apieces),
        "".join(piece.delta or "" for piece in completed),
        acompleted[-1].text,
    ]
    assert len(set(texts)) == 1
    assert len(pieces) > 2
    for last in (pieces[-1], apieces[-1], completed[-1], acompleted[-1]):
        raw: Any = last.raw
        assert raw["usage"]["total_tokens"] > 0
        assert rule(last) == "otherwise"


def test_every_piece_shows_what_came_so_far(at_desk: Desk) -> None:
    so_far = ""
    for piece in LLMRouter(router=at_desk.router).stream_chat(HELLO):
        so_far += piece.delta or ""
        assert piece.message.content == so_far


def test_thoughts_are_shown_while_they_come() -> None:
    with desk({"*": Say("four", reasoning="two and two")}) as made:
        llm = LLMRouter(router=made.router, model="pocket")
        pieces = list(llm.stream_chat(HELLO))
        whole = llm.chat(HELLO)
    assert "".join(piece.additional_kwargs.get("thinking_delta", "") for piece in pieces) == "two and two"
    for answer in (pieces[-1], whole):
        assert [block.block_type for block in answer.message.blocks] == ["thinking", "text"]
        assert answer.message.content == "four"


HINTED: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any], str]] = [
    ("nothing", {}, {}, {}, "otherwise"),
    ("constructor", {"task": "constructor"}, {}, {}, "constructor"),
    ("ambient over constructor", {"task": "constructor"}, {"task": "ambient"}, {}, "ambient"),
    ("call over all", {"task": "constructor"}, {"task": "ambient"}, {"routing": {"task": "call"}}, "call"),
    ("key by key", {"cost": "low"}, {"user": "anna"}, {"routing": {"session": "s"}}, "cheap"),
    ("metadata", {}, {}, {"routing": {"metadata": {"team": "support"}}}, "local"),
    ("constructor's tags", {"tags": ["vip"]}, {}, {}, "very important"),
]


@pytest.mark.parametrize(
    ("constructor", "ambient", "call", "expected"), [case[1:] for case in HINTED], ids=[case[0] for case in HINTED]
)
async def test_the_first_that_speaks_decides(
    constructor: dict[str, Any], ambient: dict[str, Any], call: dict[str, Any], expected: str, at_desk: Desk
) -> None:
    llm = LLMRouter(router=at_desk.router, **constructor)
    with routing(**ambient):
        pieces = llm.stream_chat(HELLO, **call)
        completed = llm.stream_complete("hello", **call)
        apieces = await llm.astream_chat(HELLO, **call)
        answers: list[Any] = [await llm.achat(HELLO, **call), await llm.acomplete("hello", **call)]
        answers += [await asyncio.to_thread(llm.chat, HELLO, **call)]
    answers += await asyncio.to_thread(lambda: [list(pieces)[-1], list(completed)[-1]])
    answers += [[piece async for piece in apieces][-1]]
    assert [rule(answer) for answer in answers] == [expected] * 6


def test_a_model_may_be_a_keyword_of_a_call(at_desk: Desk) -> None:
    LLMRouter(router=at_desk.router, model="mini").complete("hello", model="gpt")
    assert at_desk.asked == ["gpt-4o"]


def test_a_prompt_may_carry_hints(at_desk: Desk) -> None:
    llm = LLMRouter(router=at_desk.router, task="constructor")
    prompt = PromptTemplate("say {word}", metadata={"routing": {"task": "code"}})
    with routing(task="ambient"):
        llm.predict(prompt, word="hello")
        tokens = llm.stream(prompt, word="hello")
    assert "".join(tokens)
    asyncio.run(llm.apredict(prompt, word="hello"))
    assert at_desk.asked == ["gpt-4o"] * 3


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"temprature": 1}, "did you mean `temperature`"),
        ({"max_retries": 2}, "fallback"),
        ({"task": "code"}, 'routing={"task"'),
        ({"routing": {"task": "kode"}}, "did you mean `code`"),
    ],
)
def test_a_mistake_in_a_call_is_told_with_its_cure(said: dict[str, Any], told: str, at_desk: Desk) -> None:
    llm = LLMRouter(router=at_desk.router)
    with pytest.raises(errors.RequestError, match=told):
        llm.complete("hello", **said)
    with pytest.raises(errors.RequestError, match=told):
        list(llm.stream_chat(HELLO, **said))


def test_parameters_go_out_on_the_wire(at_desk: Desk) -> None:
    LLMRouter(router=at_desk.router, temperature=0.2, max_tokens=50).complete("hello", temperature=0.9, seed=3)
    assert at_desk.body["temperature"] == 0.9
    assert at_desk.body["seed"] == 3
    assert 50 in (at_desk.body.get("max_tokens"), at_desk.body.get("max_completion_tokens"))


async def test_a_failure_is_told_by_its_own_error() -> None:
    with desk({"*": "rate_limit"}) as made:
        llm = LLMRouter(router=made.router, model="gpt")
        with pytest.raises(errors.RateLimited) as raised:
            await llm.acomplete("hello")
        with pytest.raises(errors.RateLimited):
            [piece async for piece in await llm.astream_chat(HELLO)]
    assert raised.value.attempts[0].deployment == "gpt"


def test_a_failed_provider_is_passed_over_before_the_first_piece() -> None:
    with desk({"gpt-4o-mini": "unavailable"}) as made:
        *_, last = LLMRouter(router=made.router).stream_chat(HELLO)
        assert made.asked == ["gpt-4o-mini", "gpt-4o"]
    assert last.raw["routing"]["deployment"] == "gpt"


def test_metadata_has_room_on_every_deployment(at_desk: Desk) -> None:
    metadata = LLMRouter(router=at_desk.router, max_tokens=700).metadata
    assert metadata.context_window == 32_000
    assert metadata.num_output == 700
    assert metadata.is_chat_model
    assert metadata.is_function_calling_model
    assert metadata.model_name == "desk"
    assert LLMRouter(router=at_desk.router, context_window=8000).metadata.context_window == 8000


def test_tokens_are_counted_from_the_reported_usage() -> None:
    counter = TokenCountingHandler(tokenizer=str.split)
    with desk() as made:
        llm = LLMRouter(router=made.router, callback_manager=CallbackManager([counter]))
        whole = llm.chat(HELLO)
        *_, last = llm.stream_chat(HELLO)
    totals = [answer.raw["usage"]["total_tokens"] for answer in (whole, last)]
    assert [event.total_token_count for event in counter.llm_token_counts] == totals


@pytest.mark.parametrize("index", [SummaryIndex, VectorStoreIndex])
async def test_a_query_engine_answers_on_every_way(index: Any, at_desk: Desk) -> None:
    built = index.from_documents(CATS, embed_model=MockEmbedding(embed_dim=8))
    llm = LLMRouter(router=at_desk.router)
    prompt = PromptTemplate("{context_str}\n{query_str}", metadata={"routing": {"task": "code"}})
    asked = {"llm": llm, "text_qa_template": prompt}
    if index is VectorStoreIndex:
        asked["embed_model"] = MockEmbedding(embed_dim=8)
    whole = await asyncio.to_thread(built.as_query_engine(**asked).query, "what do cats do?")
    later = await built.as_query_engine(**asked).aquery("what do cats do?")
    streamed = await built.as_query_engine(**asked, streaming=True).aquery("what do cats do?")
    text = "".join([piece async for piece in streamed.async_response_gen()])
    assert str(whole) == str(later) == text
    assert set(at_desk.asked) == {"gpt-4o"}


def test_a_sync_query_engine_streams_and_asks_when_it_is_read(at_desk: Desk) -> None:
    engine = SummaryIndex.from_documents(CATS).as_query_engine(llm=LLMRouter(router=at_desk.router), streaming=True)
    with routing(task="ambient"):
        within: Any = engine.query("what do cats do?")
        assert "".join(within.response_gen)
        beyond: Any = engine.query("what do cats do?")
    assert "".join(beyond.response_gen)
    assert at_desk.asked == ["gpt-4o", "gpt-4o-mini"]


def test_an_llm_can_be_pickled_and_copied(at_desk: Desk) -> None:
    llm = LLMRouter(router=at_desk.router, task="code")
    for other in (pickle.loads(pickle.dumps(llm)), copy.deepcopy(llm)):
        assert rule(other.chat(HELLO)) == "code"


def test_what_is_told_to_observers_has_no_secret(at_desk: Desk) -> None:
    llm = LLMRouter(router=at_desk.router)
    assert "sk-one" not in repr(llm) + repr(llm.to_dict()) + repr(llm.to_payload())
