"""A conversation stays with the deployment that answered it: the frameworks' own messages carry who that was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from langchain_core.messages import BaseMessage, HumanMessage
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.llms.llm_router import LLMRouter

from langchain_llm_router import ChatLLMRouter
from llm_router import Environment, Router
from llm_router.testing import Emulator, serve
from tests.engine.world import spec_of

POOL = {"use": "turns", "spec": {"pools": {"turns": {"of": ["a", "b", "c"], "balance": "round-robin"}}}}


@pytest.fixture
def emulator() -> Emulator:
    return Emulator()


@pytest.fixture
def router(emulator: Emulator) -> Iterator[Router]:
    with (
        serve(emulator) as address,
        Router.from_spec(spec_of(POOL, address), environment=Environment()) as made,
    ):
        made.chat("somebody else's first turn")
        yield made


def asked(emulator: Emulator) -> list[str | None]:
    return [entry.model for entry in emulator.log][1:]


@pytest.mark.parametrize("streaming", [False, True], ids=["whole", "streamed"])
def test_langchain_messages_carry_who_wrote_them(router: Router, emulator: Emulator, *, streaming: bool) -> None:
    llm = ChatLLMRouter(router=router)
    history: list[BaseMessage] = []
    for _ in range(3):
        history.append(HumanMessage("go on"))
        if streaming:
            pieces = list(llm.stream(history))
            history.append(sum(pieces[1:], start=pieces[0]))
        else:
            history.append(llm.invoke(history))
    assert asked(emulator) == ["b", "b", "b"]


@pytest.mark.parametrize("streaming", [False, True], ids=["whole", "streamed"])
def test_llama_index_messages_carry_who_wrote_them(router: Router, emulator: Emulator, *, streaming: bool) -> None:
    llm, memory = LLMRouter(router=router), ChatMemoryBuffer.from_defaults()
    for _ in range(3):
        memory.put(ChatMessage(role="user", content="go on"))
        responses = llm.stream_chat(memory.get()) if streaming else [llm.chat(memory.get())]
        memory.put(list(responses)[-1].message)
    assert asked(emulator) == ["b", "b", "b"]


def test_who_wrote_a_llama_index_message_is_no_part_of_it(router: Router) -> None:
    message = LLMRouter(router=router).chat([ChatMessage(role="user", content="hello")]).message
    plain = ChatMessage.model_validate(message.model_dump())
    assert message == plain
    assert plain == message
    assert "deployment" not in message.model_dump_json()
    assert message.model_copy() == message


def test_a_session_stays_where_messages_say_nothing(router: Router, emulator: Emulator) -> None:
    llm = ChatLLMRouter(router=router, routing={"session": "s-1"})
    for _ in range(3):
        llm.invoke("go on")
    assert asked(emulator) == ["b", "b", "b"]
