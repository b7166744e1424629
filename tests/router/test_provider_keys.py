"""Each key of a provider does something, whoever the provider is: it is sent, it decides, or it is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import httpx
import pytest

from llm_router import Environment, NoCandidate, ProviderError, Router, SpecError
from llm_router.catalog.providers import PROVIDERS

KINDS = tuple(PROVIDERS)
VARIABLES = {"ONE": "sk-one", "TWO": "sk-two"}
PLACE = "https://host.example/base"


def spec_of(kind: str, keys: Mapping[str, Any], more: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
    """A provider of this kind, whom everything that isn't streamed is meant for."""
    model = "owner/house-model" if kind == "replicate" else "house-model"
    provider = {"kind": kind, "base_url": PLACE, "default_model": model, "local": False, **keys}
    others = {"kind": "openai", "api_key": "${env:ONE}"}
    rules = [{"when": {"stream": False}, "use": "there"}, {"use": "others:gpt-4o"}]
    return {"version": 1, "providers": {"there": provider, "others": others}, "rules": rules, **(more or {})}


def sent(spec: Mapping[str, Any], *, times: int = 1) -> list[httpx.Request]:
    """What goes out, to a provider that knows no model."""
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(400, json={"error": {"message": "no"}})

    with (
        httpx.Client(transport=httpx.MockTransport(answer)) as client,
        Router.from_spec(spec, environment=Environment(VARIABLES), http_client=client) as router,
    ):
        for _ in range(times):
            with suppress(ProviderError):
                router.chat("hi")
    return seen


def refusal(spec: Mapping[str, Any]) -> str:
    with (
        Router.from_spec(spec, environment=Environment(VARIABLES)) as router,
        pytest.raises(NoCandidate) as caught,
    ):
        router.chat("hi")
    return str(caught.value)


def places(value: Any) -> list[tuple[str, Any]]:
    """Every key of a body with its value, however deep."""
    if isinstance(value, list):
        return [place for each in value for place in places(each)]
    if not isinstance(value, dict):
        return []
    return [*value.items(), *(place for each in value.values() for place in places(each))]


@pytest.mark.parametrize("kind", KINDS)
def test_address_key_query_model_and_settings_are_sent(kind: str) -> None:
    settings = {"temperature": 0.25, "headers": {"x-team": "search"}, "extra": {"of_mine": 1}}
    keys = {"api_key": "${env:ONE}", "query": {"api-version": "2024-10-21"}, "settings": settings}
    request = sent(spec_of(kind, keys))[0]
    assert str(request.url).startswith(f"{PLACE}/")
    assert request.url.params["api-version"] == "2024-10-21"
    auth = PROVIDERS[kind].auth
    assert request.headers["authorization" if auth == "bearer" else auth].removeprefix("Bearer ") == "sk-one"
    assert request.headers["x-team"] == "search"
    body = json.loads(request.content)
    assert ("temperature", 0.25) in places(body)
    assert ("of_mine", 1) in places(body)
    assert "house-model" in str(request.url) or body["model"] == "house-model"


@pytest.mark.parametrize("kind", KINDS)
def test_several_keys_take_turns(kind: str) -> None:
    requests = sent(spec_of(kind, {"api_keys": ["${env:ONE}", "${env:TWO}"]}), times=4)
    told = [" ".join(request.headers.values()) for request in requests]
    assert {key for key in VARIABLES.values() for each in told if key in each} == set(VARIABLES.values())


@pytest.mark.parametrize("kind", KINDS)
def test_an_organization_is_sent_or_refused(kind: str) -> None:
    spec = spec_of(kind, {"api_key": "${env:ONE}", "organization": "org-1"})
    header = PROVIDERS[kind].organization_header
    if header is not None:
        assert sent(spec)[0].headers[header] == "org-1"
        return
    with pytest.raises(SpecError, match=f"kind `{kind}` takes no `organization`"):
        sent(spec)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ({"enabled": False}, "disabled"),
        ({"local": True}, "loopback|this machine"),
        ({"labels": {"region": "us"}}, "the guard `eu` keeps this request from it"),
    ],
    ids=["enabled", "local", "labels"],
)
def test_who_may_not_be_asked_is_not_asked(kind: str, keys: Mapping[str, Any], why: str) -> None:
    guard = {"name": "eu", "when": {"stream": False}, "only": {"labels.region": "eu"}, "instead": "refuse"}
    guards = {"guards": [guard]} if "labels" in keys else {}
    told = refusal(spec_of(kind, {"api_key": "${env:ONE}", **keys}, guards))
    assert any(word in told for word in why.split("|"))
    if "labels" in keys:
        assert sent(spec_of(kind, {"api_key": "${env:ONE}", "labels": {"region": "eu"}}, guards))


@pytest.mark.parametrize("kind", KINDS)
def test_timeouts_are_those_of_its_deployments(kind: str) -> None:
    spec = spec_of(kind, {"api_key": "${env:ONE}", "timeouts": {"total": "9s"}})
    waits: list[Any] = []

    def answer(request: httpx.Request) -> httpx.Response:
        waits.append(request.extensions["timeout"])
        return httpx.Response(400, json={})

    with (
        httpx.Client(transport=httpx.MockTransport(answer)) as client,
        Router.from_spec(spec, environment=Environment(VARIABLES), http_client=client) as router,
        suppress(ProviderError),
    ):
        router.chat("hi")
    assert 8 < max(waits[0].values()) <= 9
