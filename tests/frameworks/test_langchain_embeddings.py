"""LangChain embeds by the spec: documents and queries, hints, fallback, errors in its own form, its own tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.exceptions import ModelError
from langchain_core.vectorstores import InMemoryVectorStore
from langchain_tests.integration_tests.embeddings import EmbeddingsIntegrationTests
from langchain_tests.unit_tests.embeddings import EmbeddingsUnitTests

from langchain_llm_router import LLMRouterEmbeddings
from llm_router import NoCandidate, RequestError, routing
from llm_router.testing import Providers
from tests.frameworks.vectors import SPEC, embedding

TEXTS = ["cats drink milk", "dogs chase cats", "stones are hard", "ships sail far", "the sea is deep"]


@pytest.fixture
def providers() -> Iterator[Providers]:
    with embedding() as running:
        yield running


class Standard:
    """How LangChain's tests make our embeddings."""

    made: LLMRouterEmbeddings

    @pytest.fixture(autouse=True)
    def _providers(self, providers: Providers) -> Iterator[None]:
        with providers.router(SPEC) as router:
            self.router = router
            yield

    @property
    def embeddings_class(self) -> type[LLMRouterEmbeddings]:
        """The class under test."""
        return LLMRouterEmbeddings

    @property
    def embedding_model_params(self) -> dict[str, Any]:
        """What ours need."""
        return {"router": self.router, "name": "docs"}


class TestModel(Standard, EmbeddingsUnitTests):
    """What all embeddings must be."""


class TestVectors(Standard, EmbeddingsIntegrationTests):
    """What all embeddings must do."""


async def test_documents_and_queries_are_embedded_as_such_both_ways(providers: Providers) -> None:
    with providers.router(SPEC) as router:
        made = LLMRouterEmbeddings(router=router, name="wiki")
        assert made.embed_documents(TEXTS) == await made.aembed_documents(TEXTS)
        assert made.embed_query(TEXTS[0]) == await made.aembed_query(TEXTS[0])
    said = [entry.body for entry in providers.log]
    assert [body["input_type"] for body in said if isinstance(body, dict)] == [
        "search_document",
        "search_document",
        "search_query",
        "search_query",
    ]


def test_no_documents_have_no_vectors(providers: Providers) -> None:
    with providers.router(SPEC) as router:
        assert LLMRouterEmbeddings(router=router, name="docs").embed_documents([]) == []
    assert providers.log == ()


def test_a_vector_store_finds_what_is_near(providers: Providers) -> None:
    with providers.router(SPEC) as router:
        store = InMemoryVectorStore(LLMRouterEmbeddings(router=router, name="docs"))
        store.add_texts(TEXTS)
        assert [found.page_content for found in store.similarity_search("who chase dogs", k=1)] == [TEXTS[1]]


async def test_hints_of_constructor_and_context_reach_a_guard(providers: Providers) -> None:
    with providers.router(SPEC) as router:
        private = LLMRouterEmbeddings(router=router, name="docs", metadata={"pii": True})
        open_to_all = LLMRouterEmbeddings(router=router, name="docs", metadata={"pii": False})
        private.embed_query("a")
        open_to_all.embed_query("b")
        with routing(metadata={"pii": True}, model="gpt-4o-mini"):
            begun = open_to_all.aembed_query("c")
        await begun
    assert [entry.deployment for entry in providers.log] == ["house", "small", "house"]


def test_errors_are_langchains_and_the_routers(providers: Providers) -> None:
    with providers.router(SPEC) as router:
        made = LLMRouterEmbeddings(router=router, name="wiki", metadata={"pii": True})
        with pytest.raises(NoCandidate) as caught:
            made.embed_query("secret")
        assert isinstance(caught.value, ModelError)
        with pytest.raises(RequestError, match="the text at 1 is empty"):
            made.embed_documents(["a", ""])


def test_what_is_no_option_is_refused(providers: Providers) -> None:
    with providers.router(SPEC) as router:
        for options, words in (
            ({}, "several `embeddings`"),
            ({"name": "dosc"}, "have no `dosc`"),
            ({"name": "docs", "temperature": 0}, "unknown keyword `temperature`"),
            ({"name": "docs", "spec": SPEC}, "a spec or a router"),
            ({"name": "docs", "dimensions": 9999}, "of 9999 dimensions|, not 9999"),
        ):
            with pytest.raises(RequestError, match=words):
                LLMRouterEmbeddings(router=router, **options)
    with pytest.raises(RequestError, match="embeddings need a spec"):
        LLMRouterEmbeddings()
