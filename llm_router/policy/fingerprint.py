"""The hashes that name a spec and a program: the same on every machine, whatever the environment holds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from hashlib import blake2b
from importlib import resources
from importlib.resources.abc import Traversable

from llm_router.spec.source import Plain

_SIZE = 16


def spec_hash(tree: Plain) -> str:
    """The hash of a spec as written: its values and their order, not its comments, quotes and line ends."""
    text = json.dumps(tree, ensure_ascii=True, separators=(",", ":"))
    return blake2b(text.encode(), digest_size=_SIZE).hexdigest()


def program_hash(spec: str) -> str:
    """The hash of a spec's hash and of what the catalogue knows."""
    return blake2b(f"{spec}\0{_catalogue()}".encode(), digest_size=_SIZE).hexdigest()


@cache
def _catalogue() -> str:
    """The hash of the catalogue's data."""
    digest = blake2b(digest_size=_SIZE)
    for file in _files(resources.files("llm_router.catalog").joinpath("data")):
        digest.update(file.name.encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _files(folder: Traversable) -> Iterator[Traversable]:
    for entry in sorted(folder.iterdir(), key=lambda each: each.name):
        if entry.is_dir():
            yield from _files(entry)
        elif entry.name.endswith(".json"):
            yield entry
