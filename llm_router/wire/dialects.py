"""The dialects that are spoken, by the name that catalogue rows use; custom ones by their kind (`custom:NAME`)."""

from __future__ import annotations

from collections.abc import Mapping

from llm_router.wire.anthropic import Anthropic
from llm_router.wire.codec import Codec
from llm_router.wire.cohere import Cohere
from llm_router.wire.gemini import Gemini
from llm_router.wire.ollama import Ollama
from llm_router.wire.openai import OpenAI
from llm_router.wire.replicate import Replicate
from llm_router.wire.responses import Responses

CODECS: Mapping[str, Codec] = {
    "openai": OpenAI(),
    "responses": Responses(),
    "ollama": Ollama(),
    "anthropic": Anthropic(),
    "gemini": Gemini(),
    "cohere": Cohere(),
    "replicate": Replicate(),
}

_CUSTOM: dict[str, Codec] = {}


def codec_of(dialect: str) -> Codec:
    """The codec of a dialect. Raises KeyError for a custom one that isn't registered."""
    return CODECS[dialect] if dialect in CODECS else _CUSTOM[dialect]


def register_custom(kind: str, codec: Codec) -> None:
    """From now on, this codec speaks for the custom kind; wirings made before keep theirs."""
    _CUSTOM[kind] = codec
