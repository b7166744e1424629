"""Which models a spec starts with that somebody has only a key for: one small and one large a kind of provider.

`data/starters.json` holds them, in the order in which they are asked where nothing else decides, with source and day.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

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
