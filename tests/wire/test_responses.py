"""What goes out as responses (`cases/responses_requests.yaml`), what comes back, and how failures are classed."""

from __future__ import annotations

import contextlib
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.responses.response_create_params import ResponseCreateParams
from pydantic import TypeAdapter

from llm_router.catalog.providers import PROVIDERS
from llm_router.messages import ChatRequest, Reasoning, Text, ToolCall, user
from llm_router.wire.codec import HttpRequest, Target, Unsupported, WireError
from llm_router.wire.responses import Responses
from tests.wire.conversations import read_request
from tests.wire.fitting import encode_fitted
from tests.wire.generated import requests
from tests.wire.reading_streams import bytewise, decode_stream
from tests.wire.test_vendor_types import exhaust

Case = dict[str, Any]
CODEC = Responses()
ROW = PROVIDERS["openai"]
TEXT = Path(__file__).with_name("cases").joinpath("responses_requests.yaml").read_text("utf-8")
CASES: list[Case] = yaml.safe_load(TEXT)
SENT = [pytest.param(case, id=case["name"]) for case in CASES if "unsupported" not in case]
REFUSED = [pytest.param(case, id=case["name"]) for case in CASES if "unsupported" in case]
ALWAYS = {"store": False, "include": ["reasoning.encrypted_content"]}


@cache
def _types() -> TypeAdapter[Any]:
    return TypeAdapter(ResponseCreateParams)


def check_against_vendor(body: Case) -> None:
    """Raises unless OpenAI's library takes the body."""
    exhaust(_types().validate_python(body))


def encoded(request: ChatRequest, model: str = "gpt-5", *, stream: bool = False) -> HttpRequest:
    target = Target("https://x.test/v1", model, ROW.auth_headers("k"), {"v": "1"}, ROW.quirks_for(None, model))
    return encode_fitted(CODEC, request, target, stream=stream)


def _body(case: Case) -> Case:
    request = read_request(yaml.safe_load(yaml.safe_dump(case["request"])))
    body: Case = json.loads(encoded(request, case.get("model", "gpt-5")).body)
    return body


@pytest.mark.parametrize("case", SENT)
def test_a_request_is_sent_as_stated(case: Case) -> None:
    body = _body(case)
    check_against_vendor(body)
    assert body.pop("model") == case.get("model", "gpt-5")
    assert body == {key: value for key, value in (ALWAYS | case["body"]).items() if value is not None}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cant_be_said_is_refused_by_name(case: Case) -> None:
    with pytest.raises(Unsupported) as caught:
        _body(case)
    assert case["unsupported"] in str(caught.value)


def test_address_and_headers() -> None:
    sent = encoded(ChatRequest((user("Hi"),)), stream=True)
    assert (sent.method, sent.url) == ("POST", "https://x.test/v1/responses?v=1")
    assert (sent.headers["authorization"], sent.headers["accept"]) == ("Bearer k", "text/event-stream")
    assert json.loads(sent.body)["stream"] is True


@settings(deadline=None, max_examples=50)
@given(requests(), st.sampled_from(["gpt-5", "gpt-5.2", "gpt-4o", "o3"]))
def test_any_request_fits_the_vendors_types_or_is_refused(request: ChatRequest, model: str) -> None:
    with contextlib.suppress(Unsupported):
        check_against_vendor(json.loads(encoded(request, model).body))


MESSAGE: Case = {
    "type": "message",
    "id": "msg_1",
    "role": "assistant",
    "content": [{"type": "output_text", "text": "It is 7.", "annotations": [{"type": "url_citation"}], "logprobs": []}],
}
THOUGHT: Case = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": [{"type": "summary_text", "text": "First."}, {"type": "summary_text", "text": "Second."}],
    "encrypted_content": "gAAAAAx",
}
FINAL: Case = {**MESSAGE, "id": "msg_2", "phase": "final_answer"}
SAYING: Case = {**MESSAGE, "id": "msg_3", "phase": "commentary"}
CALL: Case = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "add", "arguments": '{"a": 1}'}
OTHER: Case = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
USAGE = {
    "input_tokens": 9,
    "input_tokens_details": {"cached_tokens": 4},
    "output_tokens": 8,
    "output_tokens_details": {"reasoning_tokens": 5},
    "total_tokens": 17,
}


