"""Ollama's `/api/embed`. It would cut texts that are too long without a word, so it is told not to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from llm_router.catalog.embedding_apis import EmbeddingApi
from llm_router.messages import Json
from llm_router.wire.codec import HttpRequest, Target, WireError
from llm_router.wire.embedding.codec import EmbedRequest, EmbedResponse
from llm_router.wire.embedding.sending import dimensions, post
from llm_router.wire.embedding.vectors import input_usage, read_vector
from llm_router.wire.error_body import failure_in_answer, request_id
from llm_router.wire.reading import as_list, first_text, parse_object
from llm_router.wire.sending import url

_FIXED = frozenset({"model", "input", "dimensions"})


@dataclass(frozen=True, slots=True)
class OllamaEmbedding:
    """The codec: see `llm_router.wire.embedding.codec.EmbeddingCodec`."""

    api: EmbeddingApi

    def encode(self, request: EmbedRequest, target: Target) -> HttpRequest:
        """The HTTP request. Raises Unsupported."""
        body: dict[str, Json] = {
            "model": target.model,
            "input": list(request.texts),
            "truncate": False,
            **dimensions(request, self.api),
        }
        return post(url(target, "/api/embed"), body, request, target, fixed=_FIXED)

    def decode(self, headers: Mapping[str, str], body: bytes) -> EmbedResponse:
        """The vectors. Raises WireError."""
        reply = parse_object(body)
        if reply.get("error"):
            raise WireError(failure_in_answer(reply["error"], headers))
        return EmbedResponse(
            tuple(map(read_vector, as_list(reply.get("embeddings")))),
            input_usage(reply.get("prompt_eval_count")),
            first_text(reply.get("model")) or None,
            request_id(headers, {}),
        )
