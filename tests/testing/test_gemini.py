"""The emulated Gemini: as strict as the real one, read by Google's own library, and by our codec under any fault."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from google import genai

from llm_router.catalog.providers import PROVIDERS
from llm_router.messages import (
    ChatRequest,
    JsonFormat,
    NamedTool,
    Settings,
    Tool,
    ToolCall,
    assistant,
    system,
    tool_result,
    user,
)
from llm_router.testing import Asked, Call, Emulator, Fault, Reply, Say, emulated_providers, serve
from llm_router.wire.codec import Target
from llm_router.wire.gemini import Gemini
from tests.recordings import Recording, needs_recordings, recordings
from tests.wire.fitting import encode_fitted
from tests.wire.reading_streams import Outcome, decode_stream

MODEL = "gemini-3.1-pro-preview"
GOOD = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
KEY = {"x-goog-api-key": "k"}
CASES = yaml.safe_load(Path(__file__).with_name("cases").joinpath("gemini_requests.yaml").read_text("utf-8"))
Case = dict[str, Any]


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_request_is_judged_as_google_would(case: Case) -> None:
    body = {name: value for name, value in {**GOOD, **case.get("body", {})}.items() if value != "-"}
    path = case.get("path", f"/v1beta/models/{MODEL}:generateContent")
    asked = Asked(
        case.get("method", "POST"), path, case.get("headers", KEY), case.get("raw", json.dumps(body)).encode()
    )
    reply = Emulator(models=case.get("models"), keys=case.get("keys")).answer(asked)
    assert reply.status == case.get("status", 200), reply.body
    if "status" in case:
        error = json.loads(reply.body)["error"]
        assert error["code"] == case["status"]
        assert error["status"] == case.get("says", "INVALID_ARGUMENT")
        assert case.get("message", "") in error["message"]


def test_models_are_listed() -> None:
    emulator = Emulator(models=["a", "b"])
    listed = emulator.answer(Asked("GET", "/v1beta/models", KEY))
    assert [model["name"] for model in json.loads(listed.body)["models"]] == ["models/a", "models/b"]
    assert json.loads(emulator.answer(Asked("GET", "/v1beta/models/a", KEY)).body)["name"] == "models/a"
    assert emulator.answer(Asked("GET", "/v1beta/models/c", KEY)).status == 404


def test_without_sse_a_stream_is_one_list() -> None:
    asked = Asked("POST", f"/v1beta/models/{MODEL}:streamGenerateContent", KEY, json.dumps(GOOD).encode())
    chunks = json.loads(Emulator().answer(asked).body)
    assert [chunk["candidates"][0].get("finishReason") for chunk in chunks][-2:] == [None, "STOP"]


def accepted() -> list[Recording]:
    chats = [each for each in recordings("gemini") if "enerateContent" in each.path and each.status == 200]
    return [each for each in chats if isinstance(each.sent, dict)]


@needs_recordings
@pytest.mark.parametrize("recording", accepted(), ids=lambda each: each.name)
def test_a_recorded_request_is_accepted(recording: Recording) -> None:
    reply = Emulator().answer(Asked("POST", recording.path, KEY, json.dumps(recording.sent).encode()))
    assert reply.status == 200, reply.body


ADD = Tool("add", "adds", {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]})
MODELS = [MODEL, "gemini-3-flash-preview", "gemini-2.5-flash", "gemini-2.5-pro", "gemini-2.0-flash", "gemma-3-27b-it"]
CONVERSATIONS = {
    "plain": ChatRequest((system("be brief"), user("a"), assistant("b"), user("c"))),
    "settings": ChatRequest((user("a"),), settings=Settings(0.5, 0.9, 50, ("x",), 1)),
    "JSON": ChatRequest((user("a"),), response_format=JsonFormat({"type": "object", "additionalProperties": False})),
    "JSON and tools": ChatRequest((user("a"),), tools=(ADD,), response_format=JsonFormat({"type": "object"})),
    "a named tool": ChatRequest((user("a"),), tools=(ADD,), tool_choice=NamedTool("add")),
    "a call from elsewhere": ChatRequest(
        (user("a"), assistant(ToolCall("c", "add", '{"a":1}')), tool_result("c", "4", is_error=True)), tools=(ADD,)
    ),
}


def ask(
    emulator: Emulator, request: ChatRequest, model: str = MODEL, *, stream: bool = False
) -> tuple[Reply, Outcome | None]:
    """The reply to what our codec sends, and what it makes of a streamed one."""
    row = PROVIDERS["gemini"]
    target = Target("http://x.invalid/v1beta", model, row.auth_headers("k"), {}, row.quirks_for(None, model))
    sent = encode_fitted(Gemini(), request, target, stream=stream)
    reply = emulator.answer(Asked("POST", sent.url.removeprefix("http://x.invalid"), sent.headers, sent.body))
    outcome = decode_stream(Gemini(), reply.headers, [step for step in reply.steps if isinstance(step, bytes)])
    return reply, outcome if stream else None


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", CONVERSATIONS)
def test_each_generation_accepts_what_it_is_sent(model: str, name: str) -> None:
    whole, _ = ask(Emulator(), CONVERSATIONS[name], model)
    assert whole.status == 200, whole.body
    answer = Gemini().decode(whole.headers, whole.body)
    _, streamed = ask(Emulator(), CONVERSATIONS[name], model, stream=True)
    assert streamed is not None
    assert streamed.response == answer
    if name.startswith("JSON") and model != "gemma-3-27b-it":
        assert answer.text or answer.tool_calls


def test_a_tool_loop_carries_signatures_back() -> None:
    emulator = Emulator(
        {MODEL: [Say("well", reasoning="hm", calls=(Call("add", {"a": 1}), Call("add", {"a": 2}))), "ok"]}
    )
    first, _ = ask(emulator, ChatRequest((user("a"),), tools=(ADD,)))
    answer = Gemini().decode(first.headers, first.body)
    results = [tool_result(call.id, "3") for call in answer.tool_calls]
    second, _ = ask(emulator, ChatRequest((user("a"), answer.message, *results), tools=(ADD,)))
    assert second.status == 200, second.body
    sent: Any = emulator.log[1].body
    calls = [part for part in sent["contents"][1]["parts"] if "functionCall" in part]
    assert [part.get("thoughtSignature", "")[:4] for part in calls] == ["YSB0", ""]


FAULTS = {
    "rate_limit": ("rate_limit", 3.0),
    "rate_limit_without_retry_after": ("rate_limit", None),
    "quota_exhausted": ("quota_exhausted", None),
    "unavailable": ("unavailable", None),
    "overloaded": ("overloaded", None),
    "authentication": ("authentication", None),
    "permission": ("permission", None),
    "not_found": ("not_found", None),
    "context_length": ("context_length", None),
    "bad_request": ("bad_request", None),
    "504": ("timeout", None),
    "html_error": ("unavailable", None),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_told_as_google_tells_it(fault: str) -> None:
    reply, _ = ask(Emulator({"*": Fault(fault, retry_after_s=3)}), CONVERSATIONS["plain"])
    assert reply.status is not None
    failure = Gemini().decode_error(reply.status, reply.headers, reply.body)
    assert (failure.kind, failure.retry_after_s) == FAULTS[fault]
    assert "retry-after" not in reply.headers


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("content_filter", "content_filter"),
        ("error_body", "unavailable"),
        ("error_in_stream", "unavailable"),
        ("ends_early", "truncated"),
        ("cut", "truncated"),
        ("malformed", "malformed"),
    ],
)
def test_a_spoilt_stream_is_a_failure(fault: str, kind: str) -> None:
    _, outcome = ask(Emulator({"*": fault}), CONVERSATIONS["plain"], stream=True)
    assert outcome is not None
    assert outcome.failure is not None
    assert outcome.failure.kind == kind


def test_a_router_asks_the_emulated_gemini_as_it_would_the_real_one() -> None:
    spec = "version: 1\nrules:\n  - use: [gemini:gemini-3-flash-preview]\n"
    with (
        emulated_providers({"*": Say("Hello", reasoning="hm")}, variables={}) as providers,
        providers.router(spec) as router,
    ):
        assert router.chat("hi").text == "Hello"
        with router.stream("hi") as stream:
            seen = [type(event).__name__ for event in stream]
        assert list(dict.fromkeys(seen)) == ["Started", "ReasoningDelta", "UsageReport", "TextDelta", "Finished"]
        (first, second) = providers.log
    assert first.path == "/gemini%3Agemini-3-flash-preview/gemini/v1beta/models/gemini-3-flash-preview:generateContent"
    assert second.path.endswith(":streamGenerateContent?alt=sse")
    assert first.key


def test_googles_own_library_reads_it() -> None:
    emulator = Emulator(
        {
            "*": [
                Say("Hello there", reasoning="hm"),
                Say("Hello there"),
                Say(calls=(Call("add", {"a": 1}),)),
                "rate_limit",
            ]
        }
    )
    with serve(emulator) as url:
        options: Any = {"base_url": url, "retry_options": {"attempts": 1}}
        client: Any = genai.Client(api_key="k", http_options=options)
        models = client.models
        answer = models.generate_content(model=MODEL, contents="hi")
        assert answer.text == "Hello there"
        assert answer.candidates[0].finish_reason == "STOP"
        assert answer.usage_metadata.total_token_count > 0
        assert (
            "".join(chunk.text or "" for chunk in models.generate_content_stream(model=MODEL, contents="hi"))
            == "Hello there"
        )
        called = models.generate_content(
            model=MODEL, contents="hi", config={"tools": [{"function_declarations": [{"name": "add"}]}]}
        )
        assert called.function_calls[0].args == {"a": 1}
        with pytest.raises(genai.errors.ClientError) as raised:
            models.generate_content(model=MODEL, contents="hi")
        assert (raised.value.code, raised.value.status) == (429, "RESOURCE_EXHAUSTED")
        client.close()