def response(output: list[Case], **more: Any) -> Case:
    return {"id": "resp_1", "model": "gpt-5-x", "status": "completed", "output": output, "usage": USAGE, **more}


def events(output: list[Case], step: int, **more: Any) -> list[Case]:
    """The events of a response whose texts come in pieces of `step` characters."""
    told: list[Case] = [{"type": "response.created", "response": response([], status="in_progress", usage=None)}]
    for place, item in enumerate(output):
        told.append({"type": "response.output_item.added", "output_index": place, "item": item | EMPTY})
        told += [{"output_index": place, "item_id": item["id"], **event} for event in _deltas(item, step)]
        told.append({"type": "response.output_item.done", "output_index": place, "item": item})
    whole = response(output, **more)
    return [*told, {"type": f"response.{whole['status']}", "response": whole}]


EMPTY: Case = {"content": [], "summary": [], "arguments": ""}


def _deltas(item: Case, step: int) -> list[Case]:
    texts: list[tuple[str, Case, str]] = [("response.function_call_arguments", {}, item.get("arguments", ""))]
    for place, part in enumerate(item.get("summary", [])):
        texts.append(("response.reasoning_summary_text", {"summary_index": place}, part["text"]))
    for place, part in enumerate(item.get("content", [])):
        name = "response.refusal" if part["type"] == "refusal" else "response.output_text"
        texts.append((name, {"content_index": place}, str(part.get("refusal") or part.get("text"))))
    return [
        {"type": f"{name}.delta", "delta": text[at : at + step], **place}
        for name, place, text in texts
        for at in range(0, len(text), step)
    ]


def framed(told: list[Case], end: str = "\n") -> bytes:
    return "".join(f"event: {each['type']}{end}data: {json.dumps(each)}{end}{end}" for each in told).encode()


def test_a_whole_answer_is_read() -> None:
    answer = CODEC.decode({"x-request-id": "req_1"}, json.dumps(response([THOUGHT, OTHER, MESSAGE, CALL])).encode())
    assert answer.message.parts == (
        Reasoning("First.\n\nSecond.", "rs_1:gAAAAAx"),
        Text("It is 7."),
        ToolCall("call_1", "add", '{"a": 1}'),
    )
    assert (answer.finish_reason, answer.model, answer.provider_request_id) == ("tool_calls", "gpt-5-x", "req_1")
    usage = answer.usage
    assert (usage.input, usage.output, usage.cache_read, usage.cache_creation, usage.reasoning) == (9, 8, 4, None, 5)
    assert answer.extra == {"annotations": [{"type": "url_citation"}], "output_items": [OTHER]}


_OUTPUTS = st.lists(st.sampled_from([THOUGHT, MESSAGE, FINAL, SAYING, CALL, OTHER]), max_size=5).map(
    lambda items: [{**item, "id": f"{item['id']}{place}", "call_id": f"c{place}"} for place, item in enumerate(items)]
)


@settings(deadline=None)
@given(
    _OUTPUTS, st.integers(1, 7), st.sets(st.sampled_from(["delta", "added", "done"])), st.sampled_from(["\n", "\r\n"])
)
def test_an_answer_is_the_same_whole_in_pieces_and_with_events_left_out(
    output: list[Case], step: int, silent: set[str], end: str
) -> None:
    whole = CODEC.decode({}, json.dumps(response(output)).encode())
    told = [event for event in events(output, step) if event["type"].rpartition(".")[2] not in _held(silent)]
    outcome = decode_stream(CODEC, {}, bytewise(framed(told, end)))
    assert outcome.failure is None
    assert outcome.response == whole


def _held(silent: set[str]) -> set[str]:
    """What a server may leave out: pieces tell nothing of an item that was not named, nor is one whole without end."""
    if "done" in silent:
        return {"delta", "added", "done"}
    return silent | {"delta"} if "added" in silent else silent


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, "length"),
        ({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}, "content_filter"),
        ({"status": "incomplete", "incomplete_details": {"reason": "steered"}}, "other"),
        ({}, "stop"),
    ],
)
def test_a_response_ends_for_a_reason(more: Case, reason: str) -> None:
    assert CODEC.decode({}, json.dumps(response([MESSAGE], **more)).encode()).finish_reason == reason
    assert decode_stream(CODEC, {}, [framed(events([MESSAGE], 3, **more))]).response.finish_reason == reason


