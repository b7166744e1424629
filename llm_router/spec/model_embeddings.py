"""The section `embeddings`: which deployments turn texts into vectors, all of them by one model."""

from __future__ import annotations

from llm_router.spec.model_failures import Places
from llm_router.spec.model_providers import TimeoutsSpec
from llm_router.spec.section import Section, key
from llm_router.spec.types import Count


class EmbeddingSpec(Section):
    """Who embeds: one model, wherever it is served, so that all vectors of an index compare."""

    use: Places = key(
        "Whom to ask, in order: names of deployments and pools or `provider:model`, all of one embedding model.",
        "openai:text-embedding-3-small",
        ["local:nomic-embed-text"],
        required=True,
    )
    dimensions: Count | None = key("How many numbers a vector has. Default: what the model gives by itself.", 768, 1536)
    batch: Count | None = key("The most texts of one request. Default: what the providers take.", 64)
    timeouts: TimeoutsSpec | None = key("Timeouts of its attempts.", {"total": "30s"})
