"""Thoughts as gateways tell them and take them back: OpenRouter's `reasoning_details`, LiteLLM's `thinking_blocks`.

Those behind them check signatures: one belongs to the whole thought, so that pieces of a stream, sent back as they
came, are refused, and so is a thought of Claude's without one (agno-agi/agno issue 8794, 2026).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from llm_router.messages import Json, JsonObject, Part, Reasoning
from llm_router.testing.dialects.dialect import objects
from llm_router.testing.question import Problem
from llm_router.testing.script import pieces
from llm_router.testing.shapes import Array, Number, Object, Shape, String, Tagged

_SIGNATURE = "ZW11bGF0ZWQ="
_FORMAT = "anthropic-claude-v1"
_COMMON: Mapping[str, Shape] = {
    "id": String(),
    "format": String(),
    "provider": String(),
    "index": Number(0, integer=True),
}

BACK: Mapping[str, Mapping[str, Shape]] = {
    "openrouter": {
        "reasoning_details": Array(
            Tagged(
                "type",
                {
                    "reasoning.text": Object({**_COMMON, "text": String(), "signature": String()}),
                    "reasoning.summary": Object({**_COMMON, "summary": String()}, ("summary",)),
                    "reasoning.encrypted": Object({**_COMMON, "data": String()}, ("data",)),
                },
            )
        )
    },
    "litellm": {
        "reasoning_details": Array(Object(open=True)),
        "thinking_blocks": Array(
            Tagged(
                "type",
                {
                    "thinking": Object({"thinking": String(), "signature": String()}, ("thinking", "signature")),
                    "redacted_thinking": Object({"data": String()}, ("data",)),
                },
            )
        ),
    },
}
"""What an assistant message may bring back, by kind of provider."""


def torn_thoughts(body: JsonObject) -> Iterator[Problem]:
    """Details that don't prove what they say (OpenRouter hands them to Claude, and its refusal back)."""
    for place, message in enumerate(objects(body.get("messages"))):
        details = objects(message.get("reasoning_details"))
        claudes = [item for item in details if item.get("type") == "reasoning.text" and item.get("format") == _FORMAT]
        if not all(item.get("signature") and item.get("text") is not None for item in claudes):
            said = f"messages.{place}.content.0: Invalid `signature` in `thinking` block"
            yield Problem(400, said, None, "400")


def thoughts_of(parts: Sequence[Part], kind: str) -> JsonObject:
    """The thoughts of a whole answer, as this kind of provider tells them."""
    thoughts = [part for part in parts if isinstance(part, Reasoning)]
    text = "".join(thought.text for thought in thoughts)
    if kind == "openrouter":
        details: list[Json] = [_detail(thought, index) for index, thought in enumerate(thoughts)]
        return {"reasoning": text or None, "reasoning_details": details} if details else {}
    blocks: list[Json] = [_block(thought) for thought in thoughts]
    told = {"reasoning_content": text} if text else {}
    return {**told, "thinking_blocks": blocks} if kind == "litellm" and blocks else told


def thought_deltas(thought: Reasoning, kind: str, place: int) -> Iterator[JsonObject]:
    """A thought in pieces, its signature last; `place` is its index among the thoughts."""
    texts = () if thought.redacted else pieces(thought.text)
    for piece in texts:
        part = Reasoning(piece, "")
        if kind == "openrouter":
            yield {"reasoning": piece, "reasoning_details": [_unsigned(_detail(part, place))]}
        elif kind == "litellm":
            yield {"reasoning_content": piece, "thinking_blocks": [_unsigned(_block(part))]}
        else:
            yield {"reasoning_content": piece}
    if kind == "openrouter":
        last = _detail(thought, place)
        yield {"reasoning": None, "reasoning_details": [{name: last[name] for name in last if name != "text"}]}
    elif kind == "litellm":
        block = _block(thought)
        yield {"thinking_blocks": [{**block, "thinking": ""} if "thinking" in block else block]}


def _detail(thought: Reasoning, index: int) -> JsonObject:
    if thought.redacted:
        return {"type": "reasoning.encrypted", "data": thought.signature, "format": _FORMAT, "index": index}
    said: JsonObject = {"type": "reasoning.text", "text": thought.text, "format": _FORMAT, "index": index}
    return {**said, "signature": thought.signature or _SIGNATURE}


def _block(thought: Reasoning) -> JsonObject:
    if thought.redacted:
        return {"type": "redacted_thinking", "data": thought.signature}
    return {"type": "thinking", "thinking": thought.text, "signature": thought.signature or _SIGNATURE}


def _unsigned(item: JsonObject) -> JsonObject:
    return {name: value for name, value in item.items() if name != "signature"}
