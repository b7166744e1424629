"""Anthropic, emulated: its own library reads the answers and raises its own errors, and a router is served."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest

from llm_router import Router
from llm_router.errors import FAILURE_CLASSES
from llm_router.messages import (
    ChatRequest,
    JsonFormat,
    JsonObject,
    NamedTool,
    Reasoning,
    Settings,
    Tool,
    Usage,
    tool_result,
    user,
)
from llm_router.testing import FAULTS, Asked, Call, Emulator, Fault, On, Providers, Reply, Say, serve
from tests.recordings import Recording, needs_recordings, recordings

HELLO: Any = [{"role": "user", "content": "hello there"}]
HEADERS = {"x-api-key": "k", "anthropic-version": "2023-06-01"}
SCHEMA: JsonObject = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
ADD: Any = {"name": "add", "input_schema": SCHEMA}
SDK_ERRORS = [
    ("rate_limit", anthropic.RateLimitError, "rate_limit_error"),
    ("quota_exhausted", anthropic.BadRequestError, "invalid_request_error"),
    ("unavailable", anthropic.InternalServerError, "api_error"),
    ("overloaded", anthropic.InternalServerError, "overloaded_error"),
    ("authentication", anthropic.AuthenticationError, "authentication_error"),
    ("permission", anthropic.PermissionDeniedError, "permission_error"),
    ("not_found", anthropic.NotFoundError, "not_found_error"),
    ("context_length", anthropic.BadRequestError, "invalid_request_error"),
]


@pytest.fixture
def sdk() -> Iterator[Any]:
    script: dict[str, Say | str] = {
        "thinker": Say("42", reasoning="let me think", usage=Usage(30, 9, 10, 5, 4)),
        "caller": Say(calls=(Call("add", {"a": 1}), Call("add", {"a": 3}))),
        **{f"bad-{fault}": fault for fault, _, _ in SDK_ERRORS},
        "broken": "error_in_stream",
    }
    with (
        serve(Emulator(script, models=None)) as url,
        anthropic.Anthropic(base_url=url, api_key="k", max_retries=0, timeout=5) as client,
    ):
        yield client


def test_a_stream_spells_the_same_answer(sdk: Any) -> None:
    whole = sdk.messages.create(model="claude-x", messages=HELLO, max_tokens=99)
    with sdk.messages.stream(model="claude-x", messages=HELLO, max_tokens=99) as stream:
        final = stream.get_final_message()
    assert whole.content[0].text == final.content[0].text == "claude-x was asked: hello there"
    assert whole.stop_reason == final.stop_reason == "end_turn"
    assert whole.usage.output_tokens == final.usage.output_tokens > 0


def test_thoughts_have_signatures_and_cached_input_is_apart(sdk: Any) -> None:
    with sdk.messages.stream(model="thinker", messages=HELLO, max_tokens=99) as stream:
        final = stream.get_final_message()
    assert [block.type for block in final.content] == ["thinking", "text"]
    assert final.content[0].signature
    said = final.usage
    assert (said.input_tokens, said.cache_read_input_tokens, said.cache_creation_input_tokens) == (15, 10, 5)


def test_calls_come_in_pieces(sdk: Any) -> None:
    with sdk.messages.stream(model="caller", messages=HELLO, max_tokens=99, tools=[ADD]) as stream:
        final = stream.get_final_message()
    assert [block.input for block in final.content] == [{"a": 1}, {"a": 3}]
    assert final.stop_reason == "tool_use"


@pytest.mark.parametrize(("fault", "error", "kind"), SDK_ERRORS)
def test_the_sdk_raises_what_it_raises_for_the_provider(sdk: Any, fault: str, error: Any, kind: str) -> None:
    with pytest.raises(error) as raised:
        sdk.messages.create(model=f"bad-{fault}", messages=HELLO, max_tokens=99)
    assert raised.value.body["error"]["type"] == kind


def test_an_error_in_a_stream_is_an_error_for_the_sdk(sdk: Any) -> None:
    with (
        pytest.raises(anthropic.APIStatusError),
        sdk.messages.stream(model="broken", messages=HELLO, max_tokens=99) as stream,
    ):
        stream.get_final_message()


def test_models_are_listed_where_the_path_names_the_kind() -> None:
    with (
        serve(Emulator(models=["claude-a"])) as url,
        anthropic.Anthropic(base_url=f"{url}/anthropic", api_key="k", max_retries=0) as client,
    ):
        assert [model.id for model in client.models.list()] == ["claude-a"]


def reply_to(fault: str | Fault, *, stream: bool) -> Reply:
    body = json.dumps({"model": "m", "messages": HELLO, "max_tokens": 99, "stream": stream}).encode()
    return Emulator({"m": fault}).answer(Asked("POST", "/v1/messages", HEADERS, body))


@pytest.mark.parametrize("fault", sorted({*FAULTS, *FAILURE_CLASSES}))
@pytest.mark.parametrize("stream", [False, True])
def test_every_failure_class_and_fault_is_known(fault: str, *, stream: bool) -> None:
    good, bad = reply_to("ok", stream=stream), reply_to(fault, stream=stream)
    if not (fault == "no_end_marker" and not stream):
        assert (bad.status, bad.steps, bad.ending, bad.head_after_s) != (
            good.status,
            good.steps,
            good.ending,
            good.head_after_s,
        )


@needs_recordings
@pytest.mark.parametrize(
    "recording", [each for each in recordings("anthropic") if isinstance(each.sent, dict)], ids=lambda each: each.name
)
def test_a_recorded_request_is_judged_as_it_was(recording: Recording) -> None:
    """But for lengths, which the emulator doesn't count; accounts, models and loads are its script's matter."""
    asked = Asked("POST", "/it/v1/messages", HEADERS, json.dumps(recording.sent).encode())
    refused = recording.status == 400 and "too long" not in recording.body.decode()
    assert Emulator().answer(asked).status == (400 if refused else 200)


SPEC = """
version: 1
deployments:
  sonnet: {provider: anthropic, model: claude-sonnet-4-5}
  opus: {provider: anthropic, model: claude-opus-5-5}
  old: {provider: anthropic, model: claude-3-7-sonnet-20250219}
