"""What the emulator says when all is well: the real SDK reads it, and the script decides it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema
import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_router.messages import JsonObject
from llm_router.testing import Asked, Call, Emulator, On, Say, serve
from llm_router.testing.invent import invent
from llm_router.testing.script import pieces

HELLO: Any = [{"role": "user", "content": "hello there"}]
ADD: Any = {
    "type": "function",
    "function": {
        "name": "add",
        "parameters": {
            "type": "object",
            "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
            "required": ["a", "b"],
        },
    },
}
PERSON: JsonObject = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 3},
        "age": {"type": "integer", "minimum": 18},
        "mail": {"anyOf": [{"type": "string", "format": "email"}, {"type": "null"}]},
        "friends": {"type": "array", "items": {"$ref": "#/$defs/friend"}, "minItems": 2},
    },
    "required": ["name", "age", "mail", "friends"],
    "additionalProperties": False,
    "$defs": {
        "friend": {
            "type": "object",
            "properties": {"kind": {"enum": ["old", "new"]}},
            "required": ["kind"],
            "additionalProperties": False,
        }
    },
}


@pytest.fixture
def emulator() -> Emulator:
    return Emulator(
        {
            "thinker": Say("42", reasoning="let me think about it"),
            "caller": Say(calls=(Call("add", {"a": 1, "b": 2}), Call("add", {"a": 3, "b": 4}))),
            "mute": Say(refusal="I would rather not"),
            "groq:llama": "overloaded",
        }
    )


@pytest.fixture
def url(emulator: Emulator) -> Iterator[str]:
    with serve(emulator) as address:
        yield address


@pytest.fixture
def sdk(url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{url}/v1", api_key="sk-secret", max_retries=0) as client:
        yield client


def test_the_default_answer_says_who_was_asked_what(sdk: openai.OpenAI) -> None:
    answer = sdk.chat.completions.create(model="gpt-4o", messages=HELLO)
    assert answer.choices[0].message.content == "gpt-4o was asked: hello there"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0


def test_a_stream_spells_the_same_answer_in_pieces_and_ends_with_usage(sdk: openai.OpenAI) -> None:
    options: Any = {"include_usage": True}
    chunks = list(sdk.chat.completions.create(model="gpt-4o", messages=HELLO, stream=True, stream_options=options))
    whole = sdk.chat.completions.create(model="gpt-4o", messages=HELLO)
    texts = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert "".join(texts) == whole.choices[0].message.content
    assert chunks[0].choices[0].delta.role == "assistant"
    assert sum(map(bool, texts)) > 3
    assert chunks[-1].choices == []
    assert chunks[-1].usage == whole.usage


def test_usage_is_streamed_only_on_request(sdk: openai.OpenAI) -> None:
    chunks = list(sdk.chat.completions.create(model="gpt-4o", messages=HELLO, stream=True))
    assert all(chunk.usage is None for chunk in chunks)


def test_a_required_tool_is_called_with_arguments_that_fit(sdk: openai.OpenAI) -> None:
    answer = sdk.chat.completions.create(model="gpt-4o", messages=HELLO, tools=[ADD], tool_choice="required")
    calls: Any = answer.choices[0].message.tool_calls
    (call,) = calls
    assert call.function.name == "add"
    jsonschema.validate(json.loads(call.function.arguments), ADD["function"]["parameters"])
    assert answer.choices[0].finish_reason == "tool_calls"


def test_parallel_calls_stream_as_deltas_by_index(sdk: openai.OpenAI) -> None:
    stream = sdk.chat.completions.stream(model="caller", messages=HELLO, tools=[ADD])
    with stream as events:
        final = events.get_final_completion()
    calls = final.choices[0].message.tool_calls or []
    assert [json.loads(call.function.arguments) for call in calls] == [{"a": 1, "b": 2}, {"a": 3, "b": 4}]
    assert len({call.id for call in calls}) == 2


def test_structured_output_fits_its_schema(sdk: openai.OpenAI) -> None:
    form: Any = {"type": "json_schema", "json_schema": {"name": "person", "schema": PERSON, "strict": True}}
    answer = sdk.chat.completions.create(model="gpt-4o", messages=HELLO, response_format=form)
    jsonschema.validate(json.loads(answer.choices[0].message.content or ""), PERSON)


def test_reasoning_and_refusals_come_apart_from_text(sdk: openai.OpenAI) -> None:
    thought = sdk.chat.completions.create(model="thinker", messages=HELLO)
    assert thought.choices[0].message.model_dump()["reasoning_content"] == "let me think about it"
    assert thought.choices[0].message.content == "42"
    assert thought.usage is not None
    assert thought.usage.completion_tokens_details is not None
    assert thought.usage.completion_tokens_details.reasoning_tokens == 5
    assert sdk.chat.completions.create(model="mute", messages=HELLO).choices[0].message.refusal == "I would rather not"


def test_a_cap_cuts_the_answer_and_says_so(sdk: openai.OpenAI) -> None:
    answer = sdk.chat.completions.create(model="gpt-4o", messages=HELLO, max_tokens=2)
    assert answer.choices[0].finish_reason == "length"
    assert answer.choices[0].message.content == "gpt-4o was"


def test_a_stop_sequence_ends_the_answer_before_it(sdk: openai.OpenAI) -> None:
    answer = sdk.chat.completions.create(model="gpt-4o", messages=HELLO, stop=[" there"])
    assert answer.choices[0].message.content == "gpt-4o was asked: hello"


def test_several_choices_stream_side_by_side(sdk: openai.OpenAI) -> None:
    chunks = sdk.chat.completions.create(model="gpt-4o", messages=HELLO, n=2, stream=True)
    assert {choice.index for chunk in chunks for choice in chunk.choices} == {0, 1}


def test_models_are_listed_and_looked_up(url: str) -> None:
    with serve(Emulator(models=["gpt-4o"])) as address:
        with openai.OpenAI(base_url=f"{address}/v1", api_key="k", max_retries=0) as client:
            assert [model.id for model in client.models.list()] == ["gpt-4o"]
            assert client.models.retrieve("gpt-4o").id == "gpt-4o"
            with pytest.raises(openai.NotFoundError):
                client.models.retrieve("gpt-9")
        assert httpx.get(f"{address}/api/tags").json()["models"][0]["name"] == "gpt-4o"


def test_ollama_streams_lines_and_ends_with_counts(url: str) -> None:
    body = {"model": "qwen3", "messages": HELLO}
    lines = [json.loads(line) for line in httpx.post(f"{url}/api/chat", json=body).text.splitlines()]
    assert "".join(line["message"]["content"] for line in lines) == "qwen3 was asked: hello there"
    assert [line["done"] for line in lines] == [False] * (len(lines) - 1) + [True]
    assert lines[-1]["eval_count"] == 5


def test_ollama_calls_tools_with_objects_and_ends_with_stop(url: str) -> None:
    body = {"model": "caller", "messages": HELLO, "tools": [ADD], "stream": False}
    answer = httpx.post(f"{url}/api/chat", json=body).json()
    assert [call["function"]["arguments"] for call in answer["message"]["tool_calls"]] == [
        {"a": 1, "b": 2},
        {"a": 3, "b": 4},
    ]
    assert answer["done_reason"] == "stop"


def test_the_log_tells_what_was_asked_but_never_the_key(emulator: Emulator) -> None:
    with serve(emulator) as address:
        headers = {"authorization": "Bearer sk-secret"}
        httpx.post(f"{address}/v1/chat/completions", json={"model": "gpt-4o", "messages": HELLO}, headers=headers)
    (entry,) = emulator.log  # only a server that has stopped has surely noted how its last reply ended
    assert (entry.method, entry.path, entry.model) == ("POST", "/v1/chat/completions", "gpt-4o")
    assert (entry.answered, entry.status, entry.ending) == ("ok", 200, "sent")
    assert entry.body == {"model": "gpt-4o", "messages": HELLO}
    assert "sk-secret" not in repr(entry)
    assert entry.key is not None


def test_a_key_in_the_script_may_name_the_provider(url: str) -> None:
    body = {"model": "llama", "messages": HELLO}
    headers = {"authorization": "Bearer k"}
    assert httpx.post(f"{url}/groq/v1/chat/completions", json=body, headers=headers).status_code == 503
    assert httpx.post(f"{url}/v1/chat/completions", json=body, headers=headers).status_code == 200


def ask(emulator: Emulator, text: str = "hi", model: str = "m") -> str:
    body = {"model": model, "messages": [{"role": "user", "content": text}], "stream": False}
    reply = json.loads(emulator.answer(Asked("POST", "/api/chat", {}, json.dumps(body).encode())).body)
    return str(reply["message"]["content"] if "message" in reply else reply["error"])


def test_turns_follow_one_another_and_the_last_is_repeated() -> None:
    emulator = Emulator({"m": [Say("one"), "overloaded", {"say": "two"}]})
    assert [ask(emulator) for _ in range(4)] == [
        "one",
        "server busy, please try again. maximum pending requests exceeded",
        "two",
        "two",
    ]


def test_turns_are_counted_for_each_model() -> None:
    emulator = Emulator({"*": [Say("first"), Say("then")]})
    assert [ask(emulator, model=name) for name in ("a", "b", "a")] == ["first", "first", "then"]


def test_the_first_entry_whose_globs_match_speaks() -> None:
    emulator = Emulator([On(Say("sunny"), text="*Weather*"), On(lambda question: Say(question.text.upper()))])
    assert ask(emulator, "what weather is it") == "sunny"
    assert ask(emulator, "shout") == "SHOUT"


def test_a_wire_name_with_a_colon_is_a_name() -> None:
    assert ask(Emulator({"llama3:8b": Say("me")}), model="llama3:8b") == "me"


@pytest.mark.parametrize(
    ("turn", "message"),
    [
        ("rate_limt", "there is no fault `rate_limt`; did you mean `rate_limit`?"),
        ({"fault": "stall", "aftr": 1}, "`aftr` is no option of a fault; did you mean `after`?"),
        ({"fault": "stall", "after": "one"}, "`after: one` is of the wrong type"),
        ({"sya": "hi"}, "`sya` is no part of a turn; did you mean `say`?"),
        ({"say": "hi", "finish_reason": "done"}, "`done` is no finish reason"),
        ([], "a script's list of turns is empty"),
        (700, "there is no fault `700`"),
    ],
)
def test_a_turn_that_cannot_be_read_is_refused_at_once(turn: object, message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("?", r"\?")):
        Emulator({"m": turn})  # type: ignore[dict-item]  # wrong on purpose


NAMES = st.sampled_from(["a", "b", "c"])
LEAVES = st.one_of(
    st.just({"type": "boolean"}),
    st.just({"type": ["string", "null"]}),
    st.builds(
        lambda low, more: {"type": "integer", "minimum": low, "maximum": low + more},
        st.integers(-9, 9),
        st.integers(0, 9),
    ),
    st.builds(
        lambda step, low: {"type": "integer", "multipleOf": step, "minimum": low},
        st.integers(1, 7),
        st.integers(-9, 30),
    ),
    st.builds(lambda low: {"type": "number", "exclusiveMinimum": low}, st.integers(-3, 3)),
    st.builds(
        lambda low, more: {"type": "string", "minLength": low, "maxLength": low + more},
        st.integers(0, 12),
        st.integers(0, 5),
    ),
    st.builds(lambda words: {"enum": words}, st.lists(NAMES, min_size=1)),
    st.builds(lambda word: {"const": word}, NAMES),
)
SCHEMAS = st.recursive(
    LEAVES,
    lambda below: st.one_of(
        st.builds(
            lambda properties: {"type": "object", "properties": properties, "required": list(properties)},
            st.dictionaries(NAMES, below),
        ),
        st.builds(lambda item, low: {"type": "array", "items": item, "minItems": low}, below, st.integers(0, 3)),
        st.builds(lambda options: {"anyOf": options}, st.lists(below, min_size=1, max_size=3)),
    ),
    max_leaves=8,
)


@given(SCHEMAS)
@settings(deadline=None)
def test_what_is_invented_fits_the_schema(schema: JsonObject) -> None:
    jsonschema.validate(invent(schema), schema)


def test_a_schema_that_contains_itself_ends() -> None:
    tree: JsonObject = {
        "type": "object",
        "properties": {
            "below": {"type": "array", "items": {"$ref": "#"}},
            "next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]},
        },
        "required": ["below", "next"],
    }
    jsonschema.validate(invent(tree), tree)


@given(st.text())
def test_the_pieces_of_a_text_are_the_text(text: str) -> None:
    assert "".join(pieces(text)) == text
    assert all(pieces(text))
