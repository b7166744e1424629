"""Cohere's `/v2/embed`.

Its models since version 3 must be told what a text is for; where the caller doesn't say, it is a document. Texts that
are too long are refused, not cut.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from llm_router.catalog.embedding_apis import EmbeddingApi
from llm_router.messages import Json
from llm_router.wire.codec import HttpRequest, Target, WireError
from llm_router.wire.embedding.codec import EmbedRequest, EmbedResponse, Purpose
from llm_router.wire.embedding.sending import dimensions, post
from llm_router.wire.embedding.vectors import input_usage, read_vector
from llm_router.wire.error_body import failure_in_answer, request_id
from llm_router.wire.reading import as_list, as_object, look_up, parse_object
from llm_router.wire.sending import url

_INPUT_TYPES: Mapping[Purpose, str] = {"query": "search_query", "document": "search_document"}
_FIXED = frozenset({"model", "texts", "embedding_types", "output_dimension"})


@dataclass(frozen=True, slots=True)
class CohereEmbedding:
    """The codec: see `llm_router.wire.embedding.codec.EmbeddingCodec`."""

    api: EmbeddingApi

    def encode(self, request: EmbedRequest, target: Target) -> HttpRequest:
        """The HTTP request. Raises Unsupported."""
        body: dict[str, Json] = {
            "model": target.model,
            "texts": list(request.texts),
            "input_type": _INPUT_TYPES[request.purpose or "document"],
            "embedding_types": ["float"],
            "truncate": "NONE",
            **dimensions(request, self.api),
        }
        path = "/embed" if target.base_url.endswith(("/v1", "/v2")) else "/v2/embed"
        return post(url(target, path), body, request, target, fixed=_FIXED)

    def decode(self, headers: Mapping[str, str], body: bytes) -> EmbedResponse:
        """The vectors; version 1 of the API lists them without their type. Raises WireError."""
        reply = parse_object(body)
        if reply.get("error"):
            raise WireError(failure_in_answer(reply["error"], headers))
        said = reply.get("embeddings")
        listed = as_object(said).get("float") if isinstance(said, Mapping) else said
        return EmbedResponse(
            tuple(map(read_vector, as_list(listed))),
            input_usage(look_up(reply, "meta.billed_units.input_tokens")),
            None,
            request_id(headers, reply),
        )
