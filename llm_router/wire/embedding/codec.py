"""What an embedding dialect is: pure functions between texts and bytes, beside the chat dialects.

Errors are told alike for chat and embeddings, so they are read by the provider's chat codec.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from llm_router.messages import Settings, Usage
from llm_router.wire.codec import HttpRequest, Target

Vector: TypeAlias = tuple[float, ...]

Purpose = Literal["query", "document"]
"""What a text is embedded for: to look something up, or to be found. Some models give it other vectors."""


@dataclass(frozen=True, slots=True)
class EmbedRequest:
    """Texts to embed in one request, none of them empty.

    `dimensions` is the number to ask for, `None` where the model's own is meant. Of the settings only `headers` and
    `extra` matter.
    """

    texts: tuple[str, ...] = field(repr=False)
    dimensions: int | None = None
    purpose: Purpose | None = None
    settings: Settings = Settings()


@dataclass(frozen=True, slots=True)
class EmbedResponse:
    """One vector for each text, in their order. `model` is the name that the provider says it served."""

    vectors: tuple[Vector, ...] = field(repr=False)
    usage: Usage = Usage(output=0)
    model: str | None = None
    provider_request_id: str | None = None


class EmbeddingCodec(Protocol):
    """One embedding dialect."""

    def encode(self, request: EmbedRequest, target: Target) -> HttpRequest:
        """The HTTP request. Raises Unsupported."""

    def decode(self, headers: Mapping[str, str], body: bytes) -> EmbedResponse:
        """The vectors. Raises WireError: malformed, or an error sent with a 200."""
