"""Which card a name finds, and that the cards agree with what providers were recorded to do."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from llm_router.catalog.cards import card_named, card_names, find_card
from llm_router.catalog.providers import PROVIDERS
from tests.recordings import RECORDINGS, needs_recordings

CASES = yaml.safe_load(Path(__file__).with_name("cards.yaml").read_text())
ABILITIES = {"tools", "images", "files", "audio", "json_schema", "reasoning", "prefill"}
SETTINGS = {"temperature", "top_p", "stop", "seed", "reasoning"}


@pytest.mark.parametrize(("kind", "model", "name"), CASES["found"], ids=str)
def test_a_wire_name_finds_its_card(kind: str, model: str, name: str) -> None:
    card = find_card(kind, model)
    assert card is not None
    assert card.name == name


@pytest.mark.parametrize(("kind", "model"), CASES["unknown"], ids=str)
def test_a_name_that_only_resembles_one_finds_none(kind: str, model: str) -> None:
    assert find_card(kind, model) is None


@pytest.mark.parametrize("name", card_names())
def test_every_card_is_found_by_its_name_and_is_whole(name: str) -> None:
    card = card_named(name)
    assert card is not None
    assert card.name == name
    assert card.source
    datetime.date.fromisoformat(card.date)
    datetime.date.fromisoformat(card.retired or card.date)
    assert card.context is None or card.context >= (100 if card.vectors else 1_000)
    assert card.max_output is None or card.context is None or card.max_output <= card.context
    assert (card.supports or set()) <= ABILITIES
    assert card.refuses <= SETTINGS
    assert (card.retired is None) == (card.replaced_by is None)


def test_no_two_cards_answer_to_one_name() -> None:
    for name in card_names():
        for spelling in (name, name.upper(), name.replace(".", "-"), f"{name}-2030-01-01"):
            card = card_named(spelling)
            assert card is not None, spelling
            assert card.name == name, spelling


def test_what_replaces_a_retired_model_is_known() -> None:
    for kind in PROVIDERS:
        for name in card_names():
            card = find_card(kind, name)
            if card is not None and card.replaced_by is not None:
                assert find_card(kind, card.replaced_by) is not None, (kind, name, card.replaced_by)


def test_a_provider_says_what_differs_with_it() -> None:
    groq, meta = find_card("groq", "llama-3.3-70b-versatile"), card_named("llama-3.3-70b")
    assert groq is not None
    assert meta is not None
    assert (groq.max_output, groq.retired, groq.replaced_by) == (32_768, "2026-08-16", "openai/gpt-oss-120b")
    assert (meta.max_output, meta.retired) == (None, None)


def test_a_retirement_at_the_maker_is_none_elsewhere() -> None:
    assert [
        card and card.retired for card in (find_card("openai", "gpt-4"), find_card("openrouter", "openai/gpt-4"))
    ] == [
        "2026-10-23",
        None,
    ]


@pytest.mark.parametrize("kind", ["vllm", "ollama", "azure", "openai-compatible"])
def test_open_weights_that_their_maker_no_longer_serves_go_on_elsewhere(kind: str) -> None:
    """Under a wire name that this kind knows, and named by `card:`."""
    elsewhere, by_card = find_card("ollama", "magistral"), card_named("magistral-small", kind)
    at_home = card_named("magistral-small", "mistral")
    assert elsewhere is not None
    assert by_card is not None
    assert at_home is not None
    assert (elsewhere.name, elsewhere.retired, by_card.retired) == ("magistral-small", None, None)
    assert (at_home.retired, at_home.replaced_by) == ("2026-07-31", "mistral-small-2603")


def test_constrained_decoding_gives_any_model_json_schema() -> None:
    at_home, at_maker = find_card("ollama", "llama3.2:1b"), card_named("llama-3.2-1b")
    assert at_home is not None
    assert at_maker is not None
    assert "json_schema" in (at_home.supports or ())
    assert "json_schema" not in (at_maker.supports or ())


def test_models_that_only_reason_refuse_sampling() -> None:
    card = find_card("openai", "o4-mini")
    assert card is not None
    assert {"temperature", "top_p", "stop"} <= card.refuses
    assert "reasoning" not in card.refuses


def test_models_known_not_to_reason_refuse_to_be_told_to() -> None:
    card = find_card("openai", "gpt-4o")
    assert card is not None
    assert card.refuses == {"reasoning"}


DROPS_UNKNOWN = {"openrouter"}
"""Providers that leave out settings which the model behind them refuses; so an accepted request proves nothing."""

_SENT = {"temperature": "temperature", "top_p": "top_p", "stop": "stop", "seed": "seed", "random_seed": "seed"}
_MEDIA = {
    "image_url": "images",
    "input_audio": "audio",
    "file": "files",
    "document_url": "files",
    "file_url": "files",
}


def _answered() -> Iterator[tuple[str, str, dict[str, Any], str]]:
    """(name, kind, sent body, answer) of all recorded chats that were answered."""
    for path in sorted(RECORDINGS.glob("*/*.json")) if RECORDINGS else ():
        exchange = json.loads(path.read_text())
        body, response = exchange["request"]["body"], exchange["response"]
        kind = path.parent.name
        if kind in PROVIDERS and response["status"] == 200 and isinstance(body, dict) and body.get("messages"):
            yield f"{kind}/{path.stem}", kind, body, response["body"]


def _used(body: dict[str, Any], answer: str) -> set[str]:
    """The abilities that the answered request made use of."""
    contents = [message.get("content") for message in body["messages"] if isinstance(message, dict)]
    parts = [part for content in contents if isinstance(content, list) for part in content if isinstance(part, dict)]
    used = {_MEDIA[part["type"]] for part in parts if part.get("type") in _MEDIA}
    used |= {"tools"} if body.get("tools") and '"tool_calls"' in answer else set()
    wanted = body.get("response_format")
    used |= {"json_schema"} if isinstance(wanted, dict) and wanted.get("type") == "json_schema" else set()
    return used | ({"images"} if any("images" in message for message in body["messages"]) else set())


@needs_recordings
def test_no_recorded_success_contradicts_a_card() -> None:
    wrong = []
    for name, kind, body, answer in _answered():
        card = find_card(kind, body.get("model") or "")
        if card is None:
            continue
        sent = {setting for key, setting in _SENT.items() if body.get(key) not in (None, 1)}
        refused = set() if kind in DROPS_UNKNOWN else sent & card.refuses
        lacking = _used(body, answer) - card.supports if card.supports is not None else set()
        if refused or lacking:
            wrong.append((name, card.name, refused, lacking))
    assert wrong == []


@needs_recordings
def test_most_recorded_models_have_a_card() -> None:
    models = {(kind, body["model"]) for _, kind, body, _ in _answered() if body.get("model")}
    found = {pair for pair in models if find_card(*pair)}
    assert len(found) / len(models) > 0.9, sorted(models - found)


@pytest.mark.parametrize(("kind", "model", "dimensions", "possible"), CASES["vectors"], ids=str)
def test_a_card_tells_how_long_vectors_can_be(kind: str, model: str, dimensions: int, possible: list[int]) -> None:
    card = find_card(kind, model)
    assert card is not None
    assert card.vectors is not None
    assert card.vectors.dimensions == dimensions
    tried = {64, 128, 256, 384, 512, 768, 1024, 1536, 3072, 4096, dimensions}
    assert sorted(each for each in tried if card.vectors.can_have(each)) == possible


def test_only_embedding_models_have_vectors() -> None:
    named = {name for name in card_names() if (card := card_named(name)) is not None and card.vectors is not None}
    assert {name for name in card_names() if "embed" in name} <= named
    assert not {name for name in named if "gpt" in name or "claude" in name}


@needs_recordings
def test_recorded_vectors_are_as_long_as_cards_say() -> None:
    golden = json.loads(Path(__file__).parents[1].joinpath("wire", "embedding_golden.json").read_text())
    for path in sorted(RECORDINGS.glob("*/embeddings-*.json")) if RECORDINGS else ():
        name, body = f"{path.parent.name}/{path.stem}", json.loads(path.read_text())["request"]["body"]
        model = body.get("model") if isinstance(body, dict) else None
        card = find_card(path.parent.name, model) if model and name in golden else None
        vectors = card.vectors if card is not None else None
        if vectors is not None:
            assert all(map(vectors.can_have, golden[name]["dimensions"])), name
