"""Messages between LlamaIndex and the router, both ways, as pairs."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from llama_index.core.base.llms.types import (
    AudioBlock,
    CacheControl,
    CachePoint,
    ChatMessage,
    CitableBlock,
    DocumentBlock,
    ImageBlock,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    VideoBlock,
)
from llama_index.llms.llm_router.convert import from_parts, to_message

from llm_router.errors import RequestError
from llm_router.messages import (
    Media,
    Message,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    assistant,
    system,
    user,
)

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
CALL = ToolCallBlock(tool_call_id="c1", tool_name="add", tool_kwargs={"a": 1})
LEGACY = {"tool_calls": [{"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}]}

SENT: list[tuple[str, ChatMessage, Message]] = [
    ("a system message", ChatMessage("be brief", role="system"), system("be brief")),
    ("a developer's message", ChatMessage("be brief", role="developer"), system("be brief")),
    ("a user's message", ChatMessage("hi"), user("hi")),
    ("a model's message", ChatMessage("yes", role="model"), assistant("yes")),
    (
        "an image by address",
        ChatMessage([ImageBlock(url="https://x.example/y.png", detail="low")]),
        user(Media("image", url="https://x.example/y.png", media_type="image/png", detail="low")),
    ),
    (
        "an image's bytes",
        ChatMessage([TextBlock(text="what?"), ImageBlock(image=PNG)]),
        user("what?", Media("image", data=PNG, media_type="image/png")),
    ),
    (
        "an image in a data address",
        ChatMessage([ImageBlock(url="data:image/png;base64," + base64.b64encode(PNG).decode())]),
        user(Media("image", data=PNG, media_type="image/png")),
    ),
    (
        "a sound's bytes",
        ChatMessage([AudioBlock(audio=b"sound", format="wav")]),
        user(Media("audio", data=b"sound", media_type="audio/wav")),
    ),
    (
        "a document's bytes",
        ChatMessage([DocumentBlock(data=b"%PDF-1.7 page", title="a.pdf", document_mimetype="application/pdf")]),
        user(Media("file", data=b"%PDF-1.7 page", media_type="application/pdf", name="a.pdf")),
    ),
    (
        "a citable page",
        ChatMessage([CitableBlock(title="t", source="s", content=[TextBlock(text="page")])]),
        user("page"),
    ),
    (
        "a mark for the cache",
        ChatMessage([TextBlock(text="hi"), CachePoint(cache_control=CacheControl(type="ephemeral", ttl="1h"))]),
        user(Text("hi", cache="1h")),
    ),
    (
        "thoughts, text and a call",
        ChatMessage(
            [ThinkingBlock(content="hm", additional_information={"signature": "s"}), TextBlock(text="so"), CALL],
            role="assistant",
        ),
        assistant(Reasoning("hm", "s"), "so", ToolCall("c1", "add", '{"a": 1}')),
    ),
    (
        "a call that older code keeps beside the blocks",
        ChatMessage("so", role="assistant", additional_kwargs=LEGACY),
        assistant("so", ToolCall("c1", "add", '{"a": 1}')),
    ),
    (
        "a call in both places",
        ChatMessage([CALL], role="assistant", additional_kwargs=LEGACY),
        assistant(ToolCall("c1", "add", '{"a": 1}')),
    ),
    (
        "a tool's answer",
        ChatMessage("3", role="tool", additional_kwargs={"tool_call_id": "c1", "name": "add"}),
        Message("tool", (ToolResult("c1", (Text("3"),), name="add"),)),
    ),
]


@pytest.mark.parametrize(("given", "expected"), [case[1:] for case in SENT], ids=[case[0] for case in SENT])
def test_a_message_is_sent_as_what_it_says(given: ChatMessage, expected: Message) -> None:
    assert to_message(given) == expected


def test_an_image_in_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "dot.png"
    path.write_bytes(PNG)
    sent = to_message(ChatMessage([ImageBlock(path=path)]))
    assert sent.parts == (Media("image", data=PNG, media_type="image/png"),)


def test_what_cannot_be_sent_is_refused_in_words() -> None:
    with pytest.raises(RequestError, match="`video` block"):
        to_message(ChatMessage([VideoBlock(url="https://x.example/y.mp4")]))


ROUND: list[tuple[str, tuple[Part, ...]]] = [
    ("text", (Text("hello"),)),
    ("nothing", (Text(""),)),
    ("calls", (ToolCall("c1", "add", '{"a": 1}'), ToolCall("c2", "add", '{"a": 2}'))),
    ("an unfinished call", (ToolCall("c1", "add", '{"a'),)),
    ("thoughts and text", (Reasoning("hm", "s"), Text("so"))),
]


@pytest.mark.parametrize("parts", [case[1] for case in ROUND], ids=[case[0] for case in ROUND])
def test_an_answer_survives_the_way_there_and_back(parts: tuple[Part, ...]) -> None:
    shown = from_parts(parts)
    assert shown.role == MessageRole.ASSISTANT
    assert to_message(shown).parts == tuple(part for part in parts if part != Text(""))


def test_the_text_of_an_answer_is_one_block() -> None:
    assert from_parts([Text("a"), Reasoning("hm"), Text("b")]).content == "ab"


def test_a_refusal_is_kept_beside_the_text() -> None:
    assert from_parts([Refusal("no")]).additional_kwargs["refusal"] == "no"