def test_a_refusal_is_no_text() -> None:
    refused = {**MESSAGE, "content": [{"type": "refusal", "refusal": "I'd rather not."}]}
    answer = decode_stream(CODEC, {}, [framed(events([refused], 4))]).response
    assert (answer.text, [type(part).__name__ for part in answer.message.parts]) == ("", ["Refusal"])


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ({"type": "error", "code": "rate_limit_exceeded", "message": "Rate limit reached"}, "rate_limit"),
        ({"type": "error", "error": {"type": "server_error", "code": "server_error", "message": "x"}}, "unavailable"),
        ({"error": {"code": "server_error", "message": "The model failed"}}, "unavailable"),
        ({"error": {"code": "invalid_prompt", "message": "limited access for safety reasons"}}, "content_filter"),
        ({"error": {"code": "failed_to_download_image", "message": "Failed to download"}}, "bad_request"),
        ({"error": {"code": "context_length_exceeded", "message": "too long"}}, "context_length"),
        ({"error": None, "status": "cancelled"}, "unavailable"),
    ],
)
def test_a_failure_in_a_stream_is_classed_and_leaves_what_came(event: Case, kind: str) -> None:
    failed = event if "type" in event else {"type": "response.failed", "response": {"status": "failed", **event}}
    outcome = decode_stream(CODEC, {}, [framed([*events([MESSAGE], 3)[:4], failed])])
    assert outcome.failure is not None
    assert outcome.failure.kind == kind
    assert outcome.response.text == "It is "


@pytest.mark.parametrize("cut", [0, 1, 5])
def test_a_stream_that_ends_before_its_response_is_truncated(cut: int) -> None:
    outcome = decode_stream(CODEC, {}, [framed(events([MESSAGE], 3)[:cut])])
    assert outcome.failure is not None
    assert outcome.failure.kind == "truncated"


@pytest.mark.parametrize("status", ["queued", "in_progress"])
def test_a_response_still_under_way_is_no_answer(status: str) -> None:
    with pytest.raises(WireError) as caught:
        CODEC.decode({}, json.dumps(response([], status=status)).encode())
    assert caught.value.failure.kind == "truncated"


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (500, {"message": "An error occurred", "type": "server_error", "code": "server_error"}, "unavailable"),
        (400, {"message": "The requested model 'x' does not exist.", "code": "model_not_found"}, "not_found"),
        (400, {"message": "Encrypted content is not supported with this model.", "param": "include"}, "bad_request"),
        (404, {"message": "Item with id 'rs_1' not found.", "type": "invalid_request_error"}, "not_found"),
    ],
)
def test_an_error_is_classed(status: int, error: Case, kind: str) -> None:
    assert CODEC.decode_error(status, {}, json.dumps({"error": error}).encode()).kind == kind


def test_messages_in_phases_go_back_in_them() -> None:
    answer = CODEC.decode({}, json.dumps(response([THOUGHT, SAYING, FINAL, MESSAGE])).encode())
    assert answer.message.parts[1:] == (
        Text("It is 7.", phase="commentary"),
        Text("It is 7.", phase="final_answer"),
        Text("It is 7."),
    )
    body = json.loads(encoded(ChatRequest((user("a"), answer.message, user("b")))).body)
    check_against_vendor(body)
    assert [item.get("phase") for item in body["input"]] == [None, None, "commentary", "final_answer", None, None]


def test_what_a_model_thought_goes_back_to_it() -> None:
    answer = CODEC.decode({}, json.dumps(response([THOUGHT, MESSAGE])).encode())
    sent = json.loads(encoded(ChatRequest((user("a"), answer.message, user("b")))).body)
    assert sent["input"][1]["id"] == "rs_1"
    assert sent["input"][1]["encrypted_content"] == "gAAAAAx"
