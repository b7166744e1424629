"""Tools and agents through LlamaIndex."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from llama_index.core.agent.workflow import AgentStream, FunctionAgent
from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from llama_index.llms.llm_router import LLMRouter

from llm_router import routing
from llm_router.errors import RequestError
from llm_router.testing import Call, Say
from tests.frameworks.desk import Desk, desk

# LlamaIndex's own code still uses names that pydantic has deprecated
pytestmark = pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecationWarning")


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


ADD = FunctionTool.from_defaults(fn=add)
ONE = Say("", calls=(Call("add", {"a": 1, "b": 2}, id="c1"),))
TWO = Say("", calls=(Call("add", {"a": 1, "b": 2}, id="c1"), Call("add", {"a": 3, "b": 4}, id="c2")))


def counting(*turns: Say) -> Callable[[Any], Say]:
    """One turn after another, whoever is asked."""
    left = list(turns)
    return lambda question: left.pop(0) if len(left) > 1 else left[0]


async def test_tools_are_chosen_on_every_way() -> None:
    with desk({"*": ONE}) as made:
        llm = LLMRouter(router=made.router)
        *_, streamed = llm.stream_chat_with_tools([ADD], "1 + 2?")
        astreamed = [piece async for piece in await llm.astream_chat_with_tools([ADD], "1 + 2?")][-1]
        answers = [llm.chat_with_tools([ADD], "1 + 2?"), await llm.achat_with_tools([ADD], "1 + 2?")]
        for answer in (*answers, streamed, astreamed):
            (chosen,) = llm.get_tool_calls_from_response(answer)
            assert (chosen.tool_id, chosen.tool_name, chosen.tool_kwargs) == ("c1", "add", {"a": 1, "b": 2})


def test_one_call_is_kept_where_no_more_were_allowed() -> None:
    with desk({"*": TWO}) as made:
        llm = LLMRouter(router=made.router)
        one = llm.chat_with_tools([ADD], "both?")
        both = llm.chat_with_tools([ADD], "both?", allow_parallel_tool_calls=True)
        *_, streamed = llm.stream_chat_with_tools([ADD], "both?")
        assert [body.get("parallel_tool_calls") for body in made.bodies] == [None, True, None]
    assert len(llm.get_tool_calls_from_response(one)) == 1
    assert len(llm.get_tool_calls_from_response(streamed)) == 1
    assert len(llm.get_tool_calls_from_response(both)) == 2


async def test_a_streamed_answer_keeps_one_call_as_well() -> None:
    with desk({"*": TWO}) as made:
        llm = LLMRouter(router=made.router)
        one = [piece async for piece in await llm.astream_chat_with_tools([ADD], "both?")]
        both = [
            piece async for piece in await llm.astream_chat_with_tools([ADD], "both?", allow_parallel_tool_calls=True)
        ]
    assert {len(llm.get_tool_calls_from_response(piece, error_on_no_tool_call=False)) for piece in one} <= {0, 1}
    assert len(llm.get_tool_calls_from_response(both[-1])) == 2


CHOICES: list[tuple[dict[str, Any], Any]] = [
    ({}, None),
    ({"tool_required": True}, "required"),
    ({"tool_choice": "add"}, {"type": "function", "function": {"name": "add"}}),
    ({"tool_choice": "none"}, "none"),
]


@pytest.mark.parametrize(("said", "sent"), CHOICES, ids=[str(said) for said, _ in CHOICES])
def test_the_choice_of_tools_goes_out(said: dict[str, Any], sent: Any) -> None:
    with desk({"*": ONE}) as made:
        LLMRouter(router=made.router).chat_with_tools([ADD], "1 + 2?", **said)
        assert made.body.get("tool_choice") == sent


def test_a_choice_that_is_no_tool_is_told(at_desk: Desk) -> None:
    with pytest.raises(RequestError, match="did you mean `add`"):
        LLMRouter(router=at_desk.router).chat_with_tools([ADD], "1 + 2?", tool_choice="ad")


def test_no_call_is_an_error_only_where_one_is_expected(at_desk: Desk) -> None:
    llm = LLMRouter(router=at_desk.router)
    answer = llm.chat([ChatMessage("hello")])
    assert llm.get_tool_calls_from_response(answer, error_on_no_tool_call=False) == []
    with pytest.raises(ValueError, match="at least one tool call"):
        llm.get_tool_calls_from_response(answer)


def test_a_tool_is_predicted_and_called() -> None:
    with desk({"*": ONE}) as made:
        assert str(LLMRouter(router=made.router).predict_and_call([ADD], "1 + 2?")) == "3"


@pytest.mark.parametrize("streaming", [True, False], ids=["streamed", "whole"])
async def test_an_agent_calls_its_tool_and_answers(streaming: bool) -> None:
    with desk({"gpt-4o-mini": "overloaded", "gpt-4o": counting(ONE, Say("It is 3."))}) as made:
        agent = FunctionAgent(tools=[add], llm=LLMRouter(router=made.router), streaming=streaming)
        handler = agent.run("1 + 2?")
        heard = [event async for event in handler.stream_events()]
        assert str(await handler) == "It is 3."
        assert made.asked == ["gpt-4o-mini", "gpt-4o", "gpt-4o"]  # a tool loop stays where it began
        assert [message["role"] for message in made.body["messages"]][-2:] == ["assistant", "tool"]
    said = "".join(event.delta for event in heard if isinstance(event, AgentStream))
    assert said == ("It is 3." if streaming else "")


async def test_an_agent_takes_the_hints_of_where_it_was_started() -> None:
    with desk({"*": counting(ONE, Say("It is 3."))}) as made:
        agent = FunctionAgent(tools=[add], llm=LLMRouter(router=made.router))
        with routing(task="code"):
            handler = agent.run("1 + 2?")
        assert str(await handler) == "It is 3."
        assert made.asked == ["gpt-4o", "gpt-4o"]
