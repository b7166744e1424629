"""The same answer, whole and in pieces of any size, is the same value."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from llm_router.wire.dialects import CODECS
from tests.wire.reading_streams import decode_stream

_WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_NAMES = st.from_regex(r"[a-z_]{1,6}", fullmatch=True)


@dataclass(frozen=True)
class Answer:
    """An answer as a provider means it."""

    reasoning: str
    text: str
    calls: tuple[tuple[str, dict[str, str]], ...]
    reason: str


_ANSWERS = st.builds(
    Answer,
    _WORDS,
    _WORDS,
    st.lists(st.tuples(_NAMES, st.dictionaries(_NAMES, _WORDS, max_size=2)), max_size=3).map(tuple),
    st.sampled_from(["stop", "length"]),
)


@settings(deadline=None)
@given(_ANSWERS, st.integers(1, 5), st.integers(1, 40), st.booleans())
def test_a_chat_completion(answer: Answer, step: int, read: int, crlf: bool) -> None:
    calls = [
        {"index": at, "id": f"id{at}", "function": {"name": name, "arguments": json.dumps(arguments)}}
        for at, (name, arguments) in enumerate(answer.calls)
    ]
    message = {"content": answer.text, "reasoning_content": answer.reasoning, "tool_calls": calls}
    usage = {"prompt_tokens": 1, "completion_tokens": 2}
    choice: dict[str, Any] = {"index": 0, "message": message, "finish_reason": answer.reason}
    whole = CODECS["openai"].decode({}, json.dumps({"id": "c", "choices": [choice], "usage": usage}).encode())
    chunks: list[dict[str, Any]] = [
        {"id": "c", "choices": [{"index": 0, "delta": delta}]} for delta in _deltas(answer, step)
    ]
    chunks += [{"id": "c", "choices": [{"delta": {}, "finish_reason": answer.reason}]}, {"choices": [], "usage": usage}]
    end = "\r\n" if crlf else "\n"
    body = "".join(f"data: {line}{end}{end}" for line in [*map(json.dumps, chunks), "[DONE]"]).encode()
    assert decode_stream(CODECS["openai"], {}, _read(body, read)).response == whole


def _deltas(answer: Answer, step: int) -> Iterator[dict[str, Any]]:
    for at in range(0, len(answer.reasoning), step):
        yield {"reasoning_content": answer.reasoning[at : at + step]}
    for at in range(0, len(answer.text), step):
        yield {"content": answer.text[at : at + step]}
    for index, (name, arguments) in enumerate(answer.calls):
        text = json.dumps(arguments)
        yield {"tool_calls": [{"index": index, "id": f"id{index}", "function": {"name": name, "arguments": ""}}]}
        for at in range(0, len(text), step):
            yield {"tool_calls": [{"index": index, "function": {"arguments": text[at : at + step]}}]}


@settings(deadline=None)
@given(_ANSWERS, st.integers(1, 5), st.integers(1, 40))
def test_a_local_chat(answer: Answer, step: int, read: int) -> None:
    calls = [
        {"id": f"id{at}", "function": {"name": name, "arguments": arguments}}
        for at, (name, arguments) in enumerate(answer.calls)
    ]
    last = {"done": True, "done_reason": answer.reason, "eval_count": 2}
    message = {"content": answer.text, "thinking": answer.reasoning, "tool_calls": calls}
    whole = CODECS["ollama"].decode({}, json.dumps({"message": message, **last}).encode())
    pieces = [{"thinking": answer.reasoning[at : at + step]} for at in range(0, len(answer.reasoning), step)]
    pieces += [{"content": answer.text[at : at + step]} for at in range(0, len(answer.text), step)]
    lines: list[dict[str, Any]] = [
        {"message": piece, "done": False} for piece in [*pieces, *({"tool_calls": [call]} for call in calls)]
    ]
    body = "".join(f"{json.dumps(line)}\n" for line in [*lines, {"message": {"content": ""}, **last}]).encode()
    assert decode_stream(CODECS["ollama"], {}, _read(body, read)).response == whole


def _read(body: bytes, size: int) -> Iterator[bytes]:
    return (body[at : at + size] for at in range(0, len(body), size))
