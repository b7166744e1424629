"""The raw body of a provider's error: kept on the error only where the spec keeps prompts, and never with a key."""

from __future__ import annotations

import json

import httpx
import pytest

from llm_router import Environment, ProviderError, Router
from llm_router.errors import AuthenticationFailed, BadRequest, Malformed

PROMPT = "a prompt of more than twenty characters"
KEY = "sk-planted-0123456789"
SPEC = """\
version: 1
providers: {openai: {base_url: "https://host.example/v1"}}
rules: [{use: "openai:gpt-4o"}]
fallback: {max_attempts: 1}
"""
KEEPING = SPEC + "ledger: {keep_prompts: true}\n"


def echoed(status: int) -> httpx.Response:
    said = {"error": {"message": f"no: {PROMPT} of {KEY}", "code": "x"}, "trace": [1, 2]}
    return httpx.Response(status, json=said)


def failed(spec: str, reply: httpx.Response, *, stream: bool = False) -> ProviderError:
    client = httpx.Client(transport=httpx.MockTransport(lambda request: reply))
    environment = Environment({"OPENAI_API_KEY": KEY})
    with client, Router.from_text(spec, environment=environment, http_client=client) as router:
        with pytest.raises(ProviderError) as caught:
            list(router.stream(PROMPT)) if stream else router.chat(PROMPT)
        return caught.value


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("status", "kind"), [(400, BadRequest), (401, AuthenticationFailed)])
def test_the_body_of_an_error_is_kept_where_prompts_are(status: int, kind: type[ProviderError], stream: bool) -> None:
    error = failed(KEEPING, echoed(status), stream=stream)
    assert type(error) is kind
    body = json.loads(error.body)
    assert body["trace"] == [1, 2]
    assert PROMPT in body["error"]["message"]
    assert KEY not in error.body
    assert PROMPT not in f"{error}{error!r}{error.explain()}{error.attempts}"


@pytest.mark.parametrize("status", [400, 200])
def test_it_is_not_kept_elsewhere(status: int) -> None:
    error = failed(SPEC, echoed(status))
    assert error.body == ""
    assert PROMPT not in str(vars(error))


def test_what_came_in_place_of_an_answer_is_kept_too() -> None:
    error = failed(KEEPING, httpx.Response(200, text="<html>busy</html>"))
    assert type(error) is Malformed
    assert error.body == "<html>busy</html>"
