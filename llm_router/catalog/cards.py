"""What is known of models: cards with context, limits and abilities.

`data/cards.json` has one row a model, and for some kinds of provider what they say of a model under their own wire
name (a smaller context, the day of its retirement there). It is read when the first card is asked for.

A name is matched whole. Passed over are, in this order and only as far as needed: upper case; the owner's folder
(`openai/gpt-4o` on OpenRouter); what a kind puts behind a name (`:free`, an Ollama tag's quantisation); a date
(`-2024-08-06`, `-20250929`) or `-latest`; on open weights `-turbo`, `-fp8` and their like. Dots and dashes are equal
(`claude-sonnet-4.5`). Nothing is ever matched by its beginning: `gpt-4o-mini` is not `gpt-4o`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from llm_router.catalog.providers import PROVIDERS


@dataclass(frozen=True, slots=True)
class VectorFacts:
    """What the vectors of an embedding model are: how many `dimensions` it gives unasked, and what it can be asked for.

    From `least` to `most`, where these are known, and one of `only`, where it has but some.
    """

    dimensions: int
    least: int | None = None
    most: int | None = None
    only: tuple[int, ...] = ()

    def can_have(self, dimensions: int) -> bool:
        """Whether the model can give this many."""
        if self.least is not None and self.most is not None and self.least <= dimensions <= self.most:
            return True
        return dimensions == self.dimensions or dimensions in self.only

    @property
    def choice(self) -> str:
        """How many it gives, and can be asked for, in words."""
        if self.least is not None and self.most is not None:
            return f"it gives {self.dimensions}, or from {self.least} to {self.most}"
        return f"it gives {self.dimensions}" + (f", or one of {', '.join(map(str, self.only))}" if self.only else "")


@dataclass(frozen=True, slots=True)
class ModelCard:
    """Facts about one model, as one kind of provider serves it, with source and day (ISO).

    `context` and `max_output` are tokens, `None` where nobody says. `supports` holds words of `tools, images, files,
    audio, json_schema, reasoning, prefill`, and is `None` where nobody says. `refuses` are the settings
    (`temperature, top_p, stop, seed, reasoning`) that the model answers with an error or doesn't know.
    `while_thinking` are those that it takes only from a least value on while it thinks; it `thinks_unasked` where it
    does so unless it is told `reasoning: none`. `quality` is 0 to 100 by task (with `any`), only where a figure is
    sourced. `retired` is the day (ISO) on which this kind of provider switched it off, or will; `replaced_by` is the
    wire name that it names instead. `vectors` tells of an embedding model, whose `context` is the longest text; it is
    `None` for all others.
    """

    name: str
    context: int | None = None
    max_output: int | None = None
    supports: frozenset[str] | None = None
    refuses: frozenset[str] = frozenset()
    while_thinking: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    thinks_unasked: bool = False
    quality: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    retired: str | None = None
    replaced_by: str | None = None
    source: str = ""
    date: str = ""
    vectors: VectorFacts | None = None


def find_card(kind: str, model: str) -> ModelCard | None:
    """The card of what a provider of this kind serves under the wire name `model`; None where nothing is known."""
    return _find(kind, model)


def card_named(name: str, kind: str | None = None) -> ModelCard | None:
    """The card of the model that a spec names with `card:`, whoever serves it; None for a name that isn't known.

    It is retired only where a provider of its maker's `kind` serves it.
    """
    rows = _rows()
    found = next((known for part in _readings(name) if (known := rows.by_key.get(_key(part)))), None)
    if found is None:
        return None
    by_its_maker = kind is None or kind == _kind_of(rows.cards[found]["by"])
    return rows.card(found) if by_its_maker else replace(rows.card(found), retired=None, replaced_by=None)


def card_names() -> tuple[str, ...]:
    """The names that `card:` may have, sorted."""
    return tuple(sorted(_rows().cards))


def wire_names(kind: str) -> tuple[str, ...]:
    """Wire names that cards know at this kind of provider: those of its own models, and those that it serves."""
    rows = _rows()
    own = (name for name, row in rows.cards.items() if row["by"] == OWNERS.get(kind))
    return (*own, *rows.served.get(kind, {}))


OWNERS: Mapping[str, str] = {
    "openai": "openai",
    "mistral": "mistral",
    "deepseek": "deepseek",
    "perplexity": "perplexity",
    "xai": "xai",
    "anthropic": "anthropic",
    "gemini": "google",
    "cohere": "cohere",
}
"""Kinds of provider that serve their own models, and by what name `data/cards.json` calls the owner."""

FOLDERS: Mapping[str, str] = {
    "openai": "openai",
    "anthropic": "anthropic",
    "google": "google",
    "gemini": "google",
    "vertex_ai": "google",
    "mistralai": "mistral",
    "mistral": "mistral",
    "deepseek": "deepseek",
    "deepseek-ai": "deepseek",
    "x-ai": "xai",
    "xai": "xai",
    "perplexity": "perplexity",
    "cohere": "cohere",
    "meta-llama": "meta",
    "qwen": "alibaba",
    "microsoft": "microsoft",
    "moonshotai": "moonshot",
    "z-ai": "zai",
    "zai-org": "zai",
    "minimax": "minimax",
    "minimaxai": "minimax",
}
"""What stands before the slash of a wire name, by owner; behind any other folder only open weights are looked for."""

_PROVIDER_TAG = re.compile(r":[\w.-]+$")
_DATE = re.compile(r"(?:[-@](?:\d{4}-\d{2}-\d{2}|\d{8})|-latest)$")
_PACKING = re.compile(r"(?:-(?:turbo|lite|fast|fp8|fp16|bf16|awq|gptq|gguf|mlx|\dbit|tput|free|hf))+$")
_SLUG_FIGURE = re.compile(r"(?<=\d)p(?=\d)")


@dataclass(frozen=True, slots=True)
class _Rows:
    """The raw rows; a card is made only when asked for."""

    cards: Mapping[str, Mapping[str, Any]]  # JSON; `card` reads it
    served: Mapping[str, Mapping[str, Mapping[str, Any]]]
    by_key: Mapping[str, str]

    def card(self, name: str, over: Mapping[str, Any] | None = None, kind: str | None = None) -> ModelCard:
        """The card `name`, with what a kind of provider says of it instead, and what its server adds and lacks.

        Who made a model says when it is switched off there; others go on serving it until they say so themselves.
        """
        row = self.cards[name]
        if kind is not None and kind != _kind_of(row["by"]):
            row = {**row, "retired": None, "replaced_by": None}
        row = {**row, **(over or {})}
        supports = frozenset(row["supports"]) if "supports" in row else None
        refuses = frozenset(row.get("refuses", ()))
        if supports is not None:
            refuses |= frozenset() if "reasoning" in supports else {"reasoning"}
            if kind is not None and kind in PROVIDERS and "vectors" not in row:
                supports = (supports | PROVIDERS[kind].adds) - PROVIDERS[kind].lacks
        return ModelCard(
            name,
            row["context"],
            row.get("max_output"),
            supports,
            refuses,
            row.get("while_thinking", {}),
            row.get("thinks_unasked", False),
            retired=row.get("retired"),
            replaced_by=row.get("replaced_by"),
            source=row["source"],
            date=row["date"],
            vectors=_vectors(row["vectors"]) if "vectors" in row else None,
        )


def _vectors(row: Mapping[str, Any]) -> VectorFacts:
    return VectorFacts(row["dimensions"], row.get("least"), row.get("most"), tuple(row.get("only", ())))


@cache
def _rows() -> _Rows:
    content = json.loads(Path(__file__).with_name("data").joinpath("cards.json").read_bytes())
    cards = content["cards"]
    by_key = {_key(alias): name for name, row in cards.items() for alias in (name, *row.get("names", ()))}
    return _Rows(cards, content["served"], by_key)


@lru_cache(maxsize=4096)
def _find(kind: str, model: str) -> ModelCard | None:
    rows, name = _rows(), model.strip().lower()
    if kind == "ollama":
        return _on_ollama(rows, name)
    if kind == "litellm" and name.partition("/")[0] in _LITELLM:
        prefix, _, rest = name.partition("/")
        return _find(_LITELLM[prefix], rest)
    said = rows.served.get(kind, {})
    for part in _served_readings(name):
        if part in said:
            return rows.card(said[part]["card"], said[part], kind)
    known = next((card for card in _candidates(rows, name) if _may_serve(kind, name, rows.cards[card])), None)
    return rows.card(known, kind=kind) if known else None


_LITELLM: Mapping[str, str] = {
    "groq": "groq",
    "together_ai": "together",
    "fireworks_ai": "fireworks",
    "huggingface": "huggingface",
    "openrouter": "openrouter",
    "ollama": "ollama",
    "ollama_chat": "ollama",
    "hosted_vllm": "vllm",
    "lm_studio": "lmstudio",
}
"""Prefixes of a LiteLLM proxy's names behind which another kind's names stand; the owners' are folders."""


