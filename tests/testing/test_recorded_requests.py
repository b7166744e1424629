"""What real providers accepted, their emulated selves accept; where the emulator is stricter on purpose, it is said."""

from __future__ import annotations

import json

import pytest

from llm_router.testing import Asked, Emulator
from tests.recordings import Recording, needs_recordings, recordings

KINDS = {
    "openai": "openai",
    "azure_openai": "azure",
    "groq": "groq",
    "mistral": "mistral",
    "deepseek": "deepseek",
    "openrouter": "openrouter",
    "litellm_proxy": "litellm",
    "together": "together",
    "perplexity": "perplexity",
    "huggingface": "huggingface",
    "ollama": "ollama",
}
STRICTER = (
    "message with role tool answers no tool call",  # ollama forgets nothing, because it checks nothing
    'json: unknown field \\"',  # ollama ignores what it doesn't know: a setting that does nothing
    "Missing required parameter: 'tools[0].function'",  # openrouter's own server tools
    "Invalid 'tools': too short",  # huggingface takes an empty list
    "Missing required parameter: 'tools[0].type'",  # mistral
    "Unrecognized request argument supplied: messages[0].tool_calls",  # together takes anything in a user's message
    "Unrecognized request argument supplied: messages[0].content[0].image_url",
    "Unrecognized request argument supplied: provider",
    "Invalid type for 'messages[0].content[1].image_url'",  # openai in 2023
)


def accepted() -> list[Recording]:
    chats = (each for each in recordings(*KINDS) if each.path.endswith(("/chat/completions", "/api/chat")))
    return [each for each in chats if each.status == 200 and isinstance(each.sent, dict)]


@needs_recordings
@pytest.mark.parametrize("recording", accepted(), ids=lambda each: each.name)
def test_a_recorded_request_is_accepted(recording: Recording) -> None:
    kind = KINDS[recording.provider]
    path = "/it/api/chat" if kind == "ollama" else f"/it/{kind}/v1/chat/completions"
    body = json.dumps({"model": "in the address", **recording.sent}).encode()
    reply = Emulator().answer(Asked("POST", path, {"authorization": "Bearer k"}, body))
    told = reply.body.decode()
    assert reply.status == 200 or any(words in told for words in STRICTER), told


@needs_recordings
def test_the_exceptions_are_few() -> None:
    assert len(accepted()) > 500
