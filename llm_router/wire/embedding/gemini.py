"""Google's `batchEmbedContents`.

A vector of fewer dimensions than the model's own comes cut, not normalised (ai.google.dev/gemini-api/docs/embeddings,
2026-11-21): it is brought to length 1 here, so that dot products compare. `settings.extra` goes into each of the
batch's requests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from llm_router.catalog.embedding_apis import EmbeddingApi
from llm_router.messages import Json, JsonObject, Settings
from llm_router.wire.codec import HttpRequest, Target, WireError
from llm_router.wire.embedding.codec import EmbedRequest, EmbedResponse, Purpose
from llm_router.wire.embedding.sending import dimensions
from llm_router.wire.embedding.vectors import input_usage, read_vector, unit
from llm_router.wire.error_body import failure_in_answer, request_id
from llm_router.wire.reading import as_list, as_object, look_up, parse_object
from llm_router.wire.sending import json_body, merged, request_headers, url

_TASKS: Mapping[Purpose, str] = {"query": "RETRIEVAL_QUERY", "document": "RETRIEVAL_DOCUMENT"}
_FIXED = frozenset({"model", "content", "outputDimensionality"})


@dataclass(frozen=True, slots=True)
class GeminiEmbedding:
    """The codec: see `llm_router.wire.embedding.codec.EmbeddingCodec`."""

    api: EmbeddingApi

    def encode(self, request: EmbedRequest, target: Target) -> HttpRequest:
        """The HTTP request. Raises Unsupported."""
        model = target.model.removeprefix("models/")
        said: JsonObject = {"model": f"models/{model}", **_task(request), **dimensions(request, self.api)}
        extra = request.settings.extra
        each = [merged({**said, "content": {"parts": [{"text": text}]}}, extra, fixed=_FIXED) for text in request.texts]
        return HttpRequest(
            "POST",
            url(target, f"/models/{quote(model, safe='')}:batchEmbedContents"),
            request_headers(target, Settings(headers=request.settings.headers), "application/json"),
            json_body({"requests": each}),
        )

    def decode(self, headers: Mapping[str, str], body: bytes) -> EmbedResponse:
        """The vectors, at length 1. Raises WireError."""
        reply = parse_object(body)
        if reply.get("error"):
            raise WireError(failure_in_answer(reply["error"], headers))
        vectors = tuple(unit(_values(item)) for item in as_list(reply.get("embeddings")))
        usage = input_usage(look_up(reply, "usageMetadata.promptTokenCount"))
        return EmbedResponse(vectors, usage, None, request_id(headers, {}))


def _task(request: EmbedRequest) -> JsonObject:
    return {} if request.purpose is None else {"taskType": _TASKS[request.purpose]}


def _values(item: Json) -> tuple[float, ...]:
    return read_vector(as_object(item).get("values"))
