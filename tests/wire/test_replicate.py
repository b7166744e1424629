"""Replicate's dialect: what goes out (`cases/replicate_requests.yaml`), and where a prediction's course leads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings

from llm_router.catalog.providers import PROVIDERS
from llm_router.messages import ChatRequest, Settings, user
from llm_router.testing import Asked, Emulator
from llm_router.wire.codec import HttpRequest, Target, Unsupported, WireError
from llm_router.wire.course import Ask, Coursed, Give, Play, Rest, Step, Told
from llm_router.wire.dialects import CODECS
from llm_router.wire.replicate import Replicate
from llm_router.wire.replicate import quirks as quirks_module
from llm_router.wire.replicate.quirks import QUIRKS, read_quirks
from tests.wire.conversations import read_request
from tests.wire.fitting import encode_fitted
from tests.wire.generated import requests

Case = dict[str, Any]
CODEC = Replicate()
ROW = PROVIDERS["replicate"]
MODEL = "meta/meta-llama-3-8b-instruct"
BASE = "https://api.replicate.com/v1"
CASES: list[Case] = yaml.safe_load(
    Path(__file__).with_name("cases").joinpath("replicate_requests.yaml").read_text("utf-8")
)
SENT = [case for case in CASES if "unsupported" not in case]
REFUSED = [case for case in CASES if "unsupported" in case]


def encoded(request: ChatRequest, model: str = MODEL, *, stream: bool = False) -> HttpRequest:
    target = Target(BASE, model, ROW.auth_headers("k"), {}, ROW.quirks_for(None, model))
    return encode_fitted(CODEC, request, target, stream=stream)


def _encoded_case(case: Case) -> HttpRequest:
    return encoded(read_request(yaml.safe_load(yaml.safe_dump(case["request"]))), case.get("model", MODEL))


def _status(http: HttpRequest) -> tuple[int | None, bytes]:
    """What the strict emulator says of a request."""
    path = "/it/replicate" + http.url.removeprefix(BASE)
    reply = Emulator(also=["user"]).answer(Asked(http.method, path, dict(http.headers), http.body))
    return reply.status, reply.body


@pytest.mark.parametrize("case", SENT, ids=[case["name"] for case in SENT])
def test_a_request_is_sent_as_stated_and_accepted(case: Case) -> None:
    http = _encoded_case(case)
    assert json.loads(http.body) == {"input": case["input"]}
    if "extra" not in case["request"].get("settings", {}):
        assert _status(http)[0] == 201, _status(http)


@pytest.mark.parametrize("case", REFUSED, ids=[case["name"] for case in REFUSED])
def test_what_cant_be_said_is_refused_by_name(case: Case) -> None:
    with pytest.raises(Unsupported) as caught:
        _encoded_case(case)
    assert case["unsupported"] in str(caught.value)


_HASH = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("model", "path", "version"),
    [
        ("meta/llama-2-70b-chat", "/models/meta/llama-2-70b-chat/predictions", None),
        (f"meta/llama-2-70b-chat:{_HASH}", "/predictions", _HASH),
        (_HASH, "/predictions", _HASH),
        ("deployments/acme/desk", "/deployments/acme/desk/predictions", None),
    ],
)
def test_a_wire_name_says_where_it_is_asked(model: str, path: str, version: str | None) -> None:
    http = encoded(ChatRequest((user("a"),)), model)
    assert (http.method, http.url) == ("POST", BASE + path)
    assert json.loads(http.body).get("version") == version


@pytest.mark.parametrize("stream", [False, True])
def test_only_a_whole_answer_is_waited_for_and_only_for_a_second(stream: bool) -> None:
    request = ChatRequest((user("a"),), settings=Settings(headers={"Cancel-After": "1m"}))
    http = encoded(request, stream=stream)
    assert http.headers.get("prefer") == (None if stream else "wait=1")
    assert http.headers["cancel-after"] == "1m"
    assert json.loads(http.body).get("stream") == (True if stream else None)


def test_only_this_dialect_has_a_course() -> None:
    assert [name for name, codec in CODECS.items() if isinstance(codec, Coursed)] == ["replicate"]


def test_the_models_of_the_row_have_quirks_that_exist() -> None:
    for pattern, _ in ROW.models:
        read_quirks(ROW.quirks_for(frozenset({"tools"}), pattern.replace("*", "")))
    assert [name for name in QUIRKS if f"| `{name}` |" not in (quirks_module.__doc__ or "")] == []


@pytest.mark.parametrize("quirks", [{"sampled": "yes"}, {"sampling": "never"}])
def test_an_unknown_quirk_is_an_error(quirks: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="quirk"):
        read_quirks(quirks)


@settings(deadline=None)
@given(requests())
def test_any_request_is_accepted_or_refused(request: ChatRequest) -> None:
    try:
        http = encoded(request, "openai/gpt-4o")
    except Unsupported:
        return
    if json.loads(http.body)["input"]["prompt"]:
        assert _status(http)[0] == 201, _status(http)


# the course


def prediction(status: str = "starting", **urls: str) -> bytes:
    """A prediction's body; `urls` over the usual ones."""
    usual = {"get": f"{BASE}/predictions/p1", "cancel": f"{BASE}/predictions/p1/cancel"}
    return json.dumps({"id": "p1", "status": status, "urls": {**usual, **urls}}).encode()


