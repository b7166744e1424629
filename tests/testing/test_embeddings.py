"""Emulated embeddings are as strict as the real ones, and what our codecs send them they accept."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from llm_router.catalog.embedding_apis import embedding_api, embedding_kinds
from llm_router.catalog.providers import PROVIDERS
from llm_router.policy.binding import EMULATED_PATHS
from llm_router.testing import Asked, Emulator, Reply
from llm_router.testing.dialects.embeddings import vector_of
from llm_router.wire.codec import Target
from llm_router.wire.embedding import EmbedRequest, embedder

CASES: list[dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("cases").joinpath("embedding_requests.yaml").read_text()
)
KEYS = {"authorization": "Bearer k", "x-goog-api-key": "k"}
TEXTS_KEY = {"/v2/embed": "texts", "feature-extraction": "inputs"}


def asked(case: dict[str, Any]) -> Asked:
    """The request of a case."""
    body = dict(case["body"])
    if "texts" in case:
        number, length = case["texts"]
        name = next((name for ending, name in TEXTS_KEY.items() if case["path"].endswith(ending)), "input")
        body[name] = ["x" * length] * number
    headers = {} if case.get("keyless") else KEYS
    return Asked(case.get("method", "POST"), case["path"], headers, json.dumps(body).encode())


def lengths(reply: Reply) -> list[int]:
    """How long the vectors of a reply are, wherever they stand in it."""
    said = json.loads(reply.body)
    if isinstance(said, list):
        return [len(vector) for vector in said]
    listed = said.get("data") or said["embeddings"]
    listed = listed["float"] if isinstance(listed, dict) else listed
    return [len(each) if isinstance(each, list) else len(each.get("embedding") or each["values"]) for each in listed]


def test_ollamas_models_need_no_tag() -> None:
    emulator = Emulator(models=["nomic-embed-text:latest"])
    for name, status in (("nomic-embed-text", 200), ("nomic-embed-text:latest", 200), ("bge-m3", 404)):
        body = json.dumps({"model": name, "input": ["a"]}).encode()
        assert emulator.answer(Asked("POST", "/api/embed", {}, body)).status == status


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_request_is_taken_or_turned_down_as_by_the_provider(case: dict[str, Any]) -> None:
    reply = Emulator().answer(asked(case))
    assert reply.status == case.get("status", 200), reply.body[:300]
    if "dimensions" in case:
        assert lengths(reply) == case["dimensions"]


@pytest.mark.parametrize("kind", [kind for kind in embedding_kinds() if kind in PROVIDERS])
@pytest.mark.parametrize("purpose", [None, "query", "document"])
def test_what_a_codec_sends_is_accepted_and_what_comes_back_is_read(kind: str, purpose: Any) -> None:
    api = embedding_api(kind)
    assert api is not None
    row = PROVIDERS[kind]
    base = "http://emulator/somebody" + EMULATED_PATHS.get(row.dialect, "/{kind}").format(kind=kind)
    target = Target(base, "text-embedding-3-small", row.auth_headers("k"))
    wanted = None if api.dimensions_key is None else 128
    request = EmbedRequest(("cats and dogs", "the sea"), wanted, purpose)
    http = embedder(api).encode(request, target)
    parts = urlsplit(http.url)
    reply = Emulator().answer(Asked(http.method, parts.path, http.headers, http.body))
    assert reply.status == 200, reply.body
    response = embedder(api).decode(reply.headers, reply.body)
    expected = [vector_of(text, wanted or 1536) for text in request.texts]
    rough = 0.02 if api.encoding == "base64_int8" else 1e-6
    assert [list(vector) for vector in response.vectors] == [pytest.approx(each, abs=rough) for each in expected]
    assert response.usage.input == (None if kind == "huggingface" else 6)


def test_a_deployment_is_told_by_the_path() -> None:
    emulator = Emulator({"small": "unavailable"})
    body = b'{"model": "m", "input": "a"}'
    assert emulator.answer(Asked("POST", "/small/openai/v1/embeddings", KEYS, body)).status == 500
    assert emulator.answer(Asked("POST", "/large/openai/v1/embeddings", KEYS, body)).status == 200
    assert [entry.deployment for entry in emulator.log] == ["small", "large"]


def test_texts_that_share_words_are_near_to_each_other() -> None:
    one, two, other = (vector_of(text, 256) for text in ("cats chase mice", "mice fear cats", "ships sail far"))
    assert math.isclose(math.hypot(*one), 1.0)
    assert sum(a * b for a, b in zip(one, two, strict=True)) > 0.5
    assert abs(sum(a * b for a, b in zip(one, other, strict=True))) < 0.3
    assert vector_of("Cats chase mice", 256) == one
