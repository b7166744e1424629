"""What goes out, case by case (`cases/requests.yaml`), and for requests that nobody thought of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_router.catalog.providers import PROVIDERS
from llm_router.messages import ChatRequest, Json, Media, Settings, Tool, user
from llm_router.wire.codec import Target, Unsupported
from llm_router.wire.dialects import CODECS
from llm_router.wire.openai.quirks import QUIRKS, read_quirks
from tests.wire.conversations import read_request
from tests.wire.fitting import encode_fitted
from tests.wire.generated import requests
from tests.wire.test_vendor_types import check_against_vendor

CASES: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("cases").joinpath("requests.yaml").read_text())
SENT = [(dialect, case) for case in CASES for dialect in CODECS if dialect in case]
REFUSED = [(dialect, case) for case in CASES for dialect in CODECS if f"{dialect}_unsupported" in case]


def _named(cases: list[tuple[str, dict[str, Any]]]) -> list[str]:
    return [f"{dialect}: {case['name']}" for dialect, case in cases]


def _target(quirks: dict[str, str] | None = None) -> Target:
    return Target("https://x.test/v1", "m", headers={"Authorization": "Bearer k"}, quirks=quirks or {})


def _body(dialect: str, case: dict[str, Any]) -> dict[str, Json]:
    quirks = case.get("quirks") if dialect == "openai" else None
    request = read_request(yaml.safe_load(yaml.safe_dump(case["request"])))
    sent = encode_fitted(CODECS[dialect], request, _target(quirks), stream=case.get("stream", False))
    body: dict[str, Json] = json.loads(sent.body)
    return body


@pytest.mark.parametrize(("dialect", "case"), SENT, ids=_named(SENT))
def test_a_request_is_sent_as_stated(dialect: str, case: dict[str, Any]) -> None:
    body = _body(dialect, case)
    assert body.pop("model") == "m"
    assert body == case[dialect]


@pytest.mark.parametrize(("dialect", "case"), REFUSED, ids=_named(REFUSED))
def test_what_cant_be_said_is_refused_by_name(dialect: str, case: dict[str, Any]) -> None:
    with pytest.raises(Unsupported) as caught:
        _body(dialect, case)
    assert case[f"{dialect}_unsupported"] in str(caught.value)


def test_only_gpt_oss_takes_levels_of_thinking() -> None:
    request = ChatRequest((user("Hi"),), settings=Settings(reasoning="minimal"))
    sent = encode_fitted(CODECS["ollama"], request, Target("http://x.test", "gpt-oss:20b"), stream=False)
    assert json.loads(sent.body)["think"] == "low"


@pytest.mark.parametrize(
    ("size", "context", "window"),
    [
        (100, 32_768, None),
        (12_000, 32_768, 8192),
        (12_000, 5000, 5000),
        (12_000, None, None),
        (200_000, 131_072, 131_072),
    ],
)
def test_ollama_is_told_a_window_that_holds_the_request(size: int, context: int | None, window: int | None) -> None:
    picture = Media("image", data=b"x" * 300_000, media_type="image/png")
    request = ChatRequest((user("x" * size, picture) if size == 100 else user("x" * size),))
    target = Target("http://x.test", "m", context=context)
    sent = json.loads(encode_fitted(CODECS["ollama"], request, target, stream=False).body)
    assert sent.get("options", {}).get("num_ctx") == window


@pytest.mark.parametrize(
    ("dialect", "stream", "url", "accept"),
    [
        ("openai", True, "https://x.test/v1/chat/completions?api-version=1+2", "text/event-stream"),
        ("openai", False, "https://x.test/v1/chat/completions?api-version=1+2", "application/json"),
        ("ollama", True, "https://x.test/v1/api/chat?api-version=1+2", "application/x-ndjson"),
    ],
)
def test_address_and_headers(dialect: str, stream: bool, url: str, accept: str) -> None:
    target = Target("https://x.test/v1", "m", headers={"Authorization": "Bearer k"}, query={"api-version": "1 2"})
    request = ChatRequest((user("Hi"),), settings=Settings(headers={"X-Team": "a"}))
    sent = encode_fitted(CODECS[dialect], request, target, stream=stream)
    assert (sent.method, sent.url) == ("POST", url)
    expected = {"content-type": "application/json", "accept": accept, "authorization": "Bearer k", "x-team": "a"}
    assert sent.headers == expected
    assert "Bearer" not in repr(sent) + repr(target)


def test_a_number_that_json_doesnt_have_is_refused() -> None:
    with pytest.raises(Unsupported):
        encode_fitted(
            CODECS["openai"],
            ChatRequest((user("Hi"),), settings=Settings(temperature=float("nan"))),
            _target(),
            stream=False,
        )


@pytest.mark.parametrize("kind", sorted(kind for kind, row in PROVIDERS.items() if row.dialect == "openai"))
def test_every_row_of_the_catalogue_names_quirks_that_exist(kind: str) -> None:
    read_quirks(PROVIDERS[kind].quirks)


@pytest.mark.parametrize("quirks", [{"max_token_name": "max_tokens"}, {"stop": "never"}])
def test_an_unknown_quirk_is_an_error(quirks: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="quirk"):
        read_quirks(quirks)


def test_the_table_of_quirks_documents_each_of_them() -> None:
    from llm_router.wire.openai import quirks

    assert [name for name in QUIRKS if f"| `{name}` |" not in (quirks.__doc__ or "")] == []


_QUIRKS = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from(values) for name, values in QUIRKS.items() if values}
)


@settings(deadline=None)
@given(requests(), _QUIRKS, st.booleans())
def test_any_request_becomes_json_or_is_refused(request: ChatRequest, quirks: dict[str, str], stream: bool) -> None:
    for dialect, codec in CODECS.items():
        try:
            sent = encode_fitted(codec, request, _target(quirks if dialect == "openai" else None), stream=stream)
        except Unsupported:
            continue
        body = json.loads(sent.body)
        assert body.get("model") == "m" or "/models/m:" in sent.url
        assert sent.body.decode("utf-8")


@settings(deadline=None)
@given(requests())
def test_texts_and_calls_of_a_request_are_all_sent(request: ChatRequest) -> None:
    try:
        body = encode_fitted(CODECS["openai"], request, _target({"tool_results": "parts"}), stream=False).body
    except Unsupported:
        return
    sent = json.dumps(json.loads(body)["messages"])
    for message in request.messages:
        for part in message.parts:
            for text in (getattr(part, "text", ""), getattr(part, "arguments", "")):
                assert type(part).__name__ == "Reasoning" or json.dumps(text)[1:-1] in sent


@settings(deadline=None, max_examples=30)
@given(requests())
def test_what_we_send_is_what_the_vendors_types_allow(request: ChatRequest) -> None:
    try:
        sent = encode_fitted(
            CODECS["openai"], request, _target({"max_tokens_name": "max_completion_tokens"}), stream=False
        )
    except Unsupported:
        return
    check_against_vendor(json.loads(sent.body))


def test_a_tool_without_parameters_takes_none() -> None:
    sent = encode_fitted(CODECS["openai"], ChatRequest((user("Hi"),), tools=(Tool("f"),)), _target(), stream=False)
    assert json.loads(sent.body)["tools"][0]["function"]["parameters"] == {"type": "object", "properties": {}}
