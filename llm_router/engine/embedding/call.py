"""What a call of `Router.embed` says, checked: texts, name, dimensions, purpose. Raises RequestError."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypedDict, get_args

from llm_router.diagnostics import did_you_mean
from llm_router.errors import RequestError
from llm_router.policy.program import Embedding, Program
from llm_router.wire.embedding import Purpose

Texts = str | Iterable[str]

OF_CHAT = frozenset({"model", "provider", "prefer", "capability"})
"""Hints that say who shall answer: around a call they are meant for chats, and only in the call itself for vectors."""


class EmbedOptions(TypedDict, total=False):
    """What `Router.embed` takes beside texts and hints.

    `name` is the spec's section; it may be left out where there is only one. `dimensions` is how many numbers each
    vector shall have, where section and model leave a choice. `purpose` tells models that embed questions and
    documents differently which it is.
    """

    name: str | None
    dimensions: int | None
    purpose: Purpose | None


def read_texts(texts: Texts) -> tuple[str, ...]:
    """The texts, at least one and none of them blank."""
    _check_kind(texts)
    listed = (texts,) if isinstance(texts, str) else tuple(texts)
    if not listed:
        raise RequestError("there is no text to embed", help="pass a text, or a list with one at least")
    for place, text in enumerate(listed):
        _check_text(text, place, alone=isinstance(texts, str))
    return listed


def embedding_named(program: Program, name: str | None) -> Embedding:
    """The embedding of this name; the only one where no name is said."""
    known = program.embeddings
    if not known:
        advice = "add one, as `embeddings: {docs: {use: openai:text-embedding-3-small}}`"
        raise RequestError("the spec has no `embeddings`", help=advice)
    if name is None and len(known) == 1:
        return next(iter(known.values()))
    if name is None:
        raise RequestError("the spec has several `embeddings`", help=f'say which: name="{next(iter(known))}"')
    if name not in known:
        raise RequestError(f"the spec's `embeddings` have no `{name}`", help=did_you_mean(name, known))
    return known[name]


def dimensions_of(embedding: Embedding, wanted: int | None) -> int | None:
    """How many dimensions the vectors shall have: as the spec says, else as the call does, else as the model does."""
    usual, fixed = embedding.usual, embedding.dimensions
    if wanted is None or wanted == fixed:
        return fixed
    _check_count(wanted)
    if fixed is not None and (usual is None or fixed != usual.dimensions):
        advice = "mixed vectors corrupt an index: leave `dimensions` out, or change the spec"
        raise RequestError(f"`{embedding.name}` has vectors of {fixed} dimensions, not {wanted}", help=advice)
    if usual is not None and not usual.can_have(wanted):
        message = f"`{embedding.model}` can't give vectors of {wanted} dimensions"
        raise RequestError(message, help=usual.choice)
    return wanted


def _check_count(wanted: object) -> None:
    if isinstance(wanted, bool) or not isinstance(wanted, int) or wanted < 1:
        raise RequestError(f"`dimensions` is a whole number of at least 1, not `{wanted!r}`")


def check_purpose(purpose: object) -> None:
    """Nothing, for a purpose that there is."""
    if purpose is not None and purpose not in get_args(Purpose):
        raise RequestError(f"`{purpose}` is no purpose", help='say "query" or "document", or leave it out')


def around(*layers: Mapping[str, object]) -> tuple[Mapping[str, object], ...]:
    """The hints from around a call, without those that are meant for chats."""
    return tuple({key: value for key, value in layer.items() if key not in OF_CHAT} for layer in layers)


def _check_kind(texts: object) -> None:
    if not isinstance(texts, Iterable) or isinstance(texts, bytes | Mapping):
        raise RequestError(f"`{type(texts).__name__}` is no text to embed", help="pass a text, or a list of them")


def _check_text(text: object, place: int, *, alone: bool) -> None:
    where = "the text" if alone else f"the text at {place}"
    if not isinstance(text, str):
        kind = type(text).__name__
        raise RequestError(f"{where} is no text, but `{kind}`", help="pass texts, or a list of them")
    if not text.strip():
        raise RequestError(f"{where} is empty", help="leave it out: a vector of nothing is near to everything")
