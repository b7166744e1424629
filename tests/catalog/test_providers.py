"""The rows of providers, and the addresses people write."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator

import pytest

from llm_router.catalog.providers import PROVIDERS, ProviderRow
from llm_router.wire.openai.quirks import read_quirks
from tests.recordings import RECORDINGS, needs_recordings

OURS = [
    *("openai", "azure", "groq", "together", "mistral", "perplexity", "deepseek", "huggingface", "openrouter", "xai"),
    *("fireworks", "litellm", "vllm", "lmstudio", "llamacpp", "openai-compatible", "anthropic", "gemini", "cohere"),
    *("replicate", "ollama"),
]
ROWS = list(PROVIDERS.values())


def test_there_is_a_row_for_every_kind() -> None:
    assert list(PROVIDERS) == OURS


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.kind)
def test_a_row_is_whole(row: ProviderRow) -> None:
    assert row.dialect == (
        row.kind if row.kind in ("ollama", "anthropic", "gemini", "cohere", "replicate") else "openai"
    )
    assert row.base_url is None or (row.base_url.startswith("http") and not row.base_url.endswith("/"))
    assert not row.key_required or row.key_variables
    assert row.source
    datetime.date.fromisoformat(row.date)


@pytest.mark.parametrize("row", [row for row in ROWS if row.dialect == "openai"], ids=lambda row: row.kind)
def test_the_codec_knows_every_quirk(row: ProviderRow) -> None:
    read_quirks(row.quirks)
    for supports in (None, frozenset[str](), frozenset({"tools"})):
        read_quirks(row.quirks_for(supports))


def test_only_these_run_on_the_askers_machine() -> None:
    assert {row.kind for row in ROWS if row.local} == {"ollama", "lmstudio", "llamacpp", "vllm"}


def test_only_an_address_of_ones_own_must_be_given() -> None:
    assert [row.kind for row in ROWS if row.base_url is None and not row.base_url_variables] == ["openai-compatible"]


@pytest.mark.parametrize(
    ("model", "api"),
    [
        *(("gpt-4o", "chat"), ("gpt-4.1-mini", "chat"), ("gpt-3.5-turbo", "chat"), ("gpt-oss-120b", "chat")),
        *(
            ("gpt-5", "responses"),
            ("gpt-5-mini", "responses"),
            ("GPT-5.1-codex", "responses"),
            ("gpt-5-pro", "responses"),
        ),
        *(("gpt-5.6-sol", "responses"), ("gpt-6-luna", "responses"), ("o3", "responses"), ("o4-mini", "responses")),
        *(("gpt-5-chat-latest", "chat"), ("gpt-5.1-chat-latest", "chat"), ("o1-mini", "chat"), ("my-own", "chat")),
    ],
)
def test_reasoning_models_are_asked_for_responses(model: str, api: str) -> None:
    assert {PROVIDERS[kind].api_for(model) for kind in ("openai", "azure")} == {api}
    assert PROVIDERS["openai-compatible"].api_for(model) == "chat"
    assert PROVIDERS["groq"].api_for(model) is None


@pytest.mark.parametrize("kind", ["openai", "azure"])
def test_the_models_of_a_row_have_quirks_that_exist(kind: str) -> None:
    for pattern, _ in PROVIDERS[kind].models:
        read_quirks(PROVIDERS[kind].quirks_for(None, pattern.replace("*", "").replace("[1-9]", "1")))


@pytest.mark.parametrize(
    ("kind", "model", "efforts"),
    [("groq", "qwen/qwen3-32b", "default"), ("groq", "openai/gpt-oss-20b", "low"), ("together", "qwen3", "any")],
)
def test_some_models_know_other_efforts(kind: str, model: str, efforts: str) -> None:
    assert read_quirks(PROVIDERS[kind].quirks_for(None, model)).efforts == efforts


def test_keys_are_looked_for_under_all_names_in_use() -> None:
    assert PROVIDERS["huggingface"].key_variables == ("HF_TOKEN", "HUGGINGFACE_API_KEY", "HUGGINGFACEHUB_API_TOKEN")
    assert PROVIDERS["perplexity"].key_variables == ("PERPLEXITY_API_KEY", "PPLX_API_KEY")


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("http://localhost:11434", "http://localhost:11434"),
        ("https://ollama.corp.example/", "https://ollama.corp.example"),
        ("https://corp.example/ollama/", "https://corp.example/ollama"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:8080", "http://127.0.0.1:8080"),
        (":8080", "http://127.0.0.1:8080"),
        ("box", "http://box:11434"),
        (" box:8000/ ", "http://box:8000"),
        ("box/ollama", "http://box:11434/ollama"),
        ("[::1]", "http://[::1]:11434"),
        ("[::1]:99", "http://[::1]:99"),
        ("[::]:99", "http://127.0.0.1:99"),
    ],
)
def test_an_address_is_made_whole(written: str, address: str) -> None:
    assert PROVIDERS["ollama"].address(written) == address


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("llm.corp.example/v1", "https://llm.corp.example/v1"),
        ("llm.corp.example:8443", "https://llm.corp.example:8443"),
        ("http://llm.corp.example/v1", "http://llm.corp.example/v1"),
        ("localhost:8000/v1", "http://localhost:8000/v1"),
        ("127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("box:8000", "http://box:8000"),
    ],
)
def test_a_key_goes_out_in_the_clear_only_where_the_spec_says_so(written: str, address: str) -> None:
    assert PROVIDERS["openai-compatible"].address(written) == address


@pytest.mark.parametrize(
    ("kind", "supports", "json"),
    [
        ("openai", None, None),
        ("openai", {"tools", "json_schema"}, None),
        ("openai", {"tools"}, "tool"),
        ("groq", set(), "object"),
        ("deepseek", {"tools"}, "object"),
    ],
)
def test_json_is_asked_for_as_the_model_can(kind: str, supports: set[str] | None, json: str | None) -> None:
    quirks = PROVIDERS[kind].quirks_for(None if supports is None else frozenset(supports))
    assert quirks.get("json") == json


def _recorded_urls() -> Iterator[tuple[str, str]]:
    for path in sorted(RECORDINGS.glob("*/*.json")) if RECORDINGS else ():
        url = json.loads(path.read_text())["request"]["url"].partition("?")[0]
        if url.endswith("/chat/completions"):
            yield path.parent.name, url.removesuffix("/chat/completions")


@needs_recordings
@pytest.mark.parametrize("kind", ["openai", "groq", "together", "mistral", "perplexity", "deepseek", "openrouter"])
def test_the_address_is_the_one_most_recorded(kind: str) -> None:
    urls = [url for recorded, url in _recorded_urls() if recorded == kind]
    assert max(set(urls), key=urls.count) == PROVIDERS[kind].base_url
