"""Finds the recorded exchanges with real providers, which are kept beside the repository and not in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

_BESIDE = Path(__file__).resolve().parents[2] / "shared" / "recordings"

RECORDINGS: Path | None = _BESIDE if _BESIDE.is_dir() else None
"""The folder of recordings, None where there is none."""

needs_recordings = pytest.mark.skipif(RECORDINGS is None, reason="no recordings in ../shared/recordings")


@dataclass(frozen=True, slots=True)
class Recording:
    """One HTTP exchange. `name` is `provider/case`; header names are lower case; `chunks` are the captured reads."""

    name: str
    provider: str
    path: str
    sent: Any = field(repr=False)
    status: int
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    features: tuple[str, ...]
    chunk_lengths: tuple[int, ...] = field(repr=False)

    @property
    def is_stream(self) -> bool:
        """Whether the answer came as a stream."""
        kind = self.headers.get("content-type", "")
        named = "event-stream" in kind or "ndjson" in kind
        return named or any(feature.endswith("_stream") for feature in self.features)


def recordings(*providers: str) -> Iterator[Recording]:
    """All recordings of these providers, in order of name; none where there is no folder of them."""
    for provider in providers if RECORDINGS is not None else ():
        for file in sorted((RECORDINGS or _BESIDE).joinpath(provider).glob("*.json")):
            yield _read(f"{provider}/{file.stem}", json.loads(file.read_bytes()))


def _read(name: str, exchange: dict[str, Any]) -> Recording:
    sent, got = exchange["request"], exchange["response"]
    return Recording(
        name,
        exchange["provider"],
        (sent.get("path") or sent["url"]).partition("?")[0],
        sent["body"],
        got["status"],
        {key.lower(): value for key, value in got["headers"].items()},
        got["body"].encode("utf-8"),
        tuple(exchange["features"]),
        tuple(got.get("chunk_lengths") or ()),
    )
