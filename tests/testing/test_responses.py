"""The emulated responses and Azure: as strict as the real ones, read by OpenAI's own library and by our router."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import openai
import pytest
import yaml

from llm_router import Router
from llm_router.errors import ContentFiltered, NoCandidate
from llm_router.messages import ChatRequest, Settings, Tool, assistant, tool_result, user
from llm_router.testing import Asked, Call, Emulator, Say, emulated_providers, serve

Case = dict[str, Any]
CASES = yaml.safe_load(Path(__file__).with_name("cases").joinpath("responses_requests.yaml").read_text("utf-8"))
KEY = {"authorization": "Bearer k"}
ADD = Tool("add", "adds", {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]})


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_request_is_judged_as_the_provider_would(case: Case) -> None:
    good = {"model": "gpt-5", "input": "hi"} if "chat" not in case.get("path", "") else {"messages": [HELLO]}
    body = {name: value for name, value in {**good, **case.get("body", {})}.items() if value != "-"}
    path = case.get("path", "/v1/responses")
    emulator = Emulator(models=case.get("models"))
    reply = emulator.answer(
        Asked(case.get("method", "POST"), path, case.get("headers", KEY), json.dumps(body).encode())
    )
    assert reply.status == case.get("status", 200), reply.body
    if "status" in case:
        error = json.loads(reply.body)["error"]
        assert case["message"] in error["message"]
        assert error.get("code") == case.get("code")


HELLO: Any = {"role": "user", "content": "hi"}


def test_openais_own_library_reads_it() -> None:
    said = Say("Hello there", reasoning="hm")
    emulator = Emulator({"*": [said, said, Say(calls=(Call("add", {"a": 1}),)), "rate_limit"]})
    with serve(emulator) as url, openai.OpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0) as client:
        answer = client.responses.create(model="gpt-5", input="hi")
        assert answer.output_text == "Hello there"
        assert answer.usage is not None
        assert answer.usage.output_tokens_details.reasoning_tokens == 1
        with client.responses.stream(model="gpt-5", input="hi") as stream:
            assert stream.get_final_response().output_text == "Hello there"
        tools: Any = [{"type": "function", "name": "add", "parameters": dict(ADD.parameters), "strict": False}]
        called: Any = client.responses.create(model="gpt-5", input="hi", tools=tools).output[0]
        assert (called.type, json.loads(called.arguments)) == ("function_call", {"a": 1})
        with pytest.raises(openai.RateLimitError):
            client.responses.create(model="gpt-5", input="hi")


def test_azures_own_client_reads_it() -> None:
    with serve(Emulator(models=["ours"])) as url:
        options: Any = {"azure_endpoint": url, "api_key": "k", "api_version": "2024-10-21", "max_retries": 0}
        with openai.AzureOpenAI(**options) as client:
            answer = client.chat.completions.create(model="ours", messages=[HELLO])
            assert answer.choices[0].message.content == "ours was asked: hi"
            chunks = list(client.chat.completions.create(model="ours", messages=[HELLO], stream=True))
            assert chunks[0].choices == []
            with pytest.raises(openai.NotFoundError, match="deployment"):
                client.chat.completions.create(model="theirs", messages=[HELLO])


SPEC = """
version: 1
providers:
  dated: {kind: azure, base_url: "https://x.openai.azure.com", query: {api-version: "2024-10-21"}}
  newer: {kind: azure, base_url: "https://x.openai.azure.com/openai/v1/", auth: bearer}
deployments:
  thinker: {provider: openai, model: gpt-5-mini}
  plain: {provider: dated, model: our-gpt, card: gpt-4o}
  late: {provider: dated, model: our-thinker, card: gpt-5-mini}
  bearer: {provider: newer, model: our-thinker, card: gpt-5-mini}
