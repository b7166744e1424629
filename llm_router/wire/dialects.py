"""The dialects that are spoken, by the name that catalogue rows use."""

from __future__ import annotations

from collections.abc import Mapping

from llm_router.wire.anthropic import Anthropic
from llm_router.wire.codec import Codec
from llm_router.wire.gemini import Gemini
from llm_router.wire.ollama import Ollama
from llm_router.wire.openai import OpenAI

CODECS: Mapping[str, Codec] = {"openai": OpenAI(), "ollama": Ollama(), "anthropic": Anthropic(), "gemini": Gemini()}
