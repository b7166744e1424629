"""OpenAI's `/embeddings`, spoken by the whole family."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from llm_router.catalog.embedding_apis import EmbeddingApi
from llm_router.messages import Json, JsonObject
from llm_router.wire.codec import HttpRequest, Target, WireError
from llm_router.wire.embedding.codec import EmbedRequest, EmbedResponse
from llm_router.wire.embedding.sending import dimensions, post
from llm_router.wire.embedding.vectors import input_usage, read_vector
from llm_router.wire.error_body import failure_in_answer, request_id
from llm_router.wire.reading import as_count, as_list, as_object, first_text, malformed, parse_object
from llm_router.wire.sending import url

_FIXED = frozenset({"model", "input", "encoding_format"})


@dataclass(frozen=True, slots=True)
class OpenAIEmbedding:
    """The codec: see `llm_router.wire.embedding.codec.EmbeddingCodec`."""

    api: EmbeddingApi

    def encode(self, request: EmbedRequest, target: Target) -> HttpRequest:
        """The HTTP request. Raises Unsupported."""
        body: dict[str, Json] = {"model": target.model, "input": list(request.texts), **dimensions(request, self.api)}
        if self.api.encoding != "float":
            body["encoding_format"] = self.api.encoding
        return post(url(target, self.api.path), body, request, target, fixed=_FIXED | {self.api.dimensions_key or ""})

    def decode(self, headers: Mapping[str, str], body: bytes) -> EmbedResponse:
        """The vectors, in the order of their `index`. Raises WireError."""
        reply = parse_object(body)
        if reply.get("error"):
            raise WireError(failure_in_answer(reply["error"], headers))
        found = [(_place(item, place), item) for place, item in enumerate(map(as_object, as_list(reply.get("data"))))]
        if sorted(place for place, _ in found) != list(range(len(found))):
            raise malformed("the vectors' places aren't those of a list")
        found.sort(key=lambda each: each[0])
        return EmbedResponse(
            tuple(read_vector(item.get("embedding"), self.api.encoding) for _, item in found),
            input_usage(as_object(reply.get("usage")).get("prompt_tokens")),
            first_text(reply.get("model")) or None,
            request_id(headers, reply),
        )


def _place(item: JsonObject, place: int) -> int:
    """Where a vector belongs: its `index`; where none is said, where it stands."""
    said = as_count(item.get("index"))
    return place if said is None else said
