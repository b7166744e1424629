"""Which models a spec starts with that somebody has only a key for: one small and one large a kind of provider.

`data/starters.json` holds them, in the order in which they are asked where nothing else decides, with source and day.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import prod
from pathlib import Path
from types import MappingProxyType

from llm_router.catalog.cards import find_card
from llm_router.catalog.providers import PROVIDERS


@dataclass(frozen=True, slots=True)
class Starter:
    """Wire names at one kind of provider: cheap and quick, for what is hard, and for embeddings where there is one."""

    kind: str
    small: str
    large: str
    embedding: str | None = None


@cache
def starters() -> Mapping[str, Starter]:
    """All of them by kind, in order."""
    content = json.loads(Path(__file__).with_name("data").joinpath("starters.json").read_bytes())
    return MappingProxyType({kind: Starter(kind, **names) for kind, names in content["starters"].items()})


def starters_for(variables: Mapping[str, str], *, local: bool = False) -> tuple[Starter, ...]:
    """Those whose key is set, in order; a server of this machine where its address is set, or `local` says so."""
    return tuple(each for each in starters().values() if _is_set_up(each.kind, variables, local=local))


def among(starter: Starter, there: Sequence[str]) -> Starter | None:
    """The starter with models that a server has: its own where they are there, else the smallest and the largest.

    Names end in a tag, as Ollama lists them; what only leads to its cloud is passed over. None where no model chats.
    """
    names = [name.removesuffix(":latest") for name in there if not name.endswith(("-cloud", ":cloud"))]
    embedding = [name for name in names if _embeds(starter.kind, name)]
    chats = sorted((name for name in names if name not in embedding), key=lambda name: _billions(starter.kind, name))
    if not chats:
        return None
    return replace(
        starter,
        small=starter.small if starter.small in chats else chats[0],
        large=starter.large if starter.large in chats else chats[-1],
        embedding=starter.embedding if starter.embedding in embedding else next(iter(embedding), None),
    )


def _embeds(kind: str, name: str) -> bool:
    """Whether it gives vectors: as its card says, else as it is called."""
    card = find_card(kind, name)
    return "embed" in name if card is None else card.vectors is not None


def _billions(kind: str, name: str) -> float:
    """How many weights it has, as its name or its card's tells; the usual number where neither does."""
    card = find_card(kind, name)
    for text in (name.partition(":")[2], card.name if card else "", name):
        if found := _SIZE.search(text):
            return prod(float(figure) for figure in found[1].split("x")) / (1000 if found[2] == "m" else 1)
    return _USUAL


_SIZE = re.compile(r"(?<![\w.])((?:\d+x)?\d+(?:\.\d+)?)([bm])\b", re.IGNORECASE)
_USUAL = 7.0


def key_variables() -> tuple[str, ...]:
    """The first variable of each kind that a key is looked for in."""
    rows = (PROVIDERS[kind] for kind in starters() if kind in PROVIDERS)
    return tuple(row.key_variables[0] for row in rows if row.key_required)


def _is_set_up(kind: str, variables: Mapping[str, str], *, local: bool) -> bool:
    row = PROVIDERS.get(kind)
    if row is None:
        return False
    if row.local:
        return local or any(variables.get(name) for name in row.base_url_variables)
    return any(variables.get(name) for name in row.key_variables)