def _may_serve(kind: str, name: str, row: Mapping[str, Any]) -> bool:
    """Whether this kind of provider can mean this model: its own, or that of the folder, or open weights."""
    if kind in OWNERS:
        return bool(row["by"] == OWNERS[kind]) and "/" not in name
    folder, slash, _ = name.rpartition("/")
    owner = FOLDERS.get(folder)
    if kind in ("groq", "together", "fireworks", "huggingface") or (slash and owner is None):
        return bool(row.get("open", False))
    return owner is None or bool(row["by"] == owner or row.get("open", False))


def _candidates(rows: _Rows, name: str) -> Iterator[str]:
    """Cards that a name may mean, the most literal reading first."""
    for part in _readings(name):
        if known := rows.by_key.get(_key(part)):
            yield known
    if "accounts/" in name:
        name = _SLUG_FIGURE.sub(".", name)
    packed = _PACKING.sub("", _untagged(name).rpartition("/")[2])
    known = rows.by_key.get(_key(packed))
    if known and rows.cards[known].get("open"):
        yield known


def _readings(name: str) -> Iterator[str]:
    """The name without its folder, then without what hubs put behind it, then without its date."""
    plain = name.strip().lower().rpartition("/")[2]
    yield plain
    untagged = _untagged(plain)
    yield untagged
    yield _DATE.sub("", untagged)