def course_of(body: bytes, *, asked: str = f"{BASE}/models/o/m/predictions", stream: bool = True) -> list[Step]:
    """The steps of a course whose exchanges all end with a prediction that is done."""
    http = HttpRequest("POST", asked, {"authorization": "Bearer k", "prefer": "wait=1", "content-type": "x"}, b"")
    steps = CODEC.course(http, Told(201, {}, body), stream=stream).steps()
    found: list[Step] = []
    due: Told | None = None
    while True:
        try:
            found.append(steps.send(due))
        except StopIteration:
            return found
        due = Told(200, {}, prediction("succeeded")) if isinstance(found[-1], Ask | Play) else None


def asked_by(steps: list[Step]) -> list[tuple[str, str, str | None]]:
    """The exchanges of a course, with their keys."""
    requests = [step.request for step in steps if isinstance(step, Ask | Play)]
    return [(each.method, each.url, each.headers.get("authorization")) for each in requests]


GET = ("GET", f"{BASE}/predictions/p1", "Bearer k")


def test_a_prediction_that_is_done_at_once_needs_no_more() -> None:
    steps = course_of(prediction("succeeded"), stream=False)
    assert [type(step) for step in steps] == [Give]


def test_a_prediction_without_a_stream_is_asked_for() -> None:
    steps = course_of(prediction())
    assert [type(step) for step in steps] == [Give, Rest, Ask, Give]
    assert asked_by(steps) == [GET]


@pytest.mark.parametrize(
    ("stream", "key"),
    [
        ("https://api.replicate.com/v1/streams/s", "Bearer k"),
        ("https://stream.replicate.com/v1/streams/s", "Bearer k"),
        ("https://streaming-api.svc.rno2.c.replicate.net/v1/streams/s", None),
    ],
)
def test_the_key_goes_only_to_who_was_asked(stream: str, key: str | None) -> None:
    assert asked_by(course_of(prediction(stream=stream)))[0] == ("GET", stream, key)


@pytest.mark.parametrize("name", ["get", "cancel", "stream"])
@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/x",
        "https://replicate.com.evil.example/x",
        "https://evilreplicate.com/x",
        "http://api.replicate.com/v1/predictions/p1",
        "https://api.replicate.com:8443/x",
        "https://api.replicate.com@evil.example/x",
        "https://k@api.replicate.com/x",
        "https://evil.example\\@api.replicate.com/x",
        "https://api.replicate.com\n.evil.example/x",
        "https://api.replicate.com:port/x",
        "https://[/x",
        "//api.replicate.com/x",
        "file:///etc/passwd",
        "x",
    ],
)
def test_no_address_elsewhere_is_followed(name: str, address: str) -> None:
    with pytest.raises(WireError) as caught:
        course_of(prediction(**{name: address}))
    assert caught.value.failure.kind == "malformed"
    assert "k@" not in caught.value.failure.message


@pytest.mark.parametrize("address", ["https://api.replicate.com/v1/predictions/p1", "http://127.0.0.1:9/x"])
def test_a_server_of_ones_own_leads_only_to_itself(address: str) -> None:
    with pytest.raises(WireError):
        course_of(prediction(get=address, cancel="http://127.0.0.1:8/c"), asked="http://127.0.0.1:8/predictions")


@pytest.mark.parametrize(("body", "kind"), [(b"{}", "malformed"), (b"<html>", "malformed")])
def test_what_is_no_prediction_has_no_course(body: bytes, kind: str) -> None:
    with pytest.raises(WireError) as caught:
        course_of(body)
    assert caught.value.failure.kind == kind
