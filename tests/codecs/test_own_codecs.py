"""Our own codecs hold to what the kit asks of a stranger's; their replies are the emulator's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from llm_router.catalog.providers import PROVIDERS
from llm_router.messages import ChatRequest, user
from llm_router.testing import Asked, Call, Emulator, Recorded, RecordedError, Say, VirtualClock, check_codec
from llm_router.testing.codec_requests import TOOLS
from llm_router.wire.codec import Codec, Failure, Target
from llm_router.wire.dialects import CODECS

ADDRESSES = {"openai": "/x/openai/v1", "responses": "/x/openai/v1", "gemini": "/x/gemini/v1beta", "ollama": "/x"}
KEYS = {"authorization": "Bearer k", "x-api-key": "k", "x-goog-api-key": "k"}
SAID = Say("Grüß Gott, wie geht's?")
CALLED = Say("I look.", calls=(Call("kit_weather", {"kit_place": "Rom ☀"}, "call_0001"),))
SINGLE = [name for name in CODECS if name != "replicate"]
"""Replicate's answers take several exchanges: what its codec reads is what its course gives."""


def target(dialect: str) -> Target:
    base_url = f"https://emulator.test{ADDRESSES.get(dialect, f'/x/{dialect}')}"
    kind = {"responses": "openai"}.get(dialect, dialect)
    return Target(base_url, "kit-model", quirks=PROVIDERS[kind].quirks, max_output=4096)


def reply(dialect: str, request: ChatRequest, said: Any, *, stream: bool) -> Any:
    """The emulator's reply to what the codec sends."""
    sent = CODECS[dialect].encode(request, target(dialect), stream=stream)
    parts = urlsplit(sent.url)
    asked = Asked(
        sent.method,
        f"{parts.path}?{parts.query}",
        {**KEYS, **sent.headers},
        sent.body,
    )
    return Emulator({"*": said}, clock=VirtualClock()).answer(asked)


def recorded(dialect: str, name: str, request: ChatRequest, said: Any) -> Recorded:
    whole = reply(dialect, request, said, stream=False)
    stream = reply(dialect, request, said, stream=True)
    gives = CODECS[dialect].decode(whole.headers, whole.body)
    assert gives.text == said.text
    return Recorded(name, gives, whole.body, stream.body, whole.headers)


def check(dialect: str, codec: Codec) -> tuple[str, ...]:
    greeting = recorded(dialect, "a greeting", ChatRequest((user("Hi"),)), SAID)
    call = recorded(dialect, "a call", TOOLS, CALLED)
    limited = reply(dialect, ChatRequest((user("Hi"),)), "rate_limit", stream=False)
    failure = codec.decode_error(limited.status, limited.headers, limited.body)
    assert failure.kind == "rate_limit"
    error = RecordedError("a limit", limited.status, limited.body, failure, limited.headers)
    return check_codec(codec, recorded=[greeting, call], errors=[error], target=target(dialect))


PREDICTION = (
    '{"id": "p1", "model": "o/m", "status": "succeeded", "output": ["Grüß ", "Gott!"], '
    '"metrics": {"input_token_count": 3, "output_token_count": 4}}'
)
STREAMED = (
    'event: created\ndata: {"id": "p1", "model": "o/m", "status": "starting"}\n\n'
    "event: output\nid: 1\ndata: Grüß \n\nevent: output\nid: 2\ndata: Gott!\n\n"
    f"event: done\ndata: {{}}\n\nevent: prediction\ndata: {PREDICTION}\n\n"
)


def test_the_codec_of_several_exchanges() -> None:
    codec = CODECS["replicate"]
    gives = codec.decode({}, PREDICTION.encode())
    assert gives.text == "Grüß Gott!"
    failure = Failure("authentication", "No key.", 401)
    assert not check_codec(
        codec,
        recorded=[Recorded("a greeting", gives, PREDICTION.encode(), STREAMED.encode())],
        errors=[RecordedError("no key", 401, b'{"detail": "No key."}', failure)],
        target=replace(target("replicate"), model="meta/meta-llama-3-70b-instruct"),
    )


@pytest.mark.parametrize("dialect", SINGLE)
def test_a_codec_of_ours(dialect: str) -> None:
    assert not check(dialect, CODECS[dialect])
