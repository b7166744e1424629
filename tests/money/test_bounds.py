"""How much of a budget a request reserves: as little as is surely enough at whom it asks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from llm_router import Environment, Router
from llm_router.catalog.tokens import count_text, most_tokens
from llm_router.catalog.vocabulary import LONGEST_RUN, counter_for
from llm_router.messages import ChatRequest, Media, user
from tests.catalog.test_tokens import _recorded
from tests.recordings import needs_recordings

TEXT = "why is the sky blue?"
KEYS = {f"{name}_API_KEY": "k" for name in ("OPENAI", "ANTHROPIC", "MISTRAL", "GROQ")}
BUDGETS = [{"name": "small", "amount": "50 USD", "every": "month"}]
PRICE = {"input": 1, "output": 1}
GENERAL = len(TEXT) + 24 + 800


def bound(deployment: Mapping[str, Any], *, text: Any = TEXT, **sections: Any) -> int:
    """The input tokens that one call reserves."""
    spec = {
        "version": 1,
        "deployments": {"one": {"price": PRICE, **deployment}},
        "rules": [{"use": "one"}],
        "budgets": BUDGETS,
        **sections,
    }
    said = {name: section for name, section in spec.items() if section is not None}
    with Router.from_spec(said, environment=Environment(KEYS, Path())) as router:
        (estimate,) = router.estimate(text)
    assert estimate.cost_bound == (estimate.input_tokens_bound + (estimate.output_cap or 0)) * 10**6
    return estimate.input_tokens_bound


def exact(text: str) -> int:
    count = counter_for("gpt-4o")
    counted = None if count is None else count(text)
    if counted is None:
        pytest.skip("the vocabulary isn't on this machine")
    return counted


GPT = {"provider": "openai", "model": "gpt-4o"}
PROXY = {"proxy": {"kind": "openai", "base_url": "https://llm.example/v1"}}
OTHERWISE: list[tuple[dict[str, Any], dict[str, Any], int]] = [
    ({"provider": "mistral", "model": "mistral-small-latest"}, {}, len(TEXT) + 24 + 100),
    ({"provider": "openai", "model": "gpt-4o-search-preview"}, {}, GENERAL),
    ({"provider": "groq", "model": "llama-3.3-70b-versatile"}, {}, GENERAL),
    ({"provider": "proxy", "model": "gpt-4o"}, {"providers": PROXY}, GENERAL),
    ({**GPT, "settings": {"extra": {"web_search_options": {}}}}, {}, GENERAL),
    (GPT, {"settings": {"extra": {"web_search_options": {}}}}, GENERAL),
    (GPT, {"budgets": None, "settings": {"max_output_tokens": 100}}, GENERAL),
]


def test_openais_models_are_counted_by_their_vocabulary() -> None:
    assert bound(GPT) == exact(TEXT) + 8 + 50


def test_max_cost_is_held_against_the_same_bound() -> None:
    rules = [{"use": {"from": ["one"], "max_cost": "1 USD"}}]
    assert bound(GPT, budgets=None, rules=rules) == exact(TEXT) + 8 + 50


@pytest.mark.parametrize(("deployment", "sections", "expected"), OTHERWISE)
def test_elsewhere_a_text_counts_with_its_bytes_and_what_is_hidden(
    deployment: dict[str, Any], sections: dict[str, Any], expected: int
) -> None:
    assert bound(deployment, **sections) == expected


def test_an_image_counts_as_the_model_counts_it_and_nothing_as_more_than_a_context() -> None:
    claude = {"provider": "anthropic", "model": "claude-sonnet-4-5"}
    image = ChatRequest((user(TEXT, Media("image", url="https://x.example/a.png")),))
    document = ChatRequest((user(TEXT, Media("file", data=b"%PDF", media_type="application/pdf")),))
    assert bound(claude, text=image) == len(TEXT) + 24 + 100 + 4_784
    assert bound(claude, text=document) == 200_000


def test_without_vocabularies_the_bound_is_the_same_on_every_machine() -> None:
    assert most_tokens(ChatRequest.of(TEXT), "openai", "gpt-4o", exactly=False) == len(TEXT) + 8 + 50


def _kind(name: str) -> str:
    folder = name.partition("/")[0]
    return "azure" if folder == "azure_openai" else folder


@needs_recordings
@pytest.mark.parametrize("exactly", [True, False])
def test_no_recorded_usage_is_above_the_bound_of_who_served_it(exactly: bool) -> None:
    recorded = list(_recorded())
    above = [
        (name, used)
        for name, request, model, used in recorded
        if used > most_tokens(request, _kind(name), model, exactly=exactly)
    ]
    assert len(recorded) > 250
    assert above == []


@pytest.mark.parametrize("letter", [" ", "a", "!", "\n"])
def test_a_text_that_no_person_wrote_is_estimated(letter: str) -> None:
    text = f"so {letter * LONGEST_RUN * 500} it was"
    counted = count_text(text, "gpt-4o")
    assert (counted.basis, counted.upper) == ("estimated", len(text))
