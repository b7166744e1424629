"""The models that people commonly ask for are known: priced, or retired with a successor."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from llm_router.catalog.cards import find_card
from llm_router.catalog.prices import find_price

CASES = yaml.safe_load(Path(__file__).with_name("asked_for.yaml").read_text())


@pytest.mark.parametrize(("kind", "model"), CASES, ids=str)
def test_it_has_a_card_and_a_price_or_a_successor(kind: str, model: str) -> None:
    card, price = find_card(kind, model), find_price(kind, model)
    assert card is not None
    assert price is not None or (card.retired and card.replaced_by)
    if card.retired:
        assert card.replaced_by
