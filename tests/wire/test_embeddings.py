"""Embedding dialects: what goes over the wire, what comes back, and what recorded replies were judged to say."""

from __future__ import annotations

import base64
import json
import random
from array import array
from pathlib import Path
from typing import Any

import pytest
import yaml
from openai.types import CreateEmbeddingResponse, EmbeddingCreateParams
from pydantic import TypeAdapter

from llm_router.catalog.embedding_apis import embedding_api, embedding_kinds
from llm_router.catalog.providers import PROVIDERS
from llm_router.messages import Settings
from llm_router.wire.codec import Target, Unsupported, WireError
from llm_router.wire.embedding import EmbeddingCodec, EmbedRequest, embedder
from tests.recordings import Recording, needs_recordings, recordings

CASES = Path(__file__).with_name("cases")
REQUESTS: list[dict[str, Any]] = yaml.safe_load(CASES.joinpath("embedding_requests.yaml").read_text())
ANSWERS: list[dict[str, Any]] = yaml.safe_load(CASES.joinpath("embedding_answers.yaml").read_text())
GOLDEN: dict[str, Any] = json.loads(Path(__file__).with_name("embedding_golden.json").read_text())
KINDS = {"azure_openai": "azure", "litellm_proxy": "litellm"}
OTHER_ADDRESS = {"openai/embeddings-01", "ollama/embeddings-02-tinydolphin"}
"""What is about embeddings, and none of the replies that we ask for: bills, and Ollama's former address."""


def codec_of(kind: str) -> EmbeddingCodec:
    """The codec of a kind of provider."""
    api = embedding_api(kind)
    assert api is not None
    return embedder(api)


def named(cases: list[dict[str, Any]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases, ids=[case["name"] for case in cases])


@named(REQUESTS)
def test_a_request_goes_out_as_the_provider_wants_it(case: dict[str, Any]) -> None:
    target = Target(case.get("base_url", "https://host/v1"), case["model"], {"authorization": "Bearer k"})
    settings = Settings(headers={"X-Team": "search"}, extra=case.get("extra", {}))
    request = EmbedRequest(("one", "two"), case.get("asked"), case.get("purpose"), settings)
    if "unsupported" in case:
        with pytest.raises(Unsupported) as caught:
            codec_of(case["kind"]).encode(request, target)
        assert str(caught.value) == case["unsupported"]
        return
    http = codec_of(case["kind"]).encode(request, target)
    assert (http.method, http.url, json.loads(http.body)) == ("POST", case["url"], case["body"])
    assert (http.headers["authorization"], http.headers["x-team"]) == ("Bearer k", "search")


@named(ANSWERS)
def test_a_reply_is_read_as_it_is_meant(case: dict[str, Any]) -> None:
    body = case["body"] if isinstance(case["body"], str) else json.dumps(case["body"])
    codec = codec_of(case["kind"])
    if "failure" in case:
        with pytest.raises(WireError) as caught:
            codec.decode({}, body.encode())
        assert caught.value.failure.kind == case["failure"]
        return
    response = codec.decode({}, body.encode())
    assert [list(vector) for vector in response.vectors] == [pytest.approx(vector) for vector in case["vectors"]]
    assert (response.usage.input, response.usage.output) == (case.get("input"), 0)


def recorded() -> list[Recording]:
    """The recorded replies of embedding addresses, errors left out: chats tell them alike."""
    found = recordings("openai", "azure_openai", "cohere", "gemini", "mistral", "ollama", "openrouter", "perplexity",
                       "litellm_proxy")  # fmt: skip
    return [each for each in found if each.status < 400 and "embeddings" in each.features]


def codec_for(recording: Recording) -> EmbeddingCodec:
    """The codec of whoever answered; Ollama also has OpenAI's address."""
    if recording.provider == "ollama" and recording.path.startswith("/v1/"):
        return codec_of("openai-compatible")
    return codec_of(KINDS.get(recording.provider, recording.provider))


RECORDED = [each for each in recorded() if each.name not in OTHER_ADDRESS]


@needs_recordings
@pytest.mark.parametrize("recording", RECORDED, ids=[each.name for each in RECORDED])
def test_a_recorded_reply_decodes_as_judged(recording: Recording) -> None:
    response = codec_for(recording).decode(recording.headers, recording.body)
    judged = GOLDEN[recording.name]
    assert [len(vector) for vector in response.vectors] == judged["dimensions"]
    assert (response.usage.input, response.model) == (judged["input"], judged["model"])
    heads = [vector[:2] for vector in response.vectors]
    assert heads == [pytest.approx(head, rel=1e-6) for head in judged["heads"]]


@needs_recordings
@pytest.mark.parametrize("recording", RECORDED, ids=[each.name for each in RECORDED])
def test_a_reply_that_is_cut_short_is_never_vectors(recording: Recording) -> None:
    body = recording.body.rstrip()
    for cut in random.Random(recording.name).sample(range(len(body)), k=8):
        with pytest.raises(WireError):
            codec_for(recording).decode(recording.headers, body[:cut])


@needs_recordings
@pytest.mark.parametrize(
    "recording", [each for each in RECORDED if each.provider == "openai"], ids=lambda each: str(each.name)
)
def test_numbers_are_those_that_openais_own_client_reads(recording: Recording) -> None:
    sent = json.loads(recording.body)
    for item in sent["data"]:
        if isinstance(item["embedding"], str):
            item["embedding"] = list(array("f", base64.b64decode(item["embedding"])))
    theirs = CreateEmbeddingResponse.model_validate(sent)
    ours = codec_of("openai").decode(recording.headers, recording.body)
    assert [list(vector) for vector in ours.vectors] == [each.embedding for each in theirs.data]
    assert ours.usage.input == theirs.usage.prompt_tokens


@pytest.mark.parametrize("dimensions", [None, 512])
def test_a_request_fits_openais_own_types(dimensions: int | None) -> None:
    request = EmbedRequest(("one", "two"), dimensions)
    http = codec_of("openai").encode(request, Target("https://host/v1", "text-embedding-3-small"))
    body = json.loads(http.body)
    assert TypeAdapter(EmbeddingCreateParams).validate_python(body, strict=True) == body


@needs_recordings
def test_every_judgement_is_of_a_recording() -> None:
    assert sorted(GOLDEN) == sorted(each.name for each in RECORDED)


def test_every_row_of_the_catalogue_is_of_a_kind_that_there_is_or_will_be() -> None:
    assert set(embedding_kinds()) - set(PROVIDERS) <= {"azure"}
    for kind in embedding_kinds():
        api = embedding_api(kind)
        assert api is not None
        assert api.batch >= 1
        assert api.source
        assert api.date
