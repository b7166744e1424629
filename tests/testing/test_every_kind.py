"""Whatever a codec sends to a kind of provider, its strict emulated self accepts; what comes back, the codec reads."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from llm_router.catalog.providers import PROVIDERS
from llm_router.messages import (
    Assembly,
    ChatRequest,
    ChatResponse,
    JsonFormat,
    Media,
    NamedTool,
    Reasoning,
    Settings,
    Tool,
    ToolCall,
    assistant,
    system,
    tool_result,
    user,
)
from llm_router.policy.binding import EMULATED_PATHS
from llm_router.testing import Asked, Emulator, Reply
from llm_router.wire.codec import HttpRequest, Target, Unsupported
from llm_router.wire.course import Coursed, Give, Play, Rest, Told
from llm_router.wire.dialects import CODECS
from tests.wire.fitting import encode_fitted

ADD = Tool(
    "add",
    "adds numbers",
    {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": False},
)
PERSON = JsonFormat(
    {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"], "additionalProperties": False}
)
PNG = b"\x89PNG\r\n\x1a\n0000"
CONVERSATIONS = {
    "a question": ChatRequest((user("hello"),)),
    "a system message": ChatRequest((system("be brief"), user("hello"))),
    "several turns": ChatRequest((user("a"), assistant("b"), user("c"))),
    "all settings": ChatRequest(
        (user("a"),), settings=Settings(temperature=0.5, top_p=0.9, max_output_tokens=50, stop=("x",), seed=1)
    ),
    "no randomness": ChatRequest((user("a"),), settings=Settings(temperature=0.5, max_output_tokens=50)),
    "reasoning": ChatRequest((user("a"),), settings=Settings(reasoning="low", max_output_tokens=50)),
    "a required tool": ChatRequest((user("a"),), tools=(ADD,), tool_choice="required"),
    "a named tool": ChatRequest((user("a"),), tools=(ADD,), tool_choice=NamedTool("add"), parallel_tool_calls=False),
    "a strict tool": ChatRequest((user("a"),), tools=(dataclasses.replace(ADD, strict=True),), tool_choice="auto"),
    "a tool's result": ChatRequest(
        (user("a"), assistant(ToolCall("call_1", "add", '{"a":1}')), tool_result("call_1", "4")), tools=(ADD,)
    ),
    "a schema": ChatRequest((user("a"),), response_format=PERSON),
    "a strict schema": ChatRequest((user("a"),), response_format=dataclasses.replace(PERSON, strict=True)),
    "JSON of any kind": ChatRequest((user("give me json"),), response_format=JsonFormat()),
    "an image": ChatRequest((user("see", Media("image", data=PNG, media_type="image/png")),)),
    "a file": ChatRequest((user("see", Media("file", data=b"%PDF-1.4", media_type="application/pdf", name="a.pdf")),)),
    "a sound": ChatRequest((user("hear", Media("audio", data=b"RIFF", media_type="audio/wav")),)),
    "old thoughts": ChatRequest((user("a"), assistant(Reasoning("hm"), "b"), user("c"))),
}


@pytest.mark.parametrize("kind", PROVIDERS)
@pytest.mark.parametrize("name", CONVERSATIONS)
@pytest.mark.parametrize("stream", [False, True])
def test_what_is_sent_is_accepted_and_what_comes_is_read(kind: str, name: str, *, stream: bool) -> None:
    try:
        http = encoded(kind, CONVERSATIONS[name], stream=stream)
    except Unsupported:  # said before anything is sent
        return
    response = exchanged(kind, http, stream=stream)
    assert response.usage.input
    assert response.message.parts
    assert response.finish_reason == ("tool_calls" if response.tool_calls else "stop")
    if name in ("a required tool", "a named tool"):
        assert [call.name for call in response.tool_calls] == ["add"]


def encoded(kind: str, request: ChatRequest, *, stream: bool) -> HttpRequest:
    row = PROVIDERS[kind]
    place = EMULATED_PATHS.get(row.dialect, "/{kind}").format(kind=kind)
    model = "of/m" if kind == "replicate" else "m"
    target = Target(f"http://emulator.invalid/it{place}", model, row.auth_headers("k"), {}, row.quirks_for(None))
    return encode_fitted(CODECS[row.dialect], request, target, stream=stream)


def exchanged(kind: str, http: HttpRequest, *, stream: bool) -> ChatResponse:
    codec = CODECS[PROVIDERS[kind].dialect]
    reply = answered(http)
    assert reply.status in (200, 201), reply.body
    if isinstance(codec, Coursed):
        reply = replace(reply, steps=tuple(played(codec, http, reply, stream=stream)))
    if not stream:
        return codec.decode(reply.headers, reply.body)
    decoder, assembly = codec.decoder(reply.headers), Assembly()
    pieces = [step for step in reply.steps if isinstance(step, bytes)]
    events = [event for piece in pieces for event in decoder.feed(piece)]
    for event in (*events, *decoder.close()):
        assembly.add(event)
    return assembly.response()


def answered(http: HttpRequest) -> Reply:
    """What the emulator says."""
    headers = {"host": "emulator.invalid", **{name.lower(): value for name, value in http.headers.items()}}
    place = urlsplit(http.url)
    return Emulator().answer(Asked(http.method, f"{place.path}?{place.query}", headers, http.body))


def played(codec: Coursed, http: HttpRequest, reply: Reply, *, stream: bool) -> Iterator[bytes]:
    """The bytes of an answer that takes several exchanges."""
    steps = codec.course(http, Told(201, {}, reply.body), stream=stream).steps()
    due: Told | None = None
    while True:
        try:
            step = steps.send(due)
        except StopIteration:
            return
        due = None
        if isinstance(step, Give):
            yield step.body
        elif not isinstance(step, Rest):
            said = answered(step.request)
            yield from [said.body] if isinstance(step, Play) else []
            due = Told(said.status or 0, {}, said.body)
