"""Gemini's dialect: what goes out (`cases/gemini_requests.yaml`), how errors are classed, and what holds of both."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from llm_router.catalog.providers import PROVIDERS
from llm_router.errors import FAILURE_CLASSES
from llm_router.messages import ChatRequest, FinishReason, Reasoning, Settings, Text, ToolCall, user
from llm_router.wire.codec import HttpRequest, Target, Unsupported, WireError
from llm_router.wire.gemini import Gemini
from llm_router.wire.gemini import quirks as quirks_module
from llm_router.wire.gemini.quirks import QUIRKS, read_quirks
from tests.wire.conversations import read_request
from tests.wire.fitting import encode_fitted
from tests.wire.generated import requests
from tests.wire.reading_streams import bytewise, decode_stream, failure_summary
from tests.wire.test_gemini_types import check_against_vendor

Case = dict[str, Any]
CODEC = Gemini()
ROW = PROVIDERS["gemini"]


def _cases(name: str) -> list[Any]:
    text = Path(__file__).with_name("cases").joinpath(name).read_text("utf-8")
    return [pytest.param(case, id=case["name"]) for case in yaml.safe_load(text)]


REQUESTS = _cases("gemini_requests.yaml")
SENT = [case for case in REQUESTS if "unsupported" not in case.values[0]]
REFUSED = [case for case in REQUESTS if case not in SENT]


def encoded(request: ChatRequest, model: str = "gemini-3.1-pro-preview", *, stream: bool = False) -> HttpRequest:
    target = Target("https://x.test/v1beta", model, ROW.auth_headers("k"), {}, ROW.quirks_for(None, model))
    return encode_fitted(CODEC, request, target, stream=stream)


def _encoded_case(case: Case) -> Case:
    request = read_request(yaml.safe_load(yaml.safe_dump(case["request"])))
    body: Case = json.loads(encoded(request, case.get("model", "gemini-3.1-pro-preview")).body)
    return body


@pytest.mark.parametrize("case", SENT)
def test_a_request_is_sent_as_stated(case: Case) -> None:
    body = _encoded_case(case)
    if "config" in case:
        assert body["generationConfig"] == case["config"]
    elif "calling" in case:
        assert body["toolConfig"] == {"functionCallingConfig": case["calling"]}
    else:
        assert body == case["body"]
    check_against_vendor(body)


@pytest.mark.parametrize("case", REFUSED)
def test_what_cant_be_said_is_refused_by_name(case: Case) -> None:
    with pytest.raises(Unsupported) as caught:
        _encoded_case(case)
    assert case["unsupported"] in str(caught.value)


@pytest.mark.parametrize(
    ("model", "stream", "url"),
    [
        ("gemini-3-flash", False, "/models/gemini-3-flash:generateContent?x=1+2"),
        ("gemini-3-flash", True, "/models/gemini-3-flash:streamGenerateContent?x=1+2&alt=sse"),
        ("models/gemini-3-flash", False, "/models/gemini-3-flash:generateContent?x=1+2"),
        ("tunedModels/my one", False, "/tunedModels/my%20one:generateContent?x=1+2"),
    ],
)
def test_address_and_headers(model: str, stream: bool, url: str) -> None:
    target = Target("https://x.test/v1beta", model, ROW.auth_headers("k"), {"x": "1 2"})
    request = ChatRequest((user("Hi"),), settings=Settings(headers={"X-Team": "a"}))
    sent = encode_fitted(CODEC, request, target, stream=stream)
    assert (sent.method, sent.url) == ("POST", f"https://x.test/v1beta{url}")
    accept = "text/event-stream" if stream else "application/json"
    assert sent.headers == {
        "content-type": "application/json",
        "accept": accept,
        "x-goog-api-key": "k",
        "x-team": "a",
    }


@pytest.mark.parametrize("case", _cases("gemini_errors.yaml"))
@pytest.mark.parametrize("listed", [False, True])
def test_an_error_is_classed_as_stated(case: Case, listed: bool) -> None:
    body = [{"error": case["error"]}] if listed else {"error": case["error"]}
    failure = CODEC.decode_error(case["status"], {}, json.dumps(body).encode())
    said = failure_summary(failure)
    assert {key: said.get(key) for key in case["expect"]} == case["expect"]
    assert failure.message == case["error"]["message"]


def test_the_models_of_the_row_have_quirks_that_exist() -> None:
    for pattern, _ in ROW.models:
        read_quirks(ROW.quirks_for(frozenset({"tools"}), pattern.replace("*", "")))
    assert [name for name in QUIRKS if f"| `{name}` |" not in (quirks_module.__doc__ or "")] == []


@pytest.mark.parametrize("quirks", [{"thinkings": "level"}, {"thinking": "never"}])
def test_an_unknown_quirk_is_an_error(quirks: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="quirk"):
        read_quirks(quirks)


_MODELS = st.sampled_from(["gemini-3.1-pro-preview", "gemini-2.5-flash", "gemini-2.0-flash", "gemma-3-27b-it", "other"])


@settings(deadline=None)
@given(requests(), _MODELS, st.booleans())
def test_any_request_fits_the_vendors_types_or_is_refused(request: ChatRequest, model: str, stream: bool) -> None:
    with contextlib.suppress(Unsupported):
        body = json.loads(encoded(request, model, stream=stream).body)
        body.pop("user", None)
        check_against_vendor(body)
        assert all(content["parts"] for content in body["contents"])


@settings(deadline=None)
@given(requests())
def test_texts_and_calls_of_a_request_are_all_sent(request: ChatRequest) -> None:
    try:
        body = json.loads(encoded(request).body)
    except Unsupported:
        return
    sent = json.dumps([body["contents"], body.get("systemInstruction")])
    for message in request.messages:
        for part in message.parts:
            for text in (getattr(part, "text", ""), getattr(part, "name", "") if isinstance(part, ToolCall) else ""):
                assert json.dumps(text or "")[1:-1] in sent


_WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
_NAMES = st.from_regex(r"[a-z_]{1,6}", fullmatch=True)
_SIGNATURES = st.none() | st.just("c2lnbmVk")
_PARTS = st.lists(
    st.builds(lambda text: {"text": text}, _WORDS)
    | st.builds(lambda text: {"text": text, "thought": True}, _WORDS)
    | st.builds(lambda text, signature: {"text": text, "thoughtSignature": signature}, _WORDS | st.just(""), _NAMES)
    | st.builds(
        lambda name, args, signature: {
            "functionCall": {"id": name, "name": name, "args": args},
            **({"thoughtSignature": signature} if signature else {}),
        },
        _NAMES,
        st.dictionaries(_NAMES, _WORDS, max_size=2),
        _SIGNATURES,
    ),
    max_size=5,
)


def _streamed(parts: list[Case], step: int) -> Iterator[Case]:
    """The parts as a stream has them: texts in pieces, a signature on the first of them."""
    for part in parts:
        text = part.get("text", "")
        yield {**part, "text": text[:step]} if "text" in part else part
        for at in range(step, len(text), step):
            yield {key: value for key, value in part.items() if key == "thought"} | {"text": text[at : at + step]}


@settings(deadline=None)
@given(_PARTS, st.integers(1, 5), st.integers(1, 40), st.booleans())
def test_an_answer_is_the_same_whole_and_in_pieces(parts: list[Case], step: int, read: int, crlf: bool) -> None:
    usage = {"promptTokenCount": 1, "candidatesTokenCount": 2}
    whole = CODEC.decode({}, json.dumps(_chunk(parts, usageMetadata=usage, finish="STOP")).encode())
    chunks = [_chunk([part]) for part in _streamed(parts, step)] + [_chunk([], usageMetadata=usage, finish="STOP")]
    end = "\r\n" if crlf else "\n"
    body = "".join(f"data: {json.dumps(chunk)}{end}{end}" for chunk in chunks).encode()
    cut = [body[at : at + read] for at in range(0, len(body), read)]
    assert decode_stream(CODEC, {}, cut).response == whole


@settings(deadline=None)
@given(_PARTS)
def test_what_a_model_said_goes_back_to_it_as_it_came(parts: list[Case]) -> None:
    answer = CODEC.decode({}, json.dumps(_chunk(parts, finish="STOP")).encode())
    assume(len({call.id for call in answer.tool_calls}) == len(answer.tool_calls))
    target = Target("https://x.test", "m", quirks={"signatures": "kept"})
    sent = encode_fitted(CODEC, ChatRequest((user("a"), answer.message)), target, stream=False)
    back = [part for content in json.loads(sent.body)["contents"][1:2] for part in content["parts"]]
    assert _signed_calls(back) == _signed_calls(parts) or _moved(parts)
    assert _said(back) == _said(parts)


def _moved(parts: list[Case]) -> bool:
    """Whether a signed text stands before an unsigned call, whose signature then moves on to the call."""
    return any("thoughtSignature" in part and "text" in part for part in parts)


def _signed_calls(parts: list[Case]) -> list[Any]:
    return [part for part in parts if "functionCall" in part]


def _said(parts: list[Case]) -> tuple[str, str, list[str]]:
    texts = [part for part in parts if "text" in part]
    return (
        "".join(part["text"] for part in texts if not part.get("thought")),
        "".join(part["text"] for part in texts if part.get("thought")),
        [part["thoughtSignature"] for part in parts if "thoughtSignature" in part],
    )


def _chunk(parts: list[Case], *, finish: str | None = None, **more: Any) -> Case:
    candidate: Case = {"content": {"parts": parts, "role": "model"}, "index": 0}
    return {"candidates": [candidate | ({"finishReason": finish} if finish else {})], "responseId": "r", **more}


_KEYS = [
    *("candidates", "content", "parts", "text", "thought", "thoughtSignature", "functionCall", "name", "args", "id"),
    *("partialArgs", "jsonPath", "stringValue", "willContinue", "finishReason", "index", "usageMetadata", "details"),
    *("promptTokenCount", "promptTokensDetails", "tokenCount", "promptFeedback", "blockReason", "error", "status"),
    *("logprobsResult", "chosenCandidates", "groundingMetadata", "responseId", "modelVersion", "totalTokenCount"),
]
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 3) | st.floats() | st.sampled_from(["", "STOP", "SAFETY", "$.a[0].b"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=4),
    max_leaves=15,
)
_PARTS_OF_ANY = st.fixed_dictionaries({}, optional=dict.fromkeys(("text", "functionCall", "thought"), _VALUES))
_CANDIDATES = st.fixed_dictionaries(
    {"content": st.fixed_dictionaries({"parts": st.lists(_PARTS_OF_ANY, max_size=3)})},
    optional=dict.fromkeys(("finishReason", "logprobsResult", "index"), _VALUES),
)
_REPLIES = st.fixed_dictionaries(
    {"candidates": st.lists(_CANDIDATES, max_size=2)},
    optional=dict.fromkeys(("usageMetadata", "promptFeedback", "error", "responseId"), _VALUES),
)


@settings(deadline=None)
@given(_REPLIES | _VALUES)
def test_any_json_gives_an_answer_or_a_failure(value: Any) -> None:
    body = json.dumps(value).encode()
    with contextlib.suppress(WireError):
        assert CODEC.decode({}, body).finish_reason in FinishReason.__args__  # type: ignore[attr-defined]  # a Literal's words
    framed = b"data: " + body + b"\r\n\r\n"
    outcome = decode_stream(CODEC, {}, [framed])
    assert outcome.failure is None or outcome.failure.kind in FAILURE_CLASSES
    assert decode_stream(CODEC, {}, bytewise(framed)) == outcome or "NaN" in body.decode()
    assert CODEC.decode_error(400, {}, body).kind in FAILURE_CLASSES
    assert CODEC.decode_error(429, {}, json.dumps({"error": value}).encode()).kind in FAILURE_CLASSES


def test_a_stream_is_done_at_its_finish_reason_and_usage() -> None:
    begun = b'data: {"candidates":[{"content":{"parts":[{"text":"a"}]}}],"usageMetadata":{"promptTokenCount":1}}\n\n'
    ended = b'data: {"candidates":[{"finishReason":"STOP"}]}\n\n'
    assert [_done_after(begun), _done_after(ended), _done_after(begun + ended)] == [False, False, True]


def test_nothing_after_the_end_of_a_stream_counts() -> None:
    decoder = CODEC.decoder({})
    decoder.feed(b'data: {"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":1}}\n\n')
    assert decoder.feed(b'data: {"candidates":[{"content":{"parts":[{"text":"more"}]}}]}\n\ndata: {"x\n\n') == []


def _done_after(body: bytes) -> bool:
    decoder = CODEC.decoder({})
    decoder.feed(body)
    return decoder.done


def test_a_signature_stands_before_the_part_that_carried_it() -> None:
    call = {"functionCall": {"id": "c", "name": "f", "args": {}}, "thoughtSignature": "s2"}
    parts: list[Case] = [{"text": "hm", "thought": True}, {"text": "a", "thoughtSignature": "s1"}, call]
    answer = CODEC.decode({}, json.dumps(_chunk(parts, finish="STOP")).encode())
    reasoning = (Reasoning("hm", "s1"), Text("a"), Reasoning("", "s2"), ToolCall("c", "f", "{}"))
    assert answer.message.parts == reasoning
