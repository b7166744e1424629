"""Recorded exchanges with Cohere decode to what was judged right for each of them (`cohere_golden.json`)."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from llm_router.catalog.providers import PROVIDERS
from llm_router.messages import (
    ChatRequest,
    ChatResponse,
    JsonFormat,
    Media,
    Message,
    Reasoning,
    Settings,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)
from llm_router.testing import Asked, Emulator
from llm_router.wire.codec import Target
from llm_router.wire.cohere import Cohere
from tests.recordings import Recording, needs_recordings, recordings
from tests.wire.fitting import encode_fitted
from tests.wire.judging import Labels, answered, check_breaks, check_cuts, each, failed, unshown
from tests.wire.reading_streams import decode_stream

pytestmark = needs_recordings

CODEC = Cohere()
GOLDEN: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("cohere_golden.json").read_bytes())


CHATS = [each for each in recordings("cohere") if each.path.endswith("/v2/chat") or each.status >= 400]
ANSWERS = [each for each in CHATS if each.status < 400]
STREAMS = [each for each in ANSWERS if each.is_stream]
GOOD = [each for each in ANSWERS if "failure" not in GOLDEN.get(each.name, {})]
SENT = [each for each in ANSWERS if isinstance(each.sent, dict)]


def response_of(recording: Recording) -> ChatResponse:
    """What a recorded answer decodes to."""
    if recording not in STREAMS:
        return CODEC.decode(recording.headers, recording.body)
    return decode_stream(CODEC, recording.headers, [recording.body]).response


def observed(recording: Recording) -> dict[str, Any]:
    """What the codec makes of a recording, in short."""
    if recording.status >= 400:
        return failed(CODEC.decode_error(recording.status, recording.headers, recording.body))
    if recording in STREAMS and (failure := decode_stream(CODEC, recording.headers, [recording.body]).failure):
        return failed(failure)
    response = response_of(recording)
    citations = response.extra.get("citations")
    return {
        **answered(response),
        "citations": len(citations) if isinstance(citations, list) else 0,
    }


@each(CHATS)
def test_a_recording_decodes_as_judged(recording: Recording) -> None:
    assert observed(recording) == GOLDEN[recording.name]


def test_every_judgement_is_of_a_recording() -> None:
    assert sorted(GOLDEN) == sorted(recording.name for recording in CHATS)


@each(STREAMS)
def test_a_stream_gives_the_same_however_it_is_cut(recording: Recording) -> None:
    check_cuts(CODEC, recording)


@each(STREAMS)
def test_a_stream_that_is_cut_short_is_never_a_whole_answer(recording: Recording) -> None:
    check_breaks(CODEC, recording)


@each(GOOD)
def test_an_answer_is_what_a_plain_reader_finds(recording: Recording) -> None:
    response, plain = response_of(recording), _plain(recording.body)
    assert response.text == plain["text"]
    assert "".join(part.text for part in response.message.parts if isinstance(part, Reasoning)) == plain["thoughts"]
    assert [(call.id, call.name, json.loads(call.arguments)) for call in response.tool_calls] == plain["calls"]
    assert response.extra.get("citations", []) == plain["citations"]
    assert response.extra["usage"] == plain["usage"]


def _plain(body: bytes) -> dict[str, Any]:
    """The plainest reading that could be right."""
    text = body.decode()
    lines = [line[6:] for line in text.splitlines() if line.startswith("data: {")]
    if not lines:
        return _plain_whole(json.loads(text))
    events = [json.loads(line) for line in lines]
    found: dict[str, Any] = {"text": "", "thoughts": "", "citations": []}
    calls: list[list[str]] = []
    for event in events:
        message = event.get("delta", {}).get("message", {})
        if event["type"] in ("content-start", "content-delta"):
            found["text"] += message["content"].get("text", "")
            found["thoughts"] += message["content"].get("thinking", "")
        elif event["type"] == "tool-plan-delta":
            found["thoughts"] += message["tool_plan"]
        elif event["type"] == "citation-start":
            found["citations"].append(message["citations"])
        elif event["type"] == "tool-call-start":
            calls.append([message["tool_calls"]["id"], message["tool_calls"]["function"]["name"], ""])
        elif event["type"] == "tool-call-delta":
            calls[event["index"]][2] += message["tool_calls"]["function"]["arguments"]
    named = [(call_id, name, json.loads(arguments or "{}")) for call_id, name, arguments in calls]
    return {**found, "calls": named, "usage": events[-1]["delta"]["usage"]}


def _plain_whole(body: dict[str, Any]) -> dict[str, Any]:
    message = body["message"]
    parts = message.get("content", [])
    calls = [(call["id"], call["function"]) for call in message.get("tool_calls", [])]
    return {
        "text": "".join(part.get("text", "") for part in parts),
        "thoughts": message.get("tool_plan", "") + "".join(part.get("thinking", "") for part in parts),
        "calls": [(call_id, function["name"], json.loads(function["arguments"])) for call_id, function in calls],
        "citations": message.get("citations", []),
        "usage": body["usage"],
    }


LABELS: Labels = {
    "tool_call": lambda judged: "call" in judged["parts"],
    "finish_length": lambda judged: judged["finish"] == "length",
    "citations": lambda judged: judged["citations"] > 0,
    "reasoning": lambda judged: "reasoning" in judged["parts"] or "reasoning" in judged["usage"],
}


@each(GOOD)
def test_an_answer_has_what_its_labels_say(recording: Recording) -> None:
    assert unshown(recording, GOLDEN[recording.name], LABELS) == []


@each(SENT)
def test_what_was_accepted_is_accepted(recording: Recording) -> None:
    asked = Asked("POST", "/it/cohere/v2/chat", {"authorization": "Bearer k"}, json.dumps(recording.sent).encode())
    reply = Emulator().answer(asked)
    assert reply.status == 200, reply.body


@each(SENT)
def test_our_request_says_what_was_accepted(recording: Recording) -> None:
    sent = recording.sent
    quirks = PROVIDERS["cohere"].quirks_for(None, sent["model"])
    if sent.get("tool_choice") and not sent.get("tools"):
        sent = {key: value for key, value in sent.items() if key != "tool_choice"}  # a choice of nothing
    http = encode_fitted(
        CODEC, _request(sent), Target("https://x.test", sent["model"], quirks=quirks), stream=sent.get("stream", False)
    )
    assert _normal(json.loads(http.body)) == _normal(sent)


def _request(sent: dict[str, Any]) -> ChatRequest:
    """The request that a recorded body makes."""
    form = sent.get("response_format") or {}
    choice = {"REQUIRED": "required", "NONE": "none", None: None}[sent.get("tool_choice")]
    request = ChatRequest(
        tuple(_message(message) for message in sent["messages"]),
        tuple(_tool(tool["function"], sent.get("strict_tools")) for tool in sent.get("tools", ())),
        response_format=JsonFormat(form.get("json_schema") or form.get("schema")) if form else None,
        settings=Settings(
            temperature=sent.get("temperature"),
            max_output_tokens=sent.get("max_tokens"),
            stop=tuple(sent["stop_sequences"]) if "stop_sequences" in sent else None,
            extra={"documents": sent["documents"]} if sent.get("documents") else {},
        ),
    )
    return replace(request, tool_choice=choice)  # type: ignore[arg-type]  # of the table just above


def _tool(function: dict[str, Any], strict: bool | None) -> Tool:
    return Tool(function["name"], function["description"], function["parameters"], strict)


def _message(said: dict[str, Any]) -> Message:
    content = said.get("content")
    parts: list[Any] = [Text(content)] if isinstance(content, str) else [_part(part) for part in content or ()]
    if said["role"] == "tool":
        return Message("tool", (ToolResult(said["tool_call_id"], tuple(parts)),))
    plan = [Reasoning(said["tool_plan"])] if said.get("tool_plan") else []
    calls = [ToolCall(one["id"], **one["function"]) for one in said.get("tool_calls", ())]
    return Message(said["role"], (*plan, *parts, *calls))


def _part(part: dict[str, Any]) -> Any:
    if part["type"] == "text":
        return Text(part["text"])
    if part["type"] == "image_url":
        return Media("image", part["image_url"]["url"], detail=part["image_url"].get("detail"))
    document = part["document"]
    data = json.dumps(document["data"]).encode()
    return Media("file", data=data, media_type="application/json", name=document.get("id"))


def _normal(body: dict[str, Any]) -> dict[str, Any]:
    """A body without what means nothing: nulls, empty lists and texts, one text as a list, an older name."""
    rest = {key: value for key, value in body.items() if value not in (None, [], False)}
    rest["messages"] = [_normal_message(message) for message in body["messages"]]
    form = rest.get("response_format", {})
    if "schema" in form:
        rest["response_format"] = {"type": form["type"], "json_schema": form["schema"]}
    if form.get("type") == "json_object" and set(form) == {"type"}:
        rest["messages"] = rest["messages"][-1:]  # where nobody spoke of JSON, we do
    return rest


def _normal_message(message: dict[str, Any]) -> dict[str, Any]:
    said = {key: value for key, value in message.items() if value not in (None, [], "")}
    content = said.get("content")
    if isinstance(content, list):
        parts = [part for part in content if part.get("text") != ""]
        said["content"] = parts[0]["text"] if len(parts) == 1 and parts[0]["type"] == "text" else parts
    return {key: value for key, value in said.items() if value not in ([], "")}
