"""Tools, structured answers and agents through LangChain."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.structured_output import ToolStrategy
from langchain_core.messages import HumanMessage, SystemMessage
from langchain_core.runnables import Runnable
from langchain_core.tools import StructuredTool, tool
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from langchain_llm_router import ChatLLMRouter
from llm_router import Router
from llm_router.errors import RequestError
from llm_router.testing import Call, Say, emulated_providers
from tests.frameworks.desk import Desk, desk


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def add_plain(a: int, b: int) -> int:
    """Add two numbers.

    Args:
        a: one
        b: another
    """
    return a + b


class Add(BaseModel):
    """Add two numbers."""

    a: int
    b: int


class AddDict(TypedDict):
    """Add two numbers."""

    a: int
    b: int


PARAMETERS = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}}
KINDS: list[tuple[str, Any, str]] = [
    ("a decorated function", add, "add"),
    ("a function", add_plain, "add_plain"),
    ("a model", Add, "Add"),
    ("a typed dict", AddDict, "AddDict"),
    ("openai's form", {"type": "function", "function": {"name": "add", "parameters": PARAMETERS}}, "add"),
    ("a bare function's form", {"name": "add", "description": "Add.", "parameters": PARAMETERS}, "add"),
    ("anthropic's form", {"name": "add", "input_schema": PARAMETERS}, "add"),
    ("a json schema", {"title": "add", "description": "Add.", **PARAMETERS}, "add"),
]


@pytest.mark.parametrize(("given", "name"), [case[1:] for case in KINDS], ids=[case[0] for case in KINDS])
def test_every_kind_of_tool_goes_out(given: Any, name: str, at_desk: Desk) -> None:
    ChatLLMRouter(router=at_desk.router).bind_tools([given]).invoke("add 1 and 2")
    (sent,) = at_desk.body["tools"]
    assert sent["function"]["name"] == name
    assert set(sent["function"]["parameters"]["properties"]) == {"a", "b"}


CHOICES: list[tuple[Any, Any]] = [
    ("auto", "auto"),
    ("none", "none"),
    ("any", "required"),
    ("required", "required"),
    (True, "required"),
    ("add", {"type": "function", "function": {"name": "add"}}),
    ({"type": "function", "function": {"name": "add"}}, {"type": "function", "function": {"name": "add"}}),
    ({"type": "tool", "name": "add"}, {"type": "function", "function": {"name": "add"}}),
    ({"type": "any"}, "required"),
]


@pytest.mark.parametrize(("choice", "sent"), CHOICES, ids=[str(choice) for choice, _ in CHOICES])
def test_every_form_of_tool_choice_goes_out(choice: Any, sent: Any, at_desk: Desk) -> None:
    ChatLLMRouter(router=at_desk.router).bind_tools([add], tool_choice=choice).invoke("add 1 and 2")
    assert at_desk.body["tool_choice"] == sent


def test_strictness_and_one_call_at_a_time_go_out(at_desk: Desk) -> None:
    model = ChatLLMRouter(router=at_desk.router).bind_tools([add], strict=True, parallel_tool_calls=False)
    model.invoke("add 1 and 2")
    assert at_desk.body["tools"][0]["function"]["strict"] is True
    assert at_desk.body["parallel_tool_calls"] is False


@pytest.mark.parametrize(
    ("tools", "choice", "told"),
    [([add], "ad", "did you mean `add`"), ([{"type": "web_search"}], None, "one provider only")],
    ids=["a choice that is no tool", "a provider's own tool"],
)
def test_what_cannot_be_bound_is_told_at_once(tools: Any, choice: Any, told: str, at_desk: Desk) -> None:
    with pytest.raises(RequestError, match=told):
        ChatLLMRouter(router=at_desk.router).bind_tools(tools, tool_choice=choice)


def test_streamed_calls_come_in_pieces_and_join_to_whole_ones() -> None:
    said = Say("", calls=(Call("add", {"a": 1, "b": 2}, id="c1"), Call("add", {"a": 3, "b": 4}, id="c2")))
    with desk({"*": said}) as made:
        chunks: list[Any] = list(ChatLLMRouter(router=made.router).bind_tools([add]).stream("add"))
    assert any(chunk.tool_call_chunks for chunk in chunks)
    whole: Any = sum(chunks[1:], chunks[0])
    assert [(call["id"], call["args"]) for call in whole.tool_calls] == [
        ("c1", {"a": 1, "b": 2}),
        ("c2", {"a": 3, "b": 4}),
    ]


def test_tools_go_to_the_next_provider_as_well() -> None:
    with desk({"gpt-4o-mini": "overloaded", "gpt-4o": Say("", calls=(Call("add", {"a": 1, "b": 2}),))}) as made:
        answer = ChatLLMRouter(router=made.router).bind_tools([add]).invoke("add 1 and 2")
        assert [body["tools"][0]["function"]["name"] for body in made.bodies] == ["add", "add"]
    assert answer.tool_calls[0]["args"] == {"a": 1, "b": 2}
    assert answer.response_metadata["routing"]["deployment"] == "gpt"


class Person(BaseModel):
    """A person."""

    name: str = Field(description="the first name")
    age: int


class PersonDict(TypedDict):
    """A person."""

    name: str
    age: int


BO: dict[str, Any] = {"name": "Bo", "age": 3}
SCHEMAS: list[tuple[str, Any, Any, str]] = [
    ("a model", Person, Person(**BO), "Person"),
    ("a typed dict", PersonDict, BO, "PersonDict"),
    ("a json schema", {**Person.model_json_schema(), "title": "Person"}, BO, "Person"),
]


def forms(method: str, name: str) -> Say:
    """What a provider answers when asked by this method."""
    if method == "function_calling":
        return Say("", calls=(Call(name, BO),))
    return Say('{"name": "Bo", "age": 3}')


@pytest.mark.parametrize("method", ["json_schema", "function_calling", "json_mode"])
@pytest.mark.parametrize(
    ("schema", "expected", "name"), [case[1:] for case in SCHEMAS], ids=[case[0] for case in SCHEMAS]
)
def test_a_structured_answer_has_the_form(schema: Any, expected: Any, name: str, method: str) -> None:
    with desk({"*": forms(method, name)}) as made:
        asked = ChatLLMRouter(router=made.router).with_structured_output(schema, method=method)
        assert asked.invoke("who, as JSON?") == expected
        assert list(asked.stream("who, as JSON?"))[-1] == expected
        raw: Any = ChatLLMRouter(router=made.router).with_structured_output(schema, method=method, include_raw=True)
        both = raw.invoke("who, as JSON?")
    assert both["parsed"] == expected
    assert both["parsing_error"] is None
    assert both["raw"].response_metadata["routing"]["deployment"] == "mini"


async def test_a_structured_answer_comes_async() -> None:
    with desk({"*": forms("json_schema", "Person")}) as made:
        asked = ChatLLMRouter(router=made.router).with_structured_output(Person)
        assert await asked.ainvoke("who?") == Person(name="Bo", age=3)


def test_a_schema_goes_out_on_the_wire() -> None:
    with desk({"*": forms("json_schema", "Person")}) as made:
        ChatLLMRouter(router=made.router).with_structured_output(Person, strict=True).invoke("who?")
        wanted = made.body["response_format"]
    assert wanted["type"] == "json_schema"
    assert wanted["json_schema"]["name"] == "Person"
    assert wanted["json_schema"]["strict"] is True
    assert wanted["json_schema"]["schema"]["additionalProperties"] is False


def test_a_form_by_function_asks_for_one_call_of_that_tool() -> None:
    with desk({"*": forms("function_calling", "Person")}) as made:
        ChatLLMRouter(router=made.router).with_structured_output(Person, method="function_calling").invoke("who?")
        assert made.body["tool_choice"] == {"type": "function", "function": {"name": "Person"}}
        assert "parallel_tool_calls" not in made.body  # several providers have no way to say it


def test_a_form_by_function_reaches_gemini() -> None:
    spec = {"version": 1, "rules": [{"use": "gemini:gemini-2.5-flash"}]}
    with (
        emulated_providers({"*": forms("function_calling", "Person")}) as providers,
        Router.from_spec(spec, environment=providers.environment) as router,
    ):
        model = ChatLLMRouter(router=router)
        raw: Any = model.with_structured_output(Person, method="function_calling", include_raw=True).invoke("who?")
        asked: Any = providers.log[-1].body
    assert raw["parsed"] == Person(**BO)
    assert asked["toolConfig"]["functionCallingConfig"] == {"mode": "ANY", "allowedFunctionNames": ["Person"]}
    assert raw["raw"].response_metadata["routing"]["deployment"] == "gemini:gemini-2.5-flash"


def test_a_form_by_schema_reaches_ollama() -> None:
    spec = {"version": 1, "rules": [{"use": "ollama:qwen2.5"}]}
    with (
        emulated_providers({"*": forms("json_schema", "Person")}) as providers,
        Router.from_spec(spec, environment=providers.environment) as router,
    ):
        model = ChatLLMRouter(router=router)
        assert model.with_structured_output(Person).invoke("who?") == Person(**BO)


def test_a_form_by_function_is_asked_of_ollama_by_a_schema() -> None:
    spec = {"version": 1, "rules": [{"use": "ollama:qwen2.5"}]}
    with (
        emulated_providers({"*": forms("function_calling", "Person")}) as providers,
        Router.from_spec(spec, environment=providers.environment) as router,
    ):
        model = ChatLLMRouter(router=router)
        formed = model.with_structured_output(Person, method="function_calling")
        assert formed.invoke("who?") == list(formed.stream("who?"))[-1] == Person(**BO)
        agent: Any = create_agent(model, [], response_format=ToolStrategy(Person))
        assert agent.invoke({"messages": [("user", "who?")]})["structured_response"] == Person(**BO)
        assert all('"tool_to_call"' in json.dumps(entry.body) for entry in providers.log)


def test_an_answer_without_the_form_is_given_raw_with_its_error() -> None:
    with desk({"*": Say("", calls=(Call("Person", {"name": "Bo"}),))}) as made:
        model = ChatLLMRouter(router=made.router)
        both: Any = model.with_structured_output(Person, method="function_calling", include_raw=True).invoke("who?")
    assert both["parsed"] is None
    assert both["parsing_error"] is not None
    assert both["raw"].tool_calls


def test_an_unknown_method_is_told(at_desk: Desk) -> None:
    with pytest.raises(RequestError, match="did you mean `json_schema`"):
        ChatLLMRouter(router=at_desk.router).with_structured_output(Person, method="json_shema")


def counting(*turns: Say) -> Callable[[Any], Say]:
    """One turn after another, whoever is asked."""
    left = list(turns)
    return lambda question: left.pop(0) if len(left) > 1 else left[0]


LOOP = (Say("", calls=(Call("add", {"a": 1, "b": 2}),)), Say("It is 3."))


def test_an_agent_calls_its_tool_and_answers() -> None:
    with desk({"*": counting(*LOOP)}) as made:
        agent: Runnable[Any, Any] = create_agent(ChatLLMRouter(router=made.router), [add])
        config: Any = {"metadata": {"routing": {"task": "code"}}}
        told = agent.invoke({"messages": [("user", "1 + 2?")]}, config)["messages"]
        assert [message.type for message in told] == ["human", "ai", "tool", "ai"]
        assert told[-1].content == "It is 3."
        assert [message["role"] for message in made.body["messages"]] == ["user", "assistant", "tool"]
        assert made.asked == ["gpt-4o", "gpt-4o"]


async def test_an_agent_streams_while_a_provider_fails() -> None:
    turn = counting(*LOOP)
    with desk({"gpt-4o-mini": "unavailable", "gpt-4o": turn}) as made:
        agent: Runnable[Any, Any] = create_agent(ChatLLMRouter(router=made.router), [add])
        asked = {"messages": [("user", "1 + 2?")]}
        chunks = [chunk async for chunk, _ in agent.astream(asked, stream_mode="messages")]
        assert made.asked == ["gpt-4o-mini", "gpt-4o", "gpt-4o"]  # a tool loop stays where it began
    assert "".join(chunk.text for chunk in chunks if chunk.type == "AIMessageChunk") == "It is 3."


def test_an_agent_answers_in_a_form() -> None:
    with desk({"*": Say("", calls=(Call("Person", BO),))}) as made:
        agent: Runnable[Any, Any] = create_agent(
            ChatLLMRouter(router=made.router), [add], response_format=ToolStrategy(Person)
        )
        assert agent.invoke({"messages": [("user", "who?")]})["structured_response"] == Person(name="Bo", age=3)


def test_the_marks_of_a_prompt_and_of_its_tools_reach_a_provider_that_knows_them() -> None:
    spec = {"version": 1, "rules": [{"use": "anthropic:claude-sonnet-4-5"}]}
    kept = {"type": "ephemeral"}
    marked = StructuredTool.from_function(add_plain, extras={"cache_control": kept})
    with emulated_providers() as providers, Router.from_spec(spec, environment=providers.environment) as router:
        told = SystemMessage([{"type": "text", "text": "Add well.", "cache_control": kept}])
        ChatLLMRouter(router=router).bind_tools([marked]).invoke([told, HumanMessage("1 + 2?")])
        body: Any = providers.emulator.log[0].body
    assert body["system"][0]["cache_control"] == kept
    assert body["tools"][0]["cache_control"] == kept


def test_a_mark_that_nobody_can_read_is_refused() -> None:
    told = HumanMessage([{"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": "1d"}}])
    with desk() as at_desk, pytest.raises(RequestError, match="cache_control"):
        ChatLLMRouter(router=at_desk.router).invoke([told])
