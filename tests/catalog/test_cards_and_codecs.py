"""What a card says a model takes is what its dialect sends: nobody is kept out, or let in to fail, by half of it."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from llm_router import Environment, Router
from llm_router.catalog.cards import card_names, find_card
from llm_router.catalog.providers import PROVIDERS
from llm_router.messages import ChatRequest, Settings, Thinking, user
from llm_router.wire.codec import Target, Unsupported
from llm_router.wire.dialects import codec_of
from tests.wire.fitting import encode_fitted

THINKING: tuple[Thinking | None, ...] = (None, "none", "low", "medium", "high")
SAMPLING = [Settings(temperature=value) for value in (0.2, 1.0)] + [Settings(top_p=value) for value in (0.5, 0.97, 1.0)]


def _known(kind: str) -> list[tuple[str, str]]:
    """The models of this kind that are served today, and that reason as far as is known."""
    cards = {name: find_card(kind, name) for name in card_names()}
    return [
        (kind, name)
        for name, card in cards.items()
        if card and card.name == name and not card.retired and not card.vectors and "reasoning" not in card.refuses
    ]


def _sent(kind: str, model: str, settings: Settings) -> bool:
    """Whether the dialect can say it."""
    row = PROVIDERS[kind]
    target = Target("https://x.test/v1", model, {}, {}, row.quirks_for(None, model))
    request = ChatRequest((user("hello"),), settings=settings)
    try:
        encode_fitted(codec_of(row.dialect_of(row.api_for(model))), request, target, stream=False)
    except Unsupported:
        return False
    return True


def _routed(kind: str, model: str, settings: Settings) -> bool:
    """Whether the router would ask it."""
    spec = {"version": 1, "providers": {kind: {"api_key": "k"}}, "rules": [{"use": f"{kind}:{model}"}]}
    with Router.from_spec(spec, environment=Environment()) as router:
        return bool(router.explain(ChatRequest((user("hello"),), settings=settings)).decision.candidates)


@pytest.mark.parametrize(("kind", "model"), [*_known("openai"), *_known("anthropic")])
def test_a_card_and_its_dialect_agree_on_what_can_be_sampled(kind: str, model: str) -> None:
    for thinking, sampling in product(THINKING, SAMPLING):
        if _sent(kind, model, Settings(reasoning=thinking)):  # else the thinking is what can't be sent
            asked = replace(sampling, reasoning=thinking)
            assert _routed(kind, model, asked) == _sent(kind, model, asked), asked
