"""Messages between LangChain and the router, both ways, as pairs."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from functools import reduce
from operator import add
from typing import Any

import pytest
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    ChatMessage,
    HumanMessage,
    HumanMessageChunk,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
)

from langchain_llm_router import ChatLLMRouter
from langchain_llm_router.convert import to_message
from llm_router.errors import RequestError
from llm_router.messages import (
    Media,
    Message,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Usage,
    assistant,
    system,
    user,
)
from llm_router.testing import Call, Say
from tests.frameworks.desk import desk

FOR_AN_HOUR = {"type": "ephemeral", "ttl": "1h"}
PIXEL = base64.b64encode(b"pixel").decode()

SENT: list[tuple[str, BaseMessage, Message]] = [
    ("a system message", SystemMessage("be brief"), system("be brief")),
    ("a human message", HumanMessage("hi"), user("hi")),
    ("a named human", HumanMessage("hi", name="anna"), Message("user", (Text("hi"),), name="anna")),
    ("a human's chunk", HumanMessageChunk(content="hi"), user("hi")),
    ("a role in words", ChatMessage(content="hi", role="developer"), system("hi")),
    ("an answer", AIMessage("yes"), assistant("yes")),
    ("an answer's chunk", AIMessageChunk(content="yes"), assistant("yes")),
    (
        "a mark for the cache",
        SystemMessage([{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}]),
        Message("system", (Text("a", cache="5m"),)),
    ),
    (
        "a mark for the cache on an image, in LangChain's own form",
        HumanMessage(
            [
                {
                    "type": "image",
                    "url": "https://x/y.png",
                    "extras": {"cache_control": {"type": "ephemeral", "ttl": "1h"}},
                }
            ]
        ),
        user(Media("image", url="https://x/y.png", cache="1h")),
    ),
    ("texts in a list", HumanMessage(["a", {"type": "text", "text": "b"}]), user("a", "b")),
    (
        "what OpenAI's responses take",
        HumanMessage(
            [
                {"type": "input_text", "text": "a"},
                {"type": "input_image", "image_url": "https://x/y.png", "detail": "low"},
                {"type": "input_file", "filename": "y.pdf", "file_data": f"data:application/pdf;base64,{PIXEL}"},
                {"type": "input_file", "file_url": "https://x/y.pdf"},
            ]
        ),
        user(
            "a",
            Media("image", url="https://x/y.png", detail="low"),
            Media("file", data=b"pixel", media_type="application/pdf", name="y.pdf"),
            Media("file", url="https://x/y.pdf"),
        ),
    ),
    (
        "what Google's models take",
        HumanMessage(
            [
                {"type": "media", "mime_type": "image/png", "data": PIXEL},
                {"type": "media", "mime_type": "audio/wav", "data": b"pixel"},
                {"type": "media", "mime_type": "application/pdf", "file_uri": "https://x/y.pdf"},
            ]
        ),
        user(
            Media("image", data=b"pixel", media_type="image/png"),
            Media("audio", data=b"pixel", media_type="audio/wav"),
            Media("file", url="https://x/y.pdf", media_type="application/pdf"),
        ),
    ),
    (
        "an image by address",
        HumanMessage([{"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}}]),
        user(Media("image", url="https://x/y.png", detail="low")),
    ),
    (
        "an image in a data address",
        HumanMessage([{"type": "image_url", "image_url": f"data:image/png;base64,{PIXEL}"}]),
        user(Media("image", data=b"pixel", media_type="image/png")),
    ),
    (
        "a standard image",
        HumanMessage([{"type": "image", "base64": PIXEL, "mime_type": "image/png"}]),
        user(Media("image", data=b"pixel", media_type="image/png")),
    ),
    (
        "a standard file",
        HumanMessage([{"type": "file", "url": "https://x/a.pdf", "mime_type": "application/pdf", "filename": "a.pdf"}]),
        user(Media("file", url="https://x/a.pdf", media_type="application/pdf", name="a.pdf")),
    ),
    (
        "a standard sound",
        HumanMessage([{"type": "audio", "base64": PIXEL, "mime_type": "audio/wav"}]),
        user(Media("audio", data=b"pixel", media_type="audio/wav")),
    ),
    ("a plain text block", HumanMessage([{"type": "text-plain", "text": "page"}]), user("page")),
    (
        "an image in anthropic's form",
        HumanMessage([{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}]),
        user(Media("image", data=b"pixel", media_type="image/png")),
    ),
    (
        "calls",
        AIMessage("", tool_calls=[{"name": "add", "args": {"a": 1}, "id": "c1"}]),
        assistant(ToolCall("c1", "add", '{"a": 1}')),
    ),
    (
        "calls that are blocks as well",
        AIMessage(
            [{"type": "text", "text": "so"}, {"type": "tool_use", "id": "c1", "name": "add", "input": {"a": 1}}],
            tool_calls=[{"name": "add", "args": {"a": 1}, "id": "c1"}],
        ),
        assistant("so", ToolCall("c1", "add", '{"a": 1}')),
    ),
    (
        "a call that can't be read",
        AIMessage("", invalid_tool_calls=[{"name": "add", "args": "{", "id": "c1", "error": "x"}]),
        assistant(ToolCall("c1", "add", "{")),
    ),
    (
        "reasoning beside the text",
        AIMessage("so", additional_kwargs={"reasoning_content": "hm"}),
        assistant(Reasoning("hm"), "so"),
    ),
    (
        "reasoning as a block",
        AIMessage([{"type": "reasoning", "reasoning": "hm"}, {"type": "text", "text": "so"}]),
        assistant(Reasoning("hm"), "so"),
    ),
    (
        "reasoning in anthropic's form",
        AIMessage([{"type": "thinking", "thinking": "hm", "signature": "s"}]),
        assistant(Reasoning("hm", "s")),
    ),
    ("a refusal", AIMessage("", additional_kwargs={"refusal": "no"}), assistant(Refusal("no"))),
    (
        "who answered before",
        AIMessage("so", response_metadata={"routing": {"deployment": "gpt"}}),
        Message("assistant", (Text("so"),), deployment="gpt"),
    ),
    (
        "a tool's answer",
        ToolMessage("3", tool_call_id="c1", name="add"),
        Message("tool", (ToolResult("c1", (Text("3"),), name="add"),)),
    ),
    (
        "a tool's failure",
        ToolMessage("broken", tool_call_id="c1", status="error"),
        Message("tool", (ToolResult("c1", (Text("broken"),), is_error=True),)),
    ),
]


@pytest.mark.parametrize(("given", "expected"), [case[1:] for case in SENT], ids=[case[0] for case in SENT])
def test_a_message_is_sent_as_what_it_says(given: BaseMessage, expected: Message) -> None:
    assert to_message(given) == expected


REFUSED: list[tuple[str, BaseMessage, str]] = [
    ("an unknown block", HumanMessage([{"type": "video", "url": "https://x"}]), "block of type `video`"),
    ("an uploaded file", HumanMessage([{"type": "file", "file_id": "f1"}]), "uploaded file"),
    ("a removal", RemoveMessage(id="1"), "`remove` message"),
    ("an uploaded image", HumanMessage([{"type": "input_image", "file_id": "f"}]), "known to one provider only"),
    ("a video", HumanMessage([{"type": "media", "mime_type": "video/mp4", "data": PIXEL}]), "video can't be sent"),
    ("broken base64", HumanMessage([{"type": "image", "base64": "§"}]), "isn't base64"),
    ("a broken data address", HumanMessage([{"type": "image_url", "image_url": "data:image/png"}]), "no comma"),
]


@pytest.mark.parametrize(("given", "told"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_what_cannot_be_sent_is_refused_in_words(given: BaseMessage, told: str) -> None:
    with pytest.raises(RequestError, match=told):
        to_message(given)


def joined(chunks: Iterable[Any]) -> Any:
    """The message that the pieces of a stream make."""
    return reduce(add, chunks)


ANSWERS: list[tuple[str, Say, dict[str, Any]]] = [
    ("text", Say("hello"), {"content": "hello", "tool_calls": [], "finish_reason": "stop"}),
    (
        "two calls",
        Say("", calls=(Call("add", {"a": 1}, id="c1"), Call("add", {"a": 2}, id="c2")), finish_reason="tool_calls"),
        {
            "content": "",
            "tool_calls": [
                {"name": "add", "args": {"a": 1}, "id": "c1", "type": "tool_call"},
                {"name": "add", "args": {"a": 2}, "id": "c2", "type": "tool_call"},
            ],
            "finish_reason": "tool_calls",
        },
    ),
    (
        "all kinds of usage",
        Say("hello", usage=Usage(input=20, output=9, cache_read=8, reasoning=4)),
        {
            "content": "hello",
            "usage": {
                "input_tokens": 20,
                "output_tokens": 9,
                "total_tokens": 29,
                "input_token_details": {"cache_read": 8},
                "output_token_details": {"reasoning": 4},
            },
        },
    ),
    ("an answer cut short", Say("hel", finish_reason="length"), {"content": "hel", "finish_reason": "length"}),
]


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("said", "expected"), [case[1:] for case in ANSWERS], ids=[case[0] for case in ANSWERS])
def test_an_answer_tells_everything(said: Say, expected: dict[str, Any], streamed: bool) -> None:
    tool = {"name": "add", "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}}}
    with desk({"*": said}) as made:
        model = ChatLLMRouter(router=made.router).bind_tools([tool])
        answer: Any = joined(model.stream("hi")) if streamed else model.invoke("hi")
    found = {
        "content": answer.content,
        "tool_calls": answer.tool_calls,
        "finish_reason": answer.response_metadata["finish_reason"],
        "usage": answer.usage_metadata,
    }
    for name, value in expected.items():
        if name == "usage":
            assert (
                value.items()
                <= {
                    **found[name],
                    "input_token_details": _positive(found[name], "input_token_details"),
                    "output_token_details": _positive(found[name], "output_token_details"),
                }.items()
            )
        else:
            assert found[name] == value


def _positive(usage: dict[str, Any], name: str) -> dict[str, int]:
    return {kind: count for kind, count in usage.get(name, {}).items() if count}


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_reasoning_is_beside_the_text_and_among_the_blocks(streamed: bool) -> None:
    with desk({"*": Say("four", reasoning="two and two")}) as made:
        model = ChatLLMRouter(router=made.router, model="pocket")
        answer: Any = joined(model.stream("hi")) if streamed else model.invoke("hi")
    assert answer.content == "four"
    assert answer.additional_kwargs["reasoning_content"] == "two and two"
    assert [block["type"] for block in answer.content_blocks] == ["reasoning", "text"]
    assert to_message(answer).parts == (Reasoning("two and two"), Text("four"))
