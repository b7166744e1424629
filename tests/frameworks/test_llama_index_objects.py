"""Objects of a class through LlamaIndex: asked for by their schema, wherever an answer can be had in one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

import pytest
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.events import BaseEvent
from llama_index.core.llms import ChatMessage
from llama_index.core.program import FunctionCallingProgram, LLMTextCompletionProgram
from llama_index.core.prompts import PromptTemplate
from llama_index.core.response_synthesizers import ResponseMode, get_response_synthesizer
from llama_index.core.schema import NodeWithScore, TextNode
from llama_index.core.types import PydanticProgramMode
from llama_index.llms.llm_router import LLMRouter
from llama_index_instrumentation import get_dispatcher
from pydantic import BaseModel, Field, field_validator
from typing_extensions import override

from llm_router import Router, routing
from llm_router.errors import InvalidOutput
from llm_router.testing import Call, Providers, Say, emulated_providers
from tests.frameworks.desk import desk

# LlamaIndex's own code still uses names that pydantic has deprecated
pytestmark = pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecationWarning")

Inside = TypeVar("Inside")
HOSTS: dict[str, Any] = {
    "azure": {"base_url": "https://acme.openai.azure.com"},
    "vllm": {"base_url": "http://localhost:8000/v1"},
    "litellm": {"base_url": "http://localhost:4000/v1"},
}


class Person(BaseModel):
    """A person."""

    name: str
    age: int


CLOSED = {**Person.model_json_schema(), "additionalProperties": False}
SAID = Say('{"name": "Bo Smith", "age": 3}')
CALLED = Say("", calls=(Call("Person", {"name": "Bo Smith", "age": 3}),))
BO = Person(name="Bo Smith", age=3)
WHO = PromptTemplate("who is {x}?", metadata={"routing": {"task": "code"}})
ASKED = PromptTemplate("who?")

BY_SCHEMA = (
    "openai:gpt-4o",
    "openai:gpt-5",  # responses
    "azure:gpt-4o",
    "anthropic:claude-sonnet-4-5",
    "gemini:gemini-2.5-flash",
    "cohere:command-a-03-2025",
    "ollama:qwen2.5",
    "groq:openai/gpt-oss-120b",
    "mistral:mistral-large-latest",
    "perplexity:sonar",
    "deepseek:deepseek-chat",
    "xai:grok-4",
    "openrouter:openai/gpt-4o",
    "huggingface:meta-llama/Llama-3.3-70B-Instruct",
    "vllm:some",
    "lmstudio:some",
    "llamacpp:some",
    "litellm:some",
)
BY_TOOL = (
    "openai:gpt-3.5-turbo",
    "anthropic:claude-3-5-haiku-latest",
    "groq:llama-3.3-70b-versatile",
    "together:meta-llama/Llama-3.3-70B-Instruct-Turbo",
)


@contextmanager
def asking(model: str, said: Any = SAID) -> Iterator[tuple[LLMRouter, Providers]]:
    """An LLM with one deployment, whose provider says this."""
    spec = {"version": 1, "providers": HOSTS, "rules": [{"use": [model]}], "fallback": {"max_attempts": 1}}
    with (
        emulated_providers({"*": said}, variables={}) as providers,
        Router.from_spec(spec, environment=providers.environment) as router,
    ):
        yield LLMRouter(router=router), providers


async def every_way(llm: LLMRouter) -> list[Any]:
    """What each way to ask for an object gives at last."""
    structured = llm.as_structured_llm(Person)
    *_, streamed = llm.stream_structured_predict(Person, WHO, x="he")
    *_, said = structured.stream_chat([ChatMessage("who?")])
    later = [each async for each in await llm.astream_structured_predict(Person, WHO, x="he")]
    said_later = [each async for each in await structured.astream_chat([ChatMessage("who?")])]
    return [
        llm.structured_predict(Person, WHO, x="he"),
        await llm.astructured_predict(Person, WHO, x="he"),
        streamed,
        later[-1],
        structured.complete("who?").raw,
        structured.chat([ChatMessage("who?")]).raw,
        (await structured.achat([ChatMessage("who?")])).raw,
        said.raw,
        said_later[-1].raw,
    ]


@pytest.mark.parametrize("model", [*BY_SCHEMA, *BY_TOOL])
async def test_an_object_is_predicted_on_every_way_by_every_provider_as_it_can(model: str) -> None:
    with asking(model) as (llm, providers):
        assert await every_way(llm) == [BO] * 9
        assert ['"tools"' in json.dumps(entry.body) for entry in providers.log] == [model in BY_TOOL] * 9


def test_an_object_is_seen_while_it_grows() -> None:
    with asking("ollama:qwen2.5") as (llm, _):
        pieces: list[Any] = list(llm.stream_structured_predict(Person, ASKED))
    assert [(piece.name, piece.age) for piece in pieces] == [
        (None, None),
        ("Bo", None),
        ("Bo Smith", None),
        ("Bo Smith", 3),
    ]


class Team(BaseModel):
    """Persons, under a name that JSON has otherwise."""

    people: list[Person] = Field(alias="members")


async def test_lists_and_other_names_grow_too() -> None:
    with asking("ollama:qwen2.5", Say('{"members": [{"name": "Bo Smith", "age": 3}]}')) as (llm, _):
        pieces: list[Any] = [each async for each in await llm.astream_structured_predict(Team, ASKED)]
    assert [piece.people for piece in pieces[:4]] == [None, [{}], [{"name": "Bo"}], [{"name": "Bo Smith"}]]
    assert pieces[-1] == Team(members=[BO])


def test_hints_settings_and_prompts_of_the_llm_reach_the_request() -> None:
    with desk({"*": SAID}) as made:
        llm = LLMRouter(router=made.router, system_prompt="Be brief.")
        with routing(task="ambient"):
            assert llm.structured_predict(Person, ASKED) == BO
        with routing(task="ambient"):
            pieces = llm.stream_structured_predict(Person, ASKED)
        assert list(pieces)[-1] == BO
        assert llm.structured_predict(Person, WHO, x="he", llm_kwargs={"temperature": 0.5}) == BO
        said = {"routing": {"task": "call"}, "tool_choice": "required", "tool_required": True}
        assert llm.structured_predict(Person, WHO, said, x="he") == BO
        assert set(made.asked) == {"gpt-4o"}
        assert made.bodies[2]["temperature"] == 0.5
        assert [each["content"] for each in made.body["messages"]] == ["Be brief.", "who is he?"]
        assert said == {"routing": {"task": "call"}, "tool_choice": "required", "tool_required": True}


def test_a_form_of_the_callers_own_goes_out_instead() -> None:
    strict = {"type": "json_schema", "json_schema": {"name": "it", "schema": CLOSED, "strict": True}}
    with desk({"*": SAID}) as made:
        LLMRouter(router=made.router).structured_predict(Person, ASKED, {"response_format": strict})
        assert made.body["response_format"] == strict


class Elder(Person):
    """Somebody whose age no JSON Schema bounds."""

    @field_validator("age")
    @classmethod
    def _old(cls, age: int) -> int:
        if age < 60:
            raise ValueError("not old enough")
        return age


@pytest.mark.parametrize(
    ("wanted", "said", "told"),
    [
        (Elder, SAID, "the answer is no `Elder`: at `age`: Value error, not old enough"),
        (Person, Say('{"name": "Bo"}'), "the answer doesn't fit the schema"),
        (Person, Say("It is Bo."), "the answer is no JSON"),
    ],
    ids=["validator", "schema", "text"],
)
async def test_an_answer_that_is_no_such_object_is_an_error_of_ours_with_its_text(
    wanted: type[Person], said: Say, told: str
) -> None:
    with asking("openai:gpt-4o", said) as (llm, _):
        with pytest.raises(InvalidOutput, match=told) as whole:
            llm.structured_predict(wanted, ASKED)
        with pytest.raises(InvalidOutput, match=told) as streamed:
            list(llm.stream_structured_predict(wanted, ASKED))
        with pytest.raises(InvalidOutput, match=told):
            await llm.as_structured_llm(wanted).achat([ChatMessage("who?")])
    for raised in (whole.value, streamed.value):
        assert raised.partial_text == said.text
        assert raised.deployment == "openai:gpt-4o"
        assert raised.decision_id is not None


def test_a_call_of_the_callers_own_tools_is_no_object() -> None:
    described = {"type": "function", "function": {"name": "Person", "parameters": {"type": "object", "properties": {}}}}
    with asking("openai:gpt-4o", CALLED) as (llm, _), pytest.raises(InvalidOutput, match="called tools instead"):
        llm.structured_predict(Person, ASKED, {"tools": [described]})


def test_a_refusal_is_no_object_and_its_words_are_kept() -> None:
    with (
        asking("openai:gpt-4o", Say("", refusal="I would rather not.")) as (llm, _),
        pytest.raises(InvalidOutput, match="it refused") as raised,
    ):
        llm.structured_predict(Person, ASKED)
    assert raised.value.partial_text == "I would rather not."


class Boxed(BaseModel, Generic[Inside]):
    """A class whose full name no provider takes."""

    inside: Inside


def test_a_class_of_a_name_that_no_provider_takes_is_asked_for_by_another() -> None:
    with desk({"*": Say('{"inside": 3}')}) as made:
        assert LLMRouter(router=made.router).structured_predict(Boxed[int], ASKED) == Boxed(inside=3)
        assert made.body["response_format"]["json_schema"]["name"] == "Boxed_int_"


async def test_a_program_of_the_users_own_goes_its_own_way() -> None:
    with asking("gemini:gemini-2.5-flash", CALLED) as (llm, providers):
        program = FunctionCallingProgram.from_defaults(Person, llm=llm, prompt=ASKED)
        assert program() == await program.acall() == list(program.stream_call())[-1] == BO
        assert all('"tools"' in json.dumps(entry.body) for entry in providers.log)
        llm.pydantic_program_mode = PydanticProgramMode.FUNCTION
        assert llm.structured_predict(Person, ASKED) == list(llm.stream_structured_predict(Person, ASKED))[-1] == BO
        assert '"tools"' in json.dumps(providers.log[-1].body)
    with asking("ollama:qwen2.5", CALLED) as (llm, providers):
        program = FunctionCallingProgram.from_defaults(Person, llm=llm, prompt=ASKED)
        assert program() == await program.acall() == BO
        assert all('"format"' in json.dumps(entry.body) for entry in providers.log)
        assert list(program.stream_call())[-1] == BO  # which forces no call
    with asking("ollama:qwen2.5") as (llm, providers):
        assert LLMTextCompletionProgram.from_defaults(output_cls=Person, llm=llm, prompt_template_str="who?")() == BO
        assert '"format"' not in json.dumps(providers.log[-1].body)


@pytest.mark.parametrize("mode", [ResponseMode.REFINE, ResponseMode.COMPACT, ResponseMode.TREE_SUMMARIZE])
async def test_query_engines_answer_in_the_form_where_no_call_can_be_forced(mode: ResponseMode) -> None:
    found = [NodeWithScore(node=TextNode(text="Bo is three."))]
    with asking("ollama:qwen2.5") as (llm, _):
        synthesizer = get_response_synthesizer(llm=llm, response_mode=mode, output_cls=Person)
        for response in (synthesizer.synthesize("who?", found), await synthesizer.asynthesize("who?", found)):
            assert Person.model_validate_json(str(response)) == BO


class Heard(BaseEventHandler):
    """Remembers the names of events."""

    names: list[str] = Field(default_factory=list)

    @override
    def handle(self, event: BaseEvent, **_: Any) -> None:
        """Remember it."""
        self.names.append(event.class_name())


def test_observers_hear_of_an_object() -> None:
    heard, root = Heard(), get_dispatcher()
    root.add_event_handler(heard)
    try:
        with desk({"*": SAID}) as made:
            list(LLMRouter(router=made.router).stream_structured_predict(Person, ASKED))
    finally:
        root.event_handlers.remove(heard)
    names = [name for name in heard.names if "Structured" in name]
    assert names[0] == "LLMStructuredPredictStartEvent"
    assert names[1:-1] == ["LLMStructuredPredictInProgressEvent"] * 4
    assert names[-1] == "LLMStructuredPredictEndEvent"
    assert "LLMChatEndEvent" in heard.names
