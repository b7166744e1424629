"""Cohere's dialect: what goes out (`cases/cohere_requests.yaml`), how errors are classed, and what always holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings

from llm_router.catalog.cards import find_card
from llm_router.catalog.prices import find_price
from llm_router.catalog.providers import PROVIDERS
from llm_router.messages import ChatRequest, Settings, ToolCall, user
from llm_router.testing import Asked, Emulator
from llm_router.wire.codec import HttpRequest, Target, Unsupported
from llm_router.wire.cohere import Cohere
from llm_router.wire.cohere import quirks as quirks_module
from llm_router.wire.cohere.quirks import QUIRKS, read_quirks
from tests.wire.conversations import read_request
from tests.wire.fitting import encode_fitted
from tests.wire.generated import requests
from tests.wire.test_cohere_types import check_against_vendor

Case = dict[str, Any]
CODEC = Cohere()
ROW = PROVIDERS["cohere"]
CASES: list[Case] = yaml.safe_load(
    Path(__file__).with_name("cases").joinpath("cohere_requests.yaml").read_text("utf-8")
)
SENT = [case for case in CASES if "unsupported" not in case]
REFUSED = [case for case in CASES if "unsupported" in case]


def encoded(request: ChatRequest, model: str = "command-a-03-2025", *, stream: bool = False) -> HttpRequest:
    target = Target("https://x.test", model, ROW.auth_headers("k"), {}, ROW.quirks_for(None, model))
    return encode_fitted(CODEC, request, target, stream=stream)


def _encoded_case(case: Case) -> HttpRequest:
    request = read_request(yaml.safe_load(yaml.safe_dump(case["request"])))
    return encoded(request, case.get("model", "command-a-03-2025"))


def _status(http: HttpRequest) -> tuple[int | None, bytes]:
    """What the strict emulator says of a request."""
    reply = Emulator(also=["user"]).answer(Asked(http.method, "/it/cohere/v2/chat", dict(http.headers), http.body))
    return reply.status, reply.body


@pytest.mark.parametrize("case", SENT, ids=[case["name"] for case in SENT])
def test_a_request_is_sent_as_stated_and_accepted(case: Case) -> None:
    http = _encoded_case(case)
    model = case.get("model", "command-a-03-2025")
    assert json.loads(http.body) == {"model": model, "stream": False, **case["body"]}
    if "extra" not in case["request"].get("settings", {}):
        check_against_vendor(json.loads(http.body))
    assert _status(http)[0] == 200, _status(http)


@pytest.mark.parametrize("case", REFUSED, ids=[case["name"] for case in REFUSED])
def test_what_cant_be_said_is_refused_by_name(case: Case) -> None:
    with pytest.raises(Unsupported) as caught:
        _encoded_case(case)
    assert case["unsupported"] in str(caught.value)


@pytest.mark.parametrize("base", ["https://x.test", "https://x.test/v2"])
@pytest.mark.parametrize("stream", [False, True])
def test_address_and_headers(base: str, stream: bool) -> None:
    target = Target(base, "m", ROW.auth_headers("k"), {"x": "1 2"})
    request = ChatRequest((user("Hi"),), settings=Settings(headers={"X-Client-Name": "a"}))
    sent = encode_fitted(CODEC, request, target, stream=stream)
    assert (sent.method, sent.url) == ("POST", "https://x.test/v2/chat?x=1+2")
    assert sent.headers == {
        "content-type": "application/json",
        "accept": "text/event-stream" if stream else "application/json",
        "authorization": "Bearer k",
        "x-client-name": "a",
    }
    assert json.loads(sent.body)["stream"] is stream


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (429, {"message": "You are using a Trial key, which is limited to 20 API calls / minute."}, "rate_limit"),
        (402, {"message": "Please add or update your payment method to continue"}, "quota_exhausted"),
        (498, {"message": "invalid token"}, "authentication"),
        (498, {"message": "the input was blocked"}, "content_filter"),
        (499, {"message": "request cancelled"}, "unavailable"),
        (400, {"message": "invalid request: all elements in history must have a message"}, "bad_request"),
        (503, {"message": "service unavailable"}, "overloaded"),
        (504, {"message": "timed out"}, "timeout"),
        (400, {"something": "else"}, "bad_request"),
    ],
)
def test_an_error_is_classed_by_what_it_says(status: int, body: Case, kind: str) -> None:
    assert CODEC.decode_error(status, {}, json.dumps(body).encode()).kind == kind


def test_the_models_of_the_row_have_quirks_that_exist() -> None:
    for pattern, _ in ROW.models:
        for supports in (None, frozenset[str](), frozenset({"tools"})):
            read_quirks(ROW.quirks_for(supports, pattern.replace("*", "")))
    assert [name for name in QUIRKS if f"| `{name}` |" not in (quirks_module.__doc__ or "")] == []


@pytest.mark.parametrize("quirks", [{"thinkings": "yes"}, {"thinking": "never"}])
def test_an_unknown_quirk_is_an_error(quirks: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="quirk"):
        read_quirks(quirks)


@pytest.mark.parametrize("model", ["command-r-plus", "command-r", "command-r7b-12-2024", "command-a-03-2025"])
def test_its_models_have_a_card_and_a_price(model: str) -> None:
    assert find_card("cohere", model) is not None
    assert find_price("cohere", model) is not None


@settings(deadline=None)
@given(requests())
def test_texts_and_calls_of_any_request_are_sent_and_accepted_or_it_is_refused(request: ChatRequest) -> None:
    try:
        http = encoded(request, "command-a-reasoning-08-2025")
    except Unsupported:
        return
    assert _status(http)[0] == 200, _status(http)
    own = {key: each for key, each in json.loads(http.body).items() if key not in request.settings.extra}
    check_against_vendor(own)
    sent = json.dumps(json.loads(http.body)["messages"])
    for message in request.messages:
        for part in message.parts:
            for text in (getattr(part, "text", ""), getattr(part, "name", "") if isinstance(part, ToolCall) else ""):
                assert json.dumps(text or "")[1:-1] in sent
