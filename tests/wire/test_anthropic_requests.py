"""What goes out to the Messages API: case by case, as its own library's types want it, and as real clients sent it."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_router.catalog.cards import find_card
from llm_router.catalog.providers import PROVIDERS
from llm_router.messages import ChatRequest, JsonFormat, Settings, Text, Tool, assistant, system, user
from llm_router.testing import Asked, Emulator
from llm_router.testing.invent import invent
from llm_router.wire.anthropic.quirks import QUIRKS, read_quirks
from llm_router.wire.anthropic.schemas import fitted
from llm_router.wire.codec import HttpRequest, Target, Unsupported
from llm_router.wire.dialects import CODECS
from tests.wire.anthropic import allowed_by_vendor
from tests.wire.conversations import read_request
from tests.wire.fitting import encode_fitted
from tests.wire.generated import requests

CODEC = CODECS["anthropic"]
CASES: list[dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("cases").joinpath("anthropic_requests.yaml").read_text("utf-8")
)
SENT = [case for case in CASES if "sends" in case]
REFUSED = [case for case in CASES if "unsupported" in case]
URL = "https://api.test"


def sent(request: ChatRequest, *, stream: bool = False, **target: Any) -> HttpRequest:
    """The HTTP request for a model with these quirks."""
    return encode_fitted(CODEC, request, Target(URL, "m", {"x-api-key": "k"}, **target), stream=stream)


def body_of(case: dict[str, Any]) -> dict[str, Any]:
    """The body that a case sends."""
    request = read_request(copy.deepcopy(case["request"]))
    target = {key: case[key] for key in ("quirks", "max_output") if key in case}
    body: dict[str, Any] = json.loads(sent(request, stream=case.get("stream", False), **target).body)
    return body


@pytest.mark.parametrize("case", SENT, ids=[case["name"] for case in SENT])
def test_a_request_is_sent_as_stated(case: dict[str, Any]) -> None:
    body = body_of(case)
    allowed_by_vendor(body)
    assert body.pop("model") == "m"
    assert body == case["sends"]


@pytest.mark.parametrize("case", REFUSED, ids=[case["name"] for case in REFUSED])
def test_what_cant_be_said_is_refused_by_name(case: dict[str, Any]) -> None:
    with pytest.raises(Unsupported) as caught:
        body_of(case)
    assert case["unsupported"] in str(caught.value)


def test_address_and_headers() -> None:
    request = ChatRequest((user("Hi"),), settings=Settings(headers={"Anthropic-Beta": "a-2025"}))
    http = sent(request, stream=True, query={"beta": "true"})
    assert (http.method, http.url) == ("POST", f"{URL}/v1/messages?beta=true")
    assert http.headers == {
        "content-type": "application/json",
        "accept": "text/event-stream",
        "x-api-key": "k",
        "anthropic-version": "2023-06-01",
        "anthropic-beta": "a-2025",
    }


def test_another_version_may_be_asked_for() -> None:
    request = ChatRequest((user("Hi"),), settings=Settings(headers={"anthropic-version": "2099-01-01"}))
    assert sent(request).headers["anthropic-version"] == "2099-01-01"


def test_an_address_with_its_version_is_understood() -> None:
    http = encode_fitted(CODEC, ChatRequest((user("Hi"),)), Target("https://api.test/v1", "m"), stream=False)
    assert http.url == "https://api.test/v1/messages"


def test_marks_of_the_cache_go_where_they_stand() -> None:
    request = ChatRequest(
        (
            replace(system("long"), parts=(Text("long", cache="1h"),)),
            user("a", Text("b", cache="5m")),
        ),
        tools=(Tool("f", cache="5m"),),
    )
    body = json.loads(sent(request).body)
    allowed_by_vendor(body)
    short, long = {"type": "ephemeral"}, {"type": "ephemeral", "ttl": "1h"}
    assert body["system"] == [{"type": "text", "text": "long", "cache_control": long}]
    assert body["messages"][0]["content"][1] == {"type": "text", "text": "b", "cache_control": short}
    assert body["tools"][0]["cache_control"] == short


def test_the_table_of_quirks_documents_each_of_them() -> None:
    from llm_router.wire.anthropic import quirks

    assert [name for name in QUIRKS if f"| `{name}` |" not in (quirks.__doc__ or "")] == []


@pytest.mark.parametrize("quirks", [{"thinkin": "budget"}, {"thinking": "hard"}])
def test_an_unknown_quirk_is_an_error(quirks: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="quirk"):
        read_quirks(quirks)


MODELS = {
    "claude-3-opus-20240229": "tool none both yes yes",
    "claude-3-7-sonnet-20250219": "tool budget both yes yes",
    "claude-sonnet-4-20250514": "tool budget both yes yes",
    "claude-sonnet-4-0": "tool budget both yes yes",
    "claude-opus-4-1-20250805": "schema budget one yes yes",
    "claude-sonnet-4-5-20250929": "schema budget one yes yes",
    "claude-haiku-4-5": "schema budget one yes yes",
    "claude-opus-4-6": "schema adaptive one yes no",
    "claude-opus-4-8": "schema adaptive none yes no",
    "claude-sonnet-5": "schema adaptive none yes no",
    "claude-opus-5": "schema adaptive none yes no",
    "claude-haiku-5-5": "schema adaptive none yes no",
    "claude-sonnet-5-5": "schema between none no no",
    "claude-opus-5-5": "schema always none no no",
    "claude-fable-5": "schema always none yes no",
    "claude-fable-5-1": "schema always none no no",
    "something-else": "schema adaptive both yes yes",
}


@pytest.mark.parametrize("model", MODELS)
def test_each_model_is_told_what_it_takes(model: str) -> None:
    card = find_card("anthropic", model)
    quirks = read_quirks(PROVIDERS["anthropic"].quirks_for(card.supports if card else None, model))
    assert " ".join(getattr(quirks, name) for name in QUIRKS) == MODELS[model]


@settings(deadline=None)
@given(requests(), st.sampled_from(sorted(MODELS)), st.booleans())
def test_whatever_is_sent_is_accepted_by_the_model(request: ChatRequest, model: str, stream: bool) -> None:
    """But for calls and results that don't belong together, which only the caller could have paired."""
    card = find_card("anthropic", model)
    quirks = PROVIDERS["anthropic"].quirks_for(card.supports if card else None, model)
    try:
        http = encode_fitted(CODEC, request, Target(URL, model, {"x-api-key": "k"}, quirks=quirks), stream=stream)
    except Unsupported:
        return
    body = json.loads(http.body)
    allowed_by_vendor(body)
    reply = Emulator(also=["user"]).answer(Asked("POST", "/v1/messages", http.headers, http.body))
    pairing = ("`tool_use`", "`tool_result`", "Tool '", "Tool names")
    assert reply.status == 200 or any(words in reply.body.decode() for words in pairing), reply.body


