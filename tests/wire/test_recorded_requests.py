"""The same conversations, encoded by us, say what real clients sent and providers accepted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llm_router.catalog.providers import PROVIDERS
from llm_router.wire.codec import Target
from llm_router.wire.dialects import CODECS
from llm_router.wire.history import BRIDGE
from tests.recordings import Recording, needs_recordings, recordings
from tests.wire.conversations import recorded_request
from tests.wire.fitting import encode_fitted
from tests.wire.test_recordings import COMPATIBLE
from tests.wire.test_vendor_types import check_against_vendor

pytestmark = needs_recordings

_KINDS = {"azure_openai": "openai", "litellm_proxy": "litellm"}
_ROLES = {"system", "user", "assistant", "tool"}


def _is_plain(recording: Recording) -> bool:
    """Whether a request has nothing but what the neutral form can say (older functions and roles, for instance)."""
    sent = recording.sent
    if recording.status >= 400 or not isinstance(sent, dict) or not sent.get("messages"):
        return False
    messages = sent["messages"]
    if not isinstance(messages, list) or {message["role"] for message in messages} - _ROLES:
        return False
    if any(tool.get("type") != "function" for tool in sent.get("tools") or ()):
        return False
    text = json.dumps(sent)
    return not any(word in text for word in ('"function_call"', '"cache_control"', '"reasoning_details"'))


REQUESTS = [recording for recording in recordings(*COMPATIBLE) if _is_plain(recording)]

BEYOND = {"azure_openai/tool_result-01-kimi-k2-5"}
"""Requests that a model of somebody else's accepted on Azure, and OpenAI's own API doesn't know."""
TYPED = [each for each in REQUESTS if each.provider in ("openai", "azure_openai") and each.name not in BEYOND]
"""Those whose vendor publishes types."""


def encoded(recording: Recording) -> dict[str, Any]:
    """The body that we send for a recorded request."""
    sent = recording.sent
    kind = _KINDS.get(recording.provider, recording.provider)
    quirks = {**PROVIDERS[kind].quirks, "tool_results": "parts"}
    target = Target("https://example.test/v1", sent.get("model") or "m", quirks=quirks)
    if "seed" in sent and target.quirks.get("seed_name") == "none":
        sent = {key: value for key, value in sent.items() if key != "seed"}
    request = encode_fitted(CODECS["openai"], recorded_request(sent), target, stream=bool(sent.get("stream")))
    body: dict[str, Any] = json.loads(request.body)
    return body


@pytest.mark.parametrize("recording", REQUESTS, ids=[recording.name for recording in REQUESTS])
def test_our_request_says_what_was_accepted(recording: Recording) -> None:
    ours, theirs = encoded(recording), recording.sent
    said = [message for message in ours["messages"] if message["content"] != BRIDGE]  # some of mistral's models need it
    assert [_normal(message) for message in said] == [_normal(message) for message in theirs["messages"]]
    assert _normal_rest(ours) == _normal_rest(theirs)


@pytest.mark.parametrize("recording", TYPED, ids=[recording.name for recording in TYPED])
def test_our_request_is_what_the_vendors_types_allow(recording: Recording) -> None:
    check_against_vendor(encoded(recording))


def _normal(message: dict[str, Any]) -> dict[str, Any]:
    """A message without what means nothing: nulls, empty lists, positions, one text as a list."""
    said = {key: value for key, value in message.items() if value not in (None, [], "")}
    for key in ("reasoning_content", "reasoning", "prefix", "annotations"):
        said.pop(key, None)
    if said.get("role") == "tool":
        said.pop("name", None)
        said.pop("tool_call_id", None)
    if isinstance(said.get("content"), list):
        parts = [_normal_part(part) for part in said["content"] if part["type"] != "thinking"]
        said["content"] = parts[0]["text"] if len(parts) == 1 and parts[0]["type"] == "text" else parts
    if "tool_calls" in said:
        said["tool_calls"] = [call["function"] for call in said["tool_calls"]]
    return said


def _normal_part(part: dict[str, Any]) -> dict[str, Any]:
    if part["type"] == "image_url" and isinstance(part["image_url"], str):
        return {**part, "image_url": {"url": part["image_url"]}}
    if part["type"] == "file":
        return {"type": "file", "file": part["file"]["file_data"]}
    if part["type"] == "input_audio" and isinstance(part["input_audio"], str):
        return {"type": "input_audio", "input_audio": {"data": part["input_audio"], "format": "wav"}}
    return {key: value for key, value in part.items() if value is not None}


def _normal_rest(body: dict[str, Any]) -> dict[str, Any]:
    """The rest of a body, without names of one's own choice and what differs on purpose."""
    rest = {key: value for key, value in body.items() if value not in (None, [], False)}
    for key in ("messages", "stream_options", "model", "seed"):
        rest.pop(key, None)
    tokens = rest.pop("max_tokens", None) or rest.pop("max_completion_tokens", None)
    if isinstance(rest.get("reasoning"), dict):
        rest["reasoning_effort"] = rest.pop("reasoning").get("effort")
    if isinstance(rest.get("stop"), str):
        rest["stop"] = [rest["stop"]]
    rest["tools"] = [_normal_tool(tool) for tool in rest.get("tools") or ()]
    if not rest["tools"]:
        rest.pop("tool_choice", None)
        rest.pop("parallel_tool_calls", None)
    return {**rest, "tokens": tokens}


def _normal_tool(tool: dict[str, Any]) -> dict[str, Any]:
    function = {key: value for key, value in tool["function"].items() if value not in (None, "", False)}
    return {key: function[key] for key in ("name", "description", "parameters") if key in function}
