"""What all embedding dialects send alike."""

from __future__ import annotations

from llm_router.catalog.embedding_apis import EmbeddingApi
from llm_router.messages import JsonObject
from llm_router.wire.codec import HttpRequest, Target, Unsupported
from llm_router.wire.embedding.codec import EmbedRequest
from llm_router.wire.sending import json_body, merged, request_headers


def dimensions(request: EmbedRequest, api: EmbeddingApi) -> JsonObject:
    """The number of dimensions by its key, if one is asked for. Raises Unsupported where it can't be chosen."""
    if request.dimensions is None:
        return {}
    if api.dimensions_key is None:
        raise Unsupported("`dimensions`: the provider has no such option")
    return {api.dimensions_key: request.dimensions}


def post(
    address: str, body: JsonObject, request: EmbedRequest, target: Target, *, fixed: frozenset[str]
) -> HttpRequest:
    """The HTTP request for this body, with the settings' `headers` and `extra`. Raises Unsupported."""
    return HttpRequest(
        "POST",
        address,
        request_headers(target, request.settings, "application/json"),
        json_body(merged(body, request.settings.extra, fixed=fixed)),
    )
