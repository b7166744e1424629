"""Hints of several layers become those of one request."""

from __future__ import annotations

import pytest

from llm_router.context import merge_hints
from llm_router.errors import RequestError


def test_two_words_for_one_hint_that_differ_are_refused() -> None:
    with pytest.raises(RequestError, match="`budget` is another word for `cost`"):
        merge_hints({"cost": "low", "budget": "high"})


@pytest.mark.parametrize(
    "layers",
    [
        ({"budget": "low"}, {"cost": "high"}),
        ({"cost": "low", "budget": None},),
        ({"cost": "low", "budget": "low"},),
    ],
)
def test_one_word_or_both_alike_are_heard(layers: tuple[dict[str, object], ...]) -> None:
    assert merge_hints(*layers) == {"cost": "low"}
