"""What is known of providers: one frozen row per kind, read from `data/providers.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal

Dialect = Literal["openai", "ollama"]


@dataclass(frozen=True, slots=True)
class ProviderRow:
    """One kind of provider.

    `base_url` has no trailing slash and is `None` where the spec must say it. `key_variables` are the conventional
    names of environment variables, in the order in which they are looked at; `key_required` is false where a server
    usually runs without one. `quirks` are named deviations that the dialect's codec reads.
    """

    kind: str
    dialect: Dialect
    base_url: str | None
    key_variables: tuple[str, ...] = ()
    key_required: bool = True
    base_url_variables: tuple[str, ...] = ()
    local: bool = False
    auth: Literal["bearer", "none"] = "bearer"
    organization_header: str | None = None
    quirks: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def _row(kind: str, facts: Mapping[str, object]) -> ProviderRow:
    lists = {key: tuple(value) if isinstance(value, list) else value for key, value in facts.items()}
    quirks = facts.get("quirks", {})
    assert isinstance(quirks, dict)
    return ProviderRow(kind, **{**lists, "quirks": MappingProxyType(quirks)})  # type: ignore[arg-type]  # data, tested


def _read() -> Mapping[str, ProviderRow]:
    rows = json.loads(Path(__file__).with_name("data").joinpath("providers.json").read_bytes())
    return MappingProxyType({kind: _row(kind, facts) for kind, facts in rows.items()})


PROVIDERS: Mapping[str, ProviderRow] = _read()