def _served_readings(name: str) -> Iterator[str]:
    yield name
    yield _untagged(name)


def _untagged(name: str) -> str:
    return _PROVIDER_TAG.sub("", name)


def _on_ollama(rows: _Rows, name: str) -> ModelCard | None:
    """By family and size: `llama3.1:70b-instruct-q4_K_M` as `llama3.1:70b`, an unknown tag as its family's usual size.

    A name with a folder (`hf.co/bartowski/Llama-3.3-70B-Instruct-GGUF:Q4_K_M`) is looked for among open weights.
    """
    folder, _, plain = name.removeprefix("library/").rpartition("/")
    family, _, tag = plain.partition(":")
    said = rows.served["ollama"]
    if not folder:
        for part in (plain, f"{family}:{tag.partition('-')[0]}", family):
            if part in said and not (part == family and _other_size(tag, said[part]["card"])):
                return rows.card(said[part]["card"], said[part], "ollama")
    found = (card for card in _candidates(rows, plain) if rows.cards[card].get("open"))
    known = next(found, None)
    return rows.card(known, kind="ollama") if known else None


def _other_size(tag: str, card: str) -> bool:
    """Whether a tag names a size (`70b`, `8x22b`, `e2b`) that isn't the card's: the family's card would be a guess."""
    size = re.match(r"(?:\d+x|e)?\d+(?:\.\d+)?[bm]\b", tag)
    return size is not None and size[0] not in card.split("-")


def _kind_of(owner: str) -> str:
    return next((kind for kind, name in OWNERS.items() if name == owner), "")


def _key(name: str) -> str:
    return name.lower().replace(".", "-").replace("_", "-")
