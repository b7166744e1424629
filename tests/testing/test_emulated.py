"""A spec runs against the emulator unchanged: without keys, over HTTP, through the router itself."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from llm_router import ProviderError, Router
from llm_router.testing import FAULTS, Fault, On, Providers, Say

SPEC = """
version: 1
providers:
  house: {kind: openai-compatible, base_url: "${env:HOUSE_URL}", api_key: "${env:HOUSE_KEY}"}
  keys: {kind: groq, api_keys: ["${env:KEY_A}", "${env:KEY_B}"]}
deployments:
  best: {provider: openai, model: gpt-4o}
  own: {provider: house, model: qwen-72b, price: free, context: 128k, supports: [tools, json_schema]}
  many: {provider: keys, model: llama-3.3-70b-versatile}
  pocket: {provider: ollama, model: "qwen2.5"}
rules:
  - use: [best, own, many, pocket, "mistral:mistral-large-latest"]
fallback: {deadline: 1m, after: {unavailable: {retry: 0}}}
"""
BRIEF = SPEC.replace("model: gpt-4o}", "model: gpt-4o, timeouts: {first_token: 300ms, stall: 300ms, total: 300ms}}")
"""`best` has little time, for the faults that take some; everybody else has what the machine needs."""


@pytest.fixture
def router(providers: Providers) -> Iterator[Router]:
    with providers.router(SPEC) as made:
        yield made


def test_nobody_needs_a_key(router: Router, providers: Providers) -> None:
    assert router.chat("hello").text == "gpt-4o was asked: hello"
    assert [(entry.deployment, entry.model) for entry in providers.log] == [("best", "gpt-4o")]


@pytest.mark.parametrize("name", ["own", "many#1", "many#2", "pocket", "mistral:mistral-large-latest"])
def test_each_deployment_is_found_under_its_own_name(router: Router, providers: Providers, name: str) -> None:
    others = [each for each in router.program.deployments if each != name]
    providers.script([On("503", deployment=other) for other in others])
    assert router.chat("hello").deployment == name


def test_a_spec_in_a_file_will_do_as_well(providers: Providers, tmp_path: Path) -> None:
    path = tmp_path / "router.yaml"
    path.write_text(SPEC)
    with providers.router(path) as router:
        assert router.chat("hello").deployment == "best"


def test_streams_and_tasks_are_served_too(router: Router, providers: Providers) -> None:
    providers.script({"best": Say("one two three", reasoning="hm")})

    async def ask() -> str:
        answer = await router.achat("hello")
        await router.aclose()
        return answer.text

    with router.stream("hello") as stream:
        events = list(stream)
        assert stream.answer.text == "one two three"
    assert len(events) > 4
    assert asyncio.run(ask()) == "one two three"


# faults that leave an answer an answer, where nothing else than a plain text is asked for
HARMLESS = {"invalid_output", "no_end_marker"}
STOPPING = {"bad_request", "content_filter", "filtered_answer", "context_length"}


@pytest.mark.parametrize("fault", sorted(set(FAULTS) - STOPPING))
@pytest.mark.parametrize("stream", [False, True])
def test_every_fault_of_the_first_is_survived(providers: Providers, fault: str, *, stream: bool) -> None:
    first = Fault(fault, after=0, pause_s=60)
    providers.script([On(first, deployment="best"), On("ok")])
    with providers.router(SPEC if fault in HARMLESS else BRIEF) as router:
        if stream:
            with router.stream("hello") as running:
                list(running)
                answer = running.answer
        else:
            answer = router.chat("hello")
    assert answer.deployment == ("best" if fault in HARMLESS else "own")
    assert answer.text


@pytest.mark.parametrize("fault", sorted(STOPPING - {"context_length"}))
def test_a_fault_that_stops_is_told(router: Router, providers: Providers, fault: str) -> None:
    providers.script({"best": fault})
    with pytest.raises(ProviderError) as raised:
        router.chat("hello")
    assert raised.value.failure == ("content_filter" if fault == "filtered_answer" else fault)
    assert len(providers.log) == 1
