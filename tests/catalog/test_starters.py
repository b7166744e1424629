"""The models that a spec starts with are known, priced and not retired."""

from __future__ import annotations

import pytest

from llm_router.catalog.cards import find_card
from llm_router.catalog.prices import find_price
from llm_router.catalog.providers import PROVIDERS
from llm_router.catalog.starters import Starter, starters, starters_for

ALL = [each for each in starters().values() if each.kind in PROVIDERS]
PRICED = [each for each in ALL if not PROVIDERS[each.kind].local]


@pytest.mark.parametrize("starter", ALL, ids=lambda each: each.kind)
def test_small_and_large_are_known_and_not_retired(starter: Starter) -> None:
    for model in (starter.small, starter.large):
        card = find_card(starter.kind, model)
        assert card is not None
        assert card.context
        assert card.retired is None
        assert PROVIDERS[starter.kind].local or find_price(starter.kind, model) is not None


@pytest.mark.parametrize(
    "starter", [each for each in ALL if not PROVIDERS[each.kind].local], ids=lambda each: each.kind
)
def test_small_is_the_cheaper_one(starter: Starter) -> None:
    small, large = find_price(starter.kind, starter.small), find_price(starter.kind, starter.large)
    assert small is not None
    assert large is not None
    assert small.input + small.output < large.input + large.output


def test_a_key_under_any_of_its_names_counts_and_an_empty_one_does_not() -> None:
    found = starters_for({"GOOGLE_API_KEY": "k", "OPENAI_API_KEY": "", "MISTRAL_API_KEY": "k"})
    assert [each.kind for each in found] == ["gemini", "mistral"]


def test_ollama_counts_where_its_address_is_set_or_it_is_asked_for() -> None:
    assert [each.kind for each in starters_for({"OLLAMA_HOST": "localhost"})] == ["ollama"]
    assert [each.kind for each in starters_for({}, local=True)] == ["ollama"]
    assert starters_for({}) == ()
