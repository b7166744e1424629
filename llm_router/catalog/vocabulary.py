"""OpenAI's vocabularies, where they lie on this machine: nothing here reaches for the network.

`tiktoken` (extra `tokens`) knows how a vocabulary is used, but fetches the file when it isn't cached. So its recipe is
run with a loader of our own, which takes only what is there: in tiktoken's cache, or bundled with llama-index-core.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import types
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tiktoken

Count = Callable[[str], int | None]
"""How many tokens a text has; None for a text that can't be counted in good time."""

LONGEST_RUN = 2_000
"""So many letters, signs or blanks without a break take time that grows with their square, or more stack than there is
(tiktoken 0.14 gives up on a million blanks): no text that a person wrote."""
_BLANKS = re.compile(rf"\s{{{LONGEST_RUN}}}")
_LETTERS = re.compile(rf"(?<!\w)(?>\w+)(?<=\w{{{LONGEST_RUN}}})|(?<![^\w\s])(?>[^\w\s]+)(?<=[^\w\s]{{{LONGEST_RUN}}})")

_READ_AS = {"cl100k_base": "cl100k_base", "o200k_base": "o200k_base", "o200k_harmony": "o200k_base"}
"""The vocabularies whose recipes load one file and nothing else; they differ in special tokens only, which a text has
none of. Other recipes call each other, and so past our loader."""


def counter_for(model: str) -> Count | None:
    """A function that counts a text's tokens as `model` reads it; None where that can't be known here and offline."""
    name = _vocabulary_of(model)
    encoding = _loaded(name) if name else None
    return None if encoding is None else lambda text: _count(encoding, text)


def _count(encoding: tiktoken.Encoding, text: str) -> int | None:
    return len(encoding.encode_ordinary(_paired(text))) if _is_broken_up(text) else None


def _is_broken_up(text: str) -> bool:
    """Whether no run in the text is too long to be counted."""
    if len(text) < LONGEST_RUN:
        return True
    if _BLANKS.search(text):
        return False
    return not any(_LETTERS.search(word) for word in text.split() if len(word) >= LONGEST_RUN)


@cache
def _vocabulary_of(model: str) -> str | None:
    """The name of the vocabulary, by tiktoken's own table."""
    if importlib.util.find_spec("tiktoken") is None:
        return None
    from tiktoken.model import encoding_name_for_model

    try:
        return _READ_AS.get(encoding_name_for_model(model))
    except KeyError:
        return None


_LOADING = Lock()


def _loaded(name: str) -> tiktoken.Encoding | None:
    """The vocabulary, loaded once (most of a second), whoever asks for it meanwhile."""
    with _LOADING:
        return _load(name)


@cache
def _load(name: str) -> tiktoken.Encoding | None:
    import tiktoken

    recipes = importlib.import_module("tiktoken_ext.openai_public")
    recipe = recipes.ENCODING_CONSTRUCTORS[name]
    offline = types.FunctionType(recipe.__code__, {**vars(recipes), "load_tiktoken_bpe": _read_ranks})
    try:
        return tiktoken.Encoding(**offline())
    except FileNotFoundError:
        return None


def _read_ranks(url: str, expected_hash: str | None = None) -> dict[bytes, int]:
    """The vocabulary that tiktoken would fetch from `url`. Raises FileNotFoundError where it isn't on this machine."""
    import base64
    import hashlib

    for folder in _folders():
        path = folder / hashlib.sha1(url.encode()).hexdigest()
        content = path.read_bytes() if path.is_file() else b""
        if content and expected_hash in (None, hashlib.sha256(content).hexdigest()):
            pairs = (line.split() for line in content.splitlines() if line)
            return {base64.b64decode(token): int(rank) for token, rank in pairs}
    raise FileNotFoundError(url)


def _folders() -> Iterator[Path]:
    import tempfile

    for variable in ("TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR"):
        if folder := os.environ.get(variable):
            yield Path(folder)
    yield Path(tempfile.gettempdir()) / "data-gym-cache"
    spec = importlib.util.find_spec("llama_index")
    for folder in spec.submodule_search_locations or () if spec else ():
        yield Path(folder) / "core" / "_static" / "tiktoken_cache"


def _paired(text: str) -> str:
    """The text with half surrogates replaced, as JSON carries them to a provider."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