rules:
  - {when: {task: hard}, use: [opus, sonnet]}
  - {when: {task: old}, use: [old]}
  - {when: {task: simple}, use: [sonnet]}
  - use: [sonnet, opus]
fallback: {after: {unavailable: {retry: 0}}}
"""


@pytest.fixture
def router(providers: Providers) -> Iterator[Router]:
    with providers.router(SPEC) as made:
        yield made


def test_a_router_asks_with_its_key_and_cap(router: Router, providers: Providers) -> None:
    assert router.chat("hello").text == "claude-sonnet-4-5 was asked: hello"
    (entry,) = providers.log
    assert (entry.deployment, entry.path) == ("sonnet", "/sonnet/anthropic/v1/messages")
    assert entry.headers["anthropic-version"] == "2023-06-01"
    assert "authorization" not in entry.headers
    assert entry.key is not None
    assert isinstance(entry.body, dict)
    assert entry.body["max_tokens"] == 64000


@pytest.mark.parametrize("task", ["simple", "hard", "old"])
def test_json_comes_from_every_generation_streamed_too(router: Router, task: str) -> None:
    wanted = ChatRequest((user("hello"),), response_format=JsonFormat(SCHEMA))
    assert isinstance(router.chat(wanted, task=task).json()["a"], int)  # type: ignore[call-overload,index]  # an object
    with router.stream(wanted, task=task) as stream:
        list(stream)
        assert isinstance(json.loads(stream.answer.text)["a"], int)


def test_tools_thoughts_and_their_signatures_go_round(router: Router, providers: Providers) -> None:
    providers.script([On([Say(calls=(Call("add", {"a": 1}),), reasoning="hm"), Say("done")])])
    tools = (Tool("add", "adds", SCHEMA),)
    settings = Settings(reasoning="low", max_output_tokens=5000)
    first = router.chat(ChatRequest((user("add"),), tools, settings=settings))
    assert isinstance(first.response.message.parts[0], Reasoning)
    (call,) = first.tool_calls
    messages = (user("add"), first.response.message, tool_result(call.id, "1"))
    assert router.chat(ChatRequest(messages, tools, settings=settings)).text == "done"
    sent = providers.log[1].body
    assert isinstance(sent, dict)
    assert sent["messages"][1]["content"][0]["type"] == "thinking"
    assert sent["thinking"] == {"type": "enabled", "budget_tokens": 2048}


def test_what_one_model_cant_do_the_next_is_asked(router: Router, providers: Providers) -> None:
    """A must is nothing for the newest, who decides alone."""
    wanted = ChatRequest((user("add"),), (Tool("add", "adds", SCHEMA),), NamedTool("add"))
    assert [call.name for call in router.chat(wanted, task="hard").tool_calls] == ["add"]
    assert [entry.deployment for entry in providers.log] == ["sonnet"]


@pytest.mark.parametrize("fault", ["overloaded", "unavailable", "error_in_stream", "cut", "malformed", "reset"])
@pytest.mark.parametrize("stream", [False, True])
def test_faults_are_survived(router: Router, providers: Providers, fault: str, *, stream: bool) -> None:
    providers.script([On(Fault(fault, after=0), deployment="sonnet"), On("ok")])

    async def ask() -> str:
        if not stream:
            return (await router.achat("hello")).deployment
        async with router.astream("hello") as running:
            async for _ in running:
                pass
            return running.answer.deployment

    assert asyncio.run(ask()) == "opus"
