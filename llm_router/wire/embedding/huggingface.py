"""Hugging Face's feature extraction, by its own inference (`hf-inference`), which counts no tokens.

The models of other providers behind its router have addresses of each provider's own: a wire name that ends in one
(`…:nebius`) is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from llm_router.catalog.embedding_apis import EmbeddingApi
from llm_router.messages import Json, Usage
from llm_router.wire.codec import HttpRequest, Target, Unsupported, WireError
from llm_router.wire.embedding.codec import EmbedRequest, EmbedResponse, Vector
from llm_router.wire.embedding.sending import dimensions, post
from llm_router.wire.embedding.vectors import read_vector
from llm_router.wire.error_body import failure_in_answer, request_id
from llm_router.wire.reading import as_list, malformed, parse

_FIXED = frozenset({"inputs"})
_OWN = ("", "hf-inference")


@dataclass(frozen=True, slots=True)
class HuggingFaceEmbedding:
    """The codec: see `llm_router.wire.embedding.codec.EmbeddingCodec`."""

    api: EmbeddingApi

    def encode(self, request: EmbedRequest, target: Target) -> HttpRequest:
        """The HTTP request. Raises Unsupported."""
        model, _, provider = target.model.partition(":")
        if provider not in _OWN:
            raise Unsupported(f"embeddings of the provider `{provider}` behind Hugging Face")
        query = f"?{query}" if (query := _query(target)) else ""
        place = f"{target.base_url.removesuffix('/v1')}/hf-inference/models/{quote(model)}"
        body: dict[str, Json] = {"inputs": list(request.texts), **dimensions(request, self.api)}
        return post(f"{place}/pipeline/feature-extraction{query}", body, request, target, fixed=_FIXED)

    def decode(self, headers: Mapping[str, str], body: bytes) -> EmbedResponse:
        """The vectors. Raises WireError, also for a model that gives one for each token."""
        try:
            reply = parse(body)
        except ValueError as error:
            raise malformed("the reply isn't JSON") from error
        if isinstance(reply, Mapping):
            raise WireError(failure_in_answer(reply.get("error"), headers))
        return EmbedResponse(tuple(map(_vector, as_list(reply))), Usage(output=0), None, request_id(headers, {}))


def _query(target: Target) -> str:
    return "&".join(f"{quote(name)}={quote(value)}" for name, value in target.query.items())


def _vector(value: Json) -> Vector:
    if isinstance(value, list) and value and isinstance(value[0], list):
        raise malformed("the model gives a vector for each token, not for each text")
    return read_vector(value)