rules: [{use: [thinker, plain, late, bearer]}]
"""
PATHS = {
    "thinker": "/thinker/openai/v1/responses",
    "plain": "/plain/azure/openai/deployments/our-gpt/chat/completions?api-version=2024-10-21",
    "late": "/late/azure/openai/responses?api-version=2024-10-21",
    "bearer": "/bearer/azure/openai/v1/responses",
}


@pytest.mark.parametrize("name", PATHS)
def test_a_router_asks_where_it_should_whole_and_streamed(name: str) -> None:
    with emulated_providers({"*": Say("Hello", reasoning="hm")}, variables={}) as providers:
        with providers.router(SPEC) as router:
            assert router.chat("hi", model=name).text == "Hello"
            with router.stream("hi", model=name) as stream:
                assert "".join(getattr(event, "text", "") for event in stream).endswith("Hello")
        assert [entry.path for entry in providers.log] == [PATHS[name]] * 2
        assert [entry.deployment for entry in providers.log] == [name] * 2


def test_thoughts_go_round_between_calls() -> None:
    turns = [Say(reasoning="hm", calls=(Call("add", {"a": 1}), Call("add", {"a": 2}))), Say("3")]
    with emulated_providers({"*": turns}, variables={}) as providers, providers.router(SPEC) as router:
        first = router.chat(ChatRequest((user("add"),), tools=(ADD,)))
        results = [tool_result(call.id, "1") for call in first.tool_calls]
        told = first.response.message
        assert router.chat(ChatRequest((user("add"), told, *results), tools=(ADD,))).text == "3"
        body: Any = providers.log[1].body
    kinds = [item.get("type", item.get("role")) for item in body["input"]]
    assert kinds == ["user", "reasoning", *["function_call"] * 2, *["function_call_output"] * 2]
    assert body["input"][1]["encrypted_content"].startswith("gAAAAA")


def test_thoughts_of_another_provider_stay_behind() -> None:
    with emulated_providers({"*": Say("x")}, variables={}) as providers, providers.router(SPEC) as router:
        thought = router.chat("a", model="late").response.message
        router.chat(ChatRequest((user("a"), thought, assistant("b"), user("c"))), model="thinker")
        body: Any = providers.log[1].body
    assert "encrypted_content" not in json.dumps(body["input"])


def test_azures_filter_is_told_as_such() -> None:
    with emulated_providers({"plain": "content_filter", "*": Say("x")}, variables={}) as providers:
        router = providers.router(SPEC)
        with router, pytest.raises(ContentFiltered, match="content management policy"):
            router.chat("hi", model="plain")


def test_azures_filter_judges_responses_too() -> None:
    with emulated_providers({"*": Say("x")}, variables={}) as providers, providers.router(SPEC) as router:
        whole = router.chat("hi", model="late").response
        with router.stream("hi", model="late") as stream:
            list(stream)
    verdicts: Any = whole.extra["content_filters"]
    assert [(each["source_type"], each["blocked"]) for each in verdicts] == [("prompt", False), ("completion", False)]
    assert stream.answer.response.extra == whole.extra


@pytest.mark.parametrize("provider", ["openai", "azure"])
def test_tools_beside_thoughts_that_chat_completions_refuse_arent_tried_there(provider: str) -> None:
    spec: dict[str, Any] = {
        "version": 1,
        "providers": {"azure": {"base_url": "https://acme.openai.azure.com/openai/v1"}},
        "deployments": {"it": {"provider": provider, "model": "gpt-5.6-terra", "api": "chat"}},
        "rules": [{"use": "it"}],
    }
    asked = ChatRequest((user("add"),), tools=(ADD,))
    with (
        emulated_providers(variables={}) as providers,
        Router.from_spec(spec, environment=providers.environment) as router,
    ):
        with pytest.raises(NoCandidate, match="api: responses"):
            router.chat(asked)
        assert not providers.log
        router.chat(replace(asked, settings=Settings(reasoning="none")))
        body: Any = providers.log[-1].body
    assert body["reasoning_effort"] == "none"
