"""LlamaIndex embeds by the spec: queries and texts, in batches, hints, indexes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from llama_index.core import Document, VectorStoreIndex
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.embeddings.llm_router import LLMRouterEmbedding

from llm_router import NoCandidate, RequestError, routing
from llm_router.testing import Providers
from tests.frameworks.vectors import SPEC, embedding

TEXTS = ["cats drink milk", "dogs chase cats", "stones are hard", "ships sail far", "the sea is deep"]


@pytest.fixture
def providers() -> Iterator[Providers]:
    with embedding() as running:
        yield running


async def test_every_way_to_be_asked_gives_the_same_vectors(providers: Providers) -> None:
    with providers.router(SPEC) as router:
        made = LLMRouterEmbedding(router=router, name="docs")
        assert isinstance(made, BaseEmbedding)
        all_of_them = made.get_text_embedding_batch(TEXTS)
        assert [len(vector) for vector in all_of_them] == [64] * 5
        assert all_of_them == await made.aget_text_embedding_batch(TEXTS)
        assert all_of_them[0] == made.get_text_embedding(TEXTS[0]) == await made.aget_text_embedding(TEXTS[0])
        assert all_of_them[0] == made.get_query_embedding(TEXTS[0]) == await made.aget_query_embedding(TEXTS[0])


def test_queries_and_texts_are_embedded_as_such(providers: Providers) -> None:
    with providers.router(SPEC) as router:
        made = LLMRouterEmbedding(router=router, name="wiki")
        made.get_query_embedding("a")
        made.get_text_embedding("b")
    bodies = [entry.body for entry in providers.log]
    assert [body["input_type"] for body in bodies if isinstance(body, dict)] == ["search_query", "search_document"]


def test_it_says_what_it_is(providers: Providers) -> None:
    with providers.router(SPEC) as router:
        made = LLMRouterEmbedding(router=router, name="docs")
    assert (made.model_name, made.embed_batch_size, made.class_name()) == (
        "text-embedding-3-small",
        2,
        "llm_router_embedding",
    )
    assert "router" not in made.to_dict()


def test_an_index_finds_what_is_near(providers: Providers) -> None:
    with providers.router(SPEC) as router:
        made = LLMRouterEmbedding(router=router, name="docs")
        index = VectorStoreIndex.from_documents([Document(text=text) for text in TEXTS], embed_model=made)
        found = index.as_retriever(similarity_top_k=1).retrieve("who chase dogs")
    assert [node.text for node in found] == [TEXTS[1]]


async def test_hints_of_constructor_and_context_reach_a_guard(providers: Providers) -> None:
    with providers.router(SPEC) as router:
        private = LLMRouterEmbedding(router=router, name="docs", metadata={"pii": True})
        open_to_all = LLMRouterEmbedding(router=router, name="docs", metadata={"pii": False})
        private.get_query_embedding("a")
        open_to_all.get_query_embedding("b")
        with routing(metadata={"pii": True}, model="gpt-4o-mini"):
            begun = [open_to_all.aget_query_embedding("c"), open_to_all.aget_text_embedding("d")]
            several = open_to_all.aget_text_embedding_batch(["e"])
        for each in begun:
            await each
        await several
    assert [entry.deployment for entry in providers.log] == ["house", "small", "house", "house", "house"]


def test_what_cannot_be_is_refused(providers: Providers) -> None:
    with providers.router(SPEC) as router:
        with pytest.raises(NoCandidate):
            LLMRouterEmbedding(router=router, name="wiki", metadata={"pii": True}).get_query_embedding("a")
        with pytest.raises(RequestError, match="unknown keyword `temperature`"):
            LLMRouterEmbedding(router=router, name="docs", temperature=0)
        with pytest.raises(RequestError, match="several `embeddings`"):
            LLMRouterEmbedding(router=router)
        with pytest.raises(RequestError, match=r"of 9999 dimensions|, not 9999"):
            LLMRouterEmbedding(router=router, name="docs", dimensions=9999)
        with pytest.raises(RequestError, match="not by `text-embedding-9`"):
            LLMRouterEmbedding(router=router, name="docs", model_name="text-embedding-9")
    with pytest.raises(RequestError, match="an embedding needs a spec"):
        LLMRouterEmbedding()
