"""How many tokens a text or a request has: a guess with a stated error, and a bound that isn't passed.

The guess (`value`) of a text is `estimate`'s, off by 7 % on average (95th percentile 21 %), or exact where the model is
named and its vocabulary is on this machine (extra `tokens`). The bound (`upper`) of a text is its bytes in UTF-8: every
vocabulary in use here falls back to bytes, and none has a token shorter than one.

A request is more than its texts: its template adds some tokens to each message, and tools and schemas are shown to the
model in a form that nobody documents: short recorded requests with tools are off by 15 % (Together) to 50 % (OpenAI,
which shows them more tersely). Their bound takes JSON twice its bytes, and for template and hidden instructions
allowances that cover what was recorded: those of whoever serves (Grok's hidden instructions are 680 tokens), or, where
it is known who does (`most_tokens`), that provider's own.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from functools import reduce
from typing import Literal, assert_never

from llm_router.catalog.estimate import Family, estimate
from llm_router.catalog.media_tokens import media_tokens
from llm_router.catalog.vocabulary import counter_for
from llm_router.messages import (
    ChatRequest,
    Json,
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


@dataclass(frozen=True, slots=True)
class _Allowances:
    """What a request has beside its contents: for each message, for the reply and what is hidden, for having tools."""

    message: TokenCount
    reply: TokenCount
    tools: TokenCount


_ANYBODY = _Allowances(
    TokenCount(4, 24, "estimated"), TokenCount(3, 800, "estimated"), TokenCount(25, 1_500, "estimated")
)
_MAKERS = replace(_ANYBODY, reply=TokenCount(3, 100, "estimated"))
"""Recorded texts without tools or schema to the providers of `_MAKER_KINDS`: 9 tokens above their bytes at most."""
_MAKER_KINDS = ("anthropic", "gemini", "mistral", "deepseek", "perplexity")
_OPENAI = _Allowances(TokenCount(4, 8, "estimated"), TokenCount(3, 50, "estimated"), TokenCount(25, 200, "estimated"))
"""Recorded: 11 tokens beside two messages at most; tools have fewer tokens than their JSON has bytes."""
_OPENAI_MODEL = re.compile(r"(?!gpt-oss|.*search)(?:gpt-|chatgpt-|o\d)")
"""Those of which no more is known to be read than is sent: not the open ones, nor those that search."""
_CALL = TokenCount(8, 48, "estimated")
_TOOL = TokenCount(8, 80, "estimated")
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
    message, reply = _ANYBODY.message, _ANYBODY.reply
    allowed = replace(_ANYBODY, message=_exactly(message), reply=_exactly(reply)) if known else _ANYBODY
    return _Reading(name).request(request, allowed)


def most_tokens(request: ChatRequest, kind: str, model: str, *, exactly: bool) -> int:
    """The most input tokens that a provider of this kind, at its own address, bills for a request to `model`.

    `exactly`: with OpenAI's vocabularies where they are on this machine; else it is the same on every machine. Where
    its makers don't serve the model, it is the bound that holds whoever does.
    """
    name = _plain(model) or ""
    plain = not request.tools and request.response_format is None
    if kind in ("openai", "azure") and _OPENAI_MODEL.match(name):
        allowed = _OPENAI if request.response_format is None else replace(_OPENAI, reply=_ANYBODY.reply)
        return _Reading(name, exactly=exactly).request(request, allowed).upper
    if kind in _MAKER_KINDS:
        return _Reading(name, exactly=False).request(request, _MAKERS if plain else _ANYBODY).upper
    return count_request(request).upper


def _exactly(count: TokenCount) -> TokenCount:
    return TokenCount(count.value, count.value, "exact")


def _plain(model: str | None) -> str | None:
    return None if model is None else model.strip().lower().rpartition("/")[2]


def _text(text: str, model: str | None, *, exactly: bool = True) -> TokenCount:
    upper = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
    count = counter_for(model) if model is not None and exactly else None
    exact = None if count is None else count(text)
    if exact is not None:
        return TokenCount(exact, exact, "exact")
    return TokenCount(estimate(text, _family(model)), upper, "estimated")


def _family(model: str | None) -> Family:
    return "cl100k" if model is not None and _CL100K.match(model) else "o200k"


@dataclass(frozen=True, slots=True)
class _Reading:
    """How a model (by its plain name) reads what a request has; `exactly`: by its vocabulary, where that is here."""

    model: str | None
    exactly: bool = True

    def request(self, request: ChatRequest, allowed: _Allowances) -> TokenCount:
        counts = [allowed.reply]
        for message in request.messages:
            counts.append(allowed.message)
            counts.extend(self._part(part) for part in message.parts)
            if message.name:
                counts.append(self._text(message.name))
        if request.tools:
            counts.append(allowed.tools)
        counts.extend(self._tool(tool) for tool in request.tools)
        if request.response_format is not None:
            counts.append(_TOOL + self._json(request.response_format.schema))
        return reduce(TokenCount.__add__, counts, NONE)

    def _text(self, text: str) -> TokenCount:
        return _text(text, self.model, exactly=self.exactly)

    def _part(self, part: Part) -> TokenCount:
        match part:
            case Text(text) | Refusal(text) | Reasoning(text):
                return self._text(text)
            case Media():
                return TokenCount(*media_tokens(part, self.model), "estimated")
            case ToolCall():
                return _CALL + self._text(part.name) + _twice(self._text(part.arguments))
            case ToolResult():
                return reduce(TokenCount.__add__, (self._part(inner) for inner in part.parts), _CALL)
            case _:
                assert_never(part)

    def _tool(self, tool: Tool) -> TokenCount:
        shown: Json = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
        return _TOOL + self._json(shown)

    def _json(self, value: Json) -> TokenCount:
        text = json.dumps(value, ensure_ascii=False, default=str)
        return _twice(_text(text, self.model, exactly=False))


def _twice(count: TokenCount) -> TokenCount:
    """A count whose bound is doubled: JSON may be indented and escaped on its way to the model."""
    return TokenCount(count.value, 2 * count.upper, "estimated")
