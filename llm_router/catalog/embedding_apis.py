"""What is known of the providers' embedding APIs: one frozen row a kind, read from `data/embedding_apis.json`.

A kind that isn't there has none that we speak. Where a provider states no limit for one request, `batch` is a number
that every server of the kind takes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

EmbeddingDialect = Literal["openai", "gemini", "cohere", "ollama", "huggingface"]
VectorEncoding = Literal["float", "base64", "base64_int8"]
"""How vectors are asked for: as JSON numbers, or as base64 of floats (a quarter of the bytes) or of signed bytes."""


@dataclass(frozen=True, slots=True)
class EmbeddingApi:
    """How a kind of provider embeds.

    `batch` is the most texts of one request, `batch_tokens` the most tokens of all of them together, where that is
    known. `dimensions_key` is what the number of dimensions is called, `None` where it can't be chosen. `path` is
    added to the provider's base URL by dialects that leave it open. `source` and `date` (ISO) are the facts' own.
    """

    dialect: EmbeddingDialect
    batch: int
    batch_tokens: int | None = None
    dimensions_key: str | None = None
    encoding: VectorEncoding = "float"
    path: str = "/embeddings"
    source: str = ""
    date: str = ""


def embedding_api(kind: str) -> EmbeddingApi | None:
    """How providers of this kind embed; None where they don't."""
    return _apis().get(kind)


def embedding_kinds() -> tuple[str, ...]:
    """The kinds of provider that embed."""
    return tuple(_apis())


@cache
def _apis() -> Mapping[str, EmbeddingApi]:
    path = Path(__file__).with_name("data").joinpath("embedding_apis.json")
    rows: Mapping[str, Mapping[str, Any]] = json.loads(path.read_bytes())
    return {kind: EmbeddingApi(**row) for kind, row in rows.items()}
