"""How many tokens a text or a request has: a guess with a stated error, and a bound that isn't passed.

The guess (`value`) of a text is `estimate`'s, off by 7 % on average (95th percentile 21 %), or exact where the model is
named and its vocabulary is on this machine (extra `tokens`). The bound (`upper`) of a text is its bytes in UTF-8: every
vocabulary in use here falls back to bytes, and none has a token shorter than one.

A request is more than its texts: its template adds some tokens to each message, and tools and schemas are shown to the
model in a form that nobody documents: short recorded requests with tools are off by 15 % (Together) to 50 % (OpenAI,
which shows them more tersely). Their bound takes JSON twice its bytes, and for template and hidden instructions the
allowances below, which cover what was recorded (Grok's hidden instructions are 680 tokens).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Literal, assert_never

from llm_router.catalog.estimate import Family, estimate
from llm_router.catalog.media_tokens import media_tokens
from llm_router.catalog.vocabulary import counter_for
from llm_router.messages import (
    ChatRequest,
    Json,
    JsonFormat,
    Media,
    Part,
    Reasoning,
    Refusal,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)


@dataclass(frozen=True, slots=True)
class TokenCount:
    """Tokens: the best guess (or the exact count), and a bound that isn't passed."""

    value: int
    upper: int
    basis: Literal["exact", "estimated"]

    def __add__(self, other: TokenCount) -> TokenCount:
        exact = self.basis == other.basis == "exact"
        return TokenCount(self.value + other.value, self.upper + other.upper, "exact" if exact else "estimated")


NONE = TokenCount(0, 0, "exact")

_MESSAGE = TokenCount(4, 24, "estimated")
_REPLY = TokenCount(3, 800, "estimated")
_CALL = TokenCount(8, 48, "estimated")
_TOOL = TokenCount(8, 80, "estimated")
_TOOLS = TokenCount(25, 1_500, "estimated")
_KNOWN_TEMPLATE = re.compile(r"gpt-(?:4o|4\.1|4|3\.5-turbo)(?:-mini|-nano|-turbo)?(?:-\d{4}-\d{2}-\d{2}|-\d{4})?$")
"""OpenAI's models whose template is three tokens a message, one for its role, and three for the reply (its cookbook's
guide to counting; recorded usage agrees to the token, while gpt-5 and later differ by one or two)."""
_CL100K = re.compile(r"(?:gpt-4|gpt-4-.*|gpt-3\.5-.*|gpt-35-.*|text-embedding-.*)$")


def count_text(text: str, model: str | None = None) -> TokenCount:
    """The tokens of a text as `model` (by the name that its card or its maker gives it) reads it.

    Without a model, or without its vocabulary, estimated in some 3 µs per hundred characters.
    """
    return _text(text, _plain(model))


def count_request(request: ChatRequest, model: str | None = None) -> TokenCount:
    """The input tokens of a request: messages and their overhead, tools, schema, media.

    Where `model` isn't named, media are bounded by the dearest model known. `basis` is `exact` only for plain texts to
    a model whose vocabulary is here. What the provider adds by itself (search results, a default system prompt of more
    than some sentences) isn't in it.
    """
    name = _plain(model)
    known = name is not None and _KNOWN_TEMPLATE.match(name) is not None
    counts = [_exactly(_REPLY) if known else _REPLY]
    for message in request.messages:
        counts.append(_exactly(_MESSAGE) if known else _MESSAGE)
        counts.extend(_part(part, name) for part in message.parts)
        if message.name:
            counts.append(_text(message.name, name))
    counts.extend(_tools(request.tools, name))
    if request.response_format is not None:
        counts.append(_format(request.response_format, name))
    return reduce(TokenCount.__add__, counts, NONE)


def _exactly(count: TokenCount) -> TokenCount:
    return TokenCount(count.value, count.value, "exact")


def _plain(model: str | None) -> str | None:
    return None if model is None else model.strip().lower().rpartition("/")[2]


def _text(text: str, model: str | None) -> TokenCount:
    upper = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
    if model is not None and (count := counter_for(model)) is not None:
        exact = count(text)
        return TokenCount(exact, exact, "exact")
    return TokenCount(estimate(text, _family(model)), upper, "estimated")


def _family(model: str | None) -> Family:
    return "cl100k" if model is not None and _CL100K.match(model) else "o200k"


def _part(part: Part, model: str | None) -> TokenCount:
    match part:
        case Text(text) | Refusal(text) | Reasoning(text):
            return _text(text, model)
        case Media():
            return TokenCount(*media_tokens(part, model), "estimated")
        case ToolCall():
            return _CALL + _text(part.name, model) + _twice(_text(part.arguments, model))
        case ToolResult():
            return reduce(TokenCount.__add__, (_part(inner, model) for inner in part.parts), _CALL)
        case _:
            assert_never(part)


def _tools(tools: tuple[Tool, ...], model: str | None) -> Iterator[TokenCount]:
    if tools:
        yield _TOOLS
    for tool in tools:
        yield _TOOL
        yield _json({"name": tool.name, "description": tool.description, "parameters": tool.parameters}, model)


def _format(wanted: JsonFormat, model: str | None) -> TokenCount:
    return _TOOL + _json(wanted.schema, model)


def _json(value: Json, model: str | None) -> TokenCount:
    return _twice(_text(json.dumps(value, ensure_ascii=False, default=str), model))


def _twice(count: TokenCount) -> TokenCount:
    """A count whose bound is doubled: JSON may be indented and escaped on its way to the model."""
    return TokenCount(count.value, 2 * count.upper, "estimated")