_NAMES = st.sampled_from(["a", "b"])
_LEAVES: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [
        {"type": "integer", "minimum": 3, "maximum": 9},
        {"type": "string", "minLength": 2, "maxLength": 5},
        {"type": ["string", "null"]},
        {"enum": ["x", "y"]},
        {"type": "boolean"},
        {"$ref": "#/$defs/d"},
        {},
        {"type": "object"},
    ]
)
_SCHEMAS = st.recursive(
    _LEAVES,
    lambda below: st.one_of(
        st.dictionaries(_NAMES, below).map(lambda found: {"type": "object", "properties": found, "required": [*found]}),
        below.map(lambda item: {"type": "array", "items": item, "minItems": 2}),
        st.lists(below, min_size=1, max_size=2).map(lambda options: {"oneOf": options}),
    ),
    max_leaves=5,
).map(lambda schema: {**schema, "$defs": {"d": {"type": "string", "maxLength": 3}}})


@settings(deadline=None)
@given(_SCHEMAS)
def test_a_fitted_schema_is_closed_and_takes_what_the_callers_takes(schema: dict[str, Any]) -> None:
    made = fitted(schema)
    if made is None:
        return
    value = invent(
        {key: each for key, each in schema.items() if key != "$defs"} if "$ref" not in str(schema) else schema
    )
    assert '"minimum":' not in json.dumps(_keys(made))
    if jsonschema.Draft202012Validator(schema).is_valid(value):
        jsonschema.validate(value, made)
    request = ChatRequest((user("Hi"),), response_format=JsonFormat(schema))
    http = encode_fitted(CODEC, request, Target(URL, "claude-opus-5", {"x-api-key": "k"}), stream=False)
    assert Emulator().answer(Asked("POST", "/v1/messages", http.headers, http.body)).status == 200


def _keys(schema: Any) -> Any:
    """A schema without its descriptions."""
    if isinstance(schema, dict):
        return {key: _keys(value) for key, value in schema.items() if key != "description"}
    return [_keys(item) for item in schema] if isinstance(schema, list) else schema


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object"},
        {"type": "object", "additionalProperties": True},
        {},
        {"type": "array"},
        {"type": "object", "properties": {"x": True}},
        {"$ref": "#/$defs/t", "$defs": {"t": {"type": "object", "properties": {"t": {"$ref": "#/$defs/t"}}}}},
        {"type": "object", "properties": {"next": {"$ref": "#"}}},
    ],
)
def test_what_constrained_decoding_doesnt_know_is_no_schema_for_it(schema: dict[str, Any]) -> None:
    assert fitted(schema) is None


def test_a_beginning_can_always_be_encoded_where_the_model_takes_one() -> None:
    request = ChatRequest((user("Hi"), assistant("Once upon a time\n")))
    body = json.loads(sent(request, stream=True).body)
    assert body["messages"][-1] == {"role": "assistant", "content": "Once upon a time"}
