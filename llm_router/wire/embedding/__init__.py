"""The embedding dialects that are spoken, by the name that the catalogue's rows use."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from llm_router.catalog.embedding_apis import EmbeddingApi, EmbeddingDialect
from llm_router.wire.embedding.codec import EmbeddingCodec, EmbedRequest, EmbedResponse, Purpose, Vector
from llm_router.wire.embedding.cohere import CohereEmbedding
from llm_router.wire.embedding.gemini import GeminiEmbedding
from llm_router.wire.embedding.huggingface import HuggingFaceEmbedding
from llm_router.wire.embedding.ollama import OllamaEmbedding
from llm_router.wire.embedding.openai import OpenAIEmbedding

__all__ = ["EmbedRequest", "EmbedResponse", "EmbeddingCodec", "Purpose", "Vector", "embedder"]

_CODECS: Mapping[EmbeddingDialect, Callable[[EmbeddingApi], EmbeddingCodec]] = {
    "openai": OpenAIEmbedding,
    "gemini": GeminiEmbedding,
    "cohere": CohereEmbedding,
    "ollama": OllamaEmbedding,
    "huggingface": HuggingFaceEmbedding,
}


def embedder(api: EmbeddingApi) -> EmbeddingCodec:
    """The codec of this API."""
    return _CODECS[api.dialect](api)
