"""A LlamaIndex embedding whose spec picks who turns texts into vectors, always by one model."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any, Self

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.bridge.pydantic import Field
from typing_extensions import override

from llm_router import Router, bind_context
from llm_router.context import current_hints, merge_hints, only_hints
from llm_router.engine.embedding.answers import Embeddings
from llm_router.engine.embedding.call import around, dimensions_of, embedding_named
from llm_router.errors import RequestError
from llm_router.keywords import check_source, read_embedder
from llm_router.wire.embedding import Purpose


class LLMRouterEmbedding(BaseEmbedding):
    """An embedding by the deployments that an entry of the spec's `embeddings` names.

    Make one with `LLMRouterEmbedding.from_file("spec.yaml")`, `LLMRouterEmbedding(spec=…)` (a mapping, or YAML text) or
    `LLMRouterEmbedding(router=…)`. `name` says which entry, where there are several; `dimensions` is how many numbers a
    vector shall have, where the spec leaves a choice. Hints are keywords (`metadata={"pii": True}`);
    `with llm_router.routing(…)` goes before them. Texts and queries are embedded for what they are.
    """

    router: Router = Field(exclude=True, repr=False)
    routing: dict[str, Any] = Field(default_factory=dict, repr=False)
    name: str | None = None
    dimensions: int | None = None

    def __init__(self, *, spec: Mapping[str, Any] | str | None = None, **options: Any) -> None:
        """Raises SpecError for a wrong spec, RequestError for unknown keywords, no such entry, no such vectors."""
        said = read_embedder(options, type(self).model_fields)
        check_source(spec, said.get("router"))
        router = said.get("router") or _router_of(spec)
        embedding = embedding_named(router.program, said.get("name"))
        dimensions_of(embedding, said.get("dimensions"))
        if said.get("model_name", embedding.model) != embedding.model:
            message = f"`{embedding.name}` embeds by `{embedding.model}`, not by `{said['model_name']}`"
            raise RequestError(message, help="leave `model_name` out: `name` says which entry of `embeddings` is meant")
        usual = {"model_name": embedding.model, "embed_batch_size": embedding.batch}
        super().__init__(**{**usual, **said, "router": router})

    @classmethod
    def from_file(cls, path: str | Path, **options: Any) -> Self:
        """An embedding by the spec in this file; options are hints, `name` and `dimensions`. Raises SpecError."""
        return cls(router=Router.from_file(path), **options)

    @classmethod
    @override
    def class_name(cls) -> str:
        """The name that LlamaIndex's serialisation uses."""
        return "llm_router_embedding"

    @override
    def _get_query_embedding(self, query: str) -> list[float]:
        return list(self._embed(query, "query").vector)

    @override
    def _get_text_embedding(self, text: str) -> list[float]:
        return list(self._embed(text, "document").vector)

    @override
    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return [list(vector) for vector in self._embed(texts, "document").vectors] if texts else []

    @override
    async def _aget_query_embedding(self, query: str) -> list[float]:
        return list((await self._aembed(query, "query")).vector)

    @override
    async def _aget_text_embedding(self, text: str) -> list[float]:
        return list((await self._aembed(text, "document")).vector)

    @override
    async def _aget_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return [list(vector) for vector in (await self._aembed(texts, "document")).vectors] if texts else []

    # core's own are coroutines: they would take their hints when awaited, not when called

    @override
    def aget_query_embedding(self, query: str) -> Coroutine[Any, Any, list[float]]:
        """The vector of a query."""
        return bind_context(super().aget_query_embedding)(query)

    @override
    def aget_text_embedding(self, text: str) -> Coroutine[Any, Any, list[float]]:
        """The vector of a text."""
        return bind_context(super().aget_text_embedding)(text)

    @override
    def aget_text_embedding_batch(
        self, texts: list[str], show_progress: bool = False, **kwargs: Any
    ) -> Coroutine[Any, Any, list[list[float]]]:
        """The vectors of texts, in their order."""
        return bind_context(super().aget_text_embedding_batch)(texts, show_progress, **kwargs)

    def _embed(self, texts: str | list[str], purpose: Purpose) -> Embeddings:
        said = self._said()
        with only_hints({}):
            return self.router.embed(texts, purpose=purpose, **said)

    def _aembed(self, texts: str | list[str], purpose: Purpose) -> Coroutine[Any, Any, Embeddings]:
        said = self._said()
        with only_hints({}):
            return self.router.aembed(texts, purpose=purpose, **said)

    def _said(self) -> dict[str, Any]:
        """What a call says: the hints that hold now before those of the constructor."""
        hints = merge_hints(*around(current_hints()), self.routing)
        return {**hints, "name": self.name, "dimensions": self.dimensions}


def _router_of(spec: Mapping[str, Any] | str | None) -> Router:
    if spec is None:
        advice = "pass spec=… or router=…, or use LLMRouterEmbedding.from_file(path)"
        raise RequestError("an embedding needs a spec", help=advice)
    return Router.from_text(spec) if isinstance(spec, str) else Router.from_spec(spec)
