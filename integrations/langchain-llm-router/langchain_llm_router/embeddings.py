"""LangChain embeddings whose spec picks who turns texts into vectors, always by one model."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any, Self

from langchain_core.embeddings import Embeddings
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import override

from langchain_llm_router.errors import model_errors
from llm_router import Embeddings as Vectors
from llm_router import Router
from llm_router.context import current_hints, merge_hints, only_hints
from llm_router.engine.embedding.call import around, dimensions_of, embedding_named
from llm_router.errors import RequestError
from llm_router.keywords import check_source, read_embedder
from llm_router.wire.embedding import Purpose


class LLMRouterEmbeddings(BaseModel, Embeddings):
    """Embeddings by the deployments that an entry of the spec's `embeddings` names.

    Make one with `LLMRouterEmbeddings.from_file("spec.yaml")`, `LLMRouterEmbeddings(spec=…)` (a mapping, or YAML text)
    or `LLMRouterEmbeddings(router=…)`. `name` says which entry, where there are several; `dimensions` is how many
    numbers a vector shall have, where the spec leaves a choice. Hints are keywords (`metadata={"pii": True}`);
    `with llm_router.routing(…)` goes before them. Documents and queries are embedded for what they are.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    router: Router = Field(exclude=True, repr=False)
    routing: dict[str, Any] = Field(default_factory=dict, repr=False)
    name: str | None = None
    dimensions: int | None = None

    def __init__(self, *, spec: Mapping[str, Any] | str | None = None, **options: Any) -> None:
        """Raises SpecError for a wrong spec, RequestError for unknown keywords, no such entry, no such vectors."""
        with model_errors():
            said = read_embedder(options, type(self).model_fields)
            check_source(spec, said.get("router"))
            router = said.get("router") or _router_of(spec)
            dimensions_of(embedding_named(router.program, said.get("name")), said.get("dimensions"))
        super().__init__(**{**said, "router": router})

    @classmethod
    def from_file(cls, path: str | Path, **options: Any) -> Self:
        """Embeddings by the spec in this file; options are hints, `name` and `dimensions`. Raises SpecError."""
        return cls(router=Router.from_file(path), **options)

    @override
    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """A vector for each text, in their order; none for none."""
        if not texts:
            return []
        return _lists(self._embed(texts, "document"))

    @override
    def embed_query(self, text: str) -> list[float]:
        """The vector of a text that looks others up."""
        return list(self._embed(text, "query").vector)

    @override
    def aembed_documents(self, texts: list[str]) -> Coroutine[Any, Any, list[list[float]]]:
        """A vector for each text, in their order; none for none. Hints are taken now."""
        return self._documents(self._begun(texts, "document") if texts else None)

    @override
    def aembed_query(self, text: str) -> Coroutine[Any, Any, list[float]]:
        """The vector of a text that looks others up. Hints are taken now."""
        return self._query(self._begun(text, "query"))

    def _embed(self, texts: str | list[str], purpose: Purpose) -> Vectors:
        said = self._said()
        with model_errors(), only_hints({}):
            return self.router.embed(texts, purpose=purpose, **said)

    def _begun(self, texts: str | list[str], purpose: Purpose) -> Coroutine[Any, Any, Vectors]:
        said = self._said()
        with model_errors(), only_hints({}):
            return self.router.aembed(texts, purpose=purpose, **said)

    async def _documents(self, begun: Coroutine[Any, Any, Vectors] | None) -> list[list[float]]:
        with model_errors():
            return [] if begun is None else _lists(await begun)

    async def _query(self, begun: Coroutine[Any, Any, Vectors]) -> list[float]:
        with model_errors():
            return list((await begun).vector)

    def _said(self) -> dict[str, Any]:
        """What a call says: the hints that hold now before those of the constructor."""
        hints = merge_hints(*around(current_hints()), self.routing)
        return {**hints, "name": self.name, "dimensions": self.dimensions}


def _lists(found: Vectors) -> list[list[float]]:
    return [list(vector) for vector in found.vectors]


def _router_of(spec: Mapping[str, Any] | str | None) -> Router:
    if spec is None:
        advice = "pass spec=… or router=…, or use LLMRouterEmbeddings.from_file(path)"
        raise RequestError("embeddings need a spec", help=advice)
    return Router.from_text(spec) if isinstance(spec, str) else Router.from_spec(spec)
