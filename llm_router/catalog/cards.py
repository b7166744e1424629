"""What is known of models: cards with context, limits and modalities, read from `data/cards.json` at first look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class ModelCard:
    """Facts about one model, with source and date (ISO).

    `context` and `max_output` are tokens, `None` where nobody says. `supports` holds words of `tools, images, files,
    audio, json_schema, reasoning, prefill`; `refuses` the settings that the model answers with an error (`temperature`,
    `top_p`, `stop`, …). `quality` is 0 to 100 by task (with `any`), only where a figure is sourced. `retired` is the
    day on which it is or was switched off.
    """

    name: str
    context: int | None = None
    max_output: int | None = None
    supports: frozenset[str] = frozenset()
    refuses: frozenset[str] = frozenset()
    quality: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    retired: str | None = None
    replaced_by: str | None = None
    source: str = ""
    date: str = ""


_CARDS: Mapping[str, ModelCard] = {
    "gpt-4o": ModelCard("gpt-4o", 128_000, 16_384, frozenset({"tools", "images", "files", "json_schema"})),
    "gpt-4o-mini": ModelCard("gpt-4o-mini", 128_000, 16_384, frozenset({"tools", "images", "files", "json_schema"})),
    "llama-3.3-70b-versatile": ModelCard("llama-3.3-70b-versatile", 131_072, 32_768, frozenset({"tools"})),
}


def find_card(kind: str, model: str) -> ModelCard | None:
    """The card of what a provider of this kind serves under the wire name `model`; None where nothing is known."""
    del kind
    return card_named(model)


def card_named(name: str) -> ModelCard | None:
    """The card of the model that a spec names with `card:`, whoever serves it."""
    return _CARDS.get(name)
