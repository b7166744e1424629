"""However a call is split, its vectors stand where its texts do; and both ways of calling give the same."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_router import RequestError, Router
from llm_router.engine.embedding.work import spans
from llm_router.testing import emulated_providers
from llm_router.testing.dialects.embeddings import vector_of

TEXTS = st.lists(st.text(min_size=1).filter(lambda text: text.strip() != ""), min_size=1, max_size=12)
SPEC = """\
version: 1
rules: [{use: "openai:gpt-4o-mini"}]
embeddings:
  all: {use: "lmstudio:any"}
  one: {use: "lmstudio:any", batch: 1}
  two: {use: "lmstudio:any", batch: 2}
  five: {use: "lmstudio:any", batch: 5}
"""


@pytest.fixture(scope="module")
def router() -> Iterator[Router]:
    with emulated_providers(variables={}) as providers, providers.router(SPEC) as made:
        yield made


@given(texts=TEXTS)
def test_order_is_kept_under_any_split(router: Router, texts: list[str]) -> None:
    expected = tuple(pytest.approx(vector_of(text, 64)) for text in texts)
    for name in ("all", "one", "two", "five"):
        assert router.embed(texts, name=name).vectors == expected


@given(texts=TEXTS)
def test_both_ways_of_calling_give_the_same(router: Router, texts: list[str]) -> None:
    async def embedded() -> object:
        found = await router.aembed(texts, name="two")
        return found.vectors, found.usage, len(found.answers)

    found = router.embed(texts, name="two")
    assert asyncio.run(embedded()) == (found.vectors, found.usage, len(found.answers))


@given(
    tokens=st.lists(st.integers(0, 50), max_size=60),
    most=st.integers(1, 9),
    most_tokens=st.none() | st.integers(1, 100),
)
def test_batches_hold_every_text_once_and_are_as_large_as_they_may(
    tokens: list[int], most: int, most_tokens: int | None
) -> None:
    found = list(spans(tokens, most, most_tokens))
    assert [place for start, end in found for place in range(start, end)] == list(range(len(tokens)))
    room = float("inf") if most_tokens is None else most_tokens
    for start, end in found:
        held = sum(tokens[start:end])
        assert end - start <= most
        assert held <= room or end - start == 1
        if end < len(tokens):
            assert end - start == most or held + tokens[end] > room


@given(texts=TEXTS, k=st.integers(0, 15))
def test_the_nearest_come_first_and_a_text_is_nearest_to_itself(router: Router, texts: list[str], k: int) -> None:
    found = router.embed(texts, name="all")
    near = found.nearest(found.vectors[-1], k)
    assert len(near) == min(k, len(texts))
    assert sorted(near, key=lambda each: (-each.similarity, each.place)) == list(near)
    assert all(-1.0 <= each.similarity <= 1.0 for each in near)
    assert not near or near[0].similarity == pytest.approx(1.0)


def test_vectors_of_other_dimensions_are_not_compared(router: Router) -> None:
    with pytest.raises(RequestError, match="the vector has 3 dimensions, and these have 64"):
        router.embed("a", name="all").nearest((1.0, 0.0, 0.0))


def test_what_is_no_vector_is_told(router: Router) -> None:
    found = router.embed("a", name="all")
    for said in (found, "a"):
        with pytest.raises(RequestError, match="is no vector") as told:
            found.nearest(said)  # type: ignore[arg-type]  # what people write
        assert "router.embed(text).vector" in told.value.help


@pytest.mark.parametrize("said", [None, b"a", 7, {"a": "b"}])
def test_what_is_no_text_is_told(router: Router, said: Any) -> None:
    with pytest.raises(RequestError, match="is no text to embed"):
        router.embed(said, name="all")


def test_neither_texts_nor_vectors_are_shown(router: Router) -> None:
    found = router.embed(["a secret", "another"], name="two")
    assert repr(found) == "<Embeddings: 2 vectors of 64 dimensions by 'lmstudio:any'>"
    assert "0." not in repr(found.answers[0].response.message)
    assert "secret" not in repr(found.answers)
