"""What the dialects' tables of quirks have in common: each is a dataclass whose fields are the quirks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeVar, get_args, get_type_hints

Flag = Literal["yes", "no"]
Table = TypeVar("Table")


def values_of(table: type[Any]) -> Mapping[str, tuple[str, ...]]:
    """Each quirk's name with its possible values; none for a free text."""
    return {name: get_args(kind) for name, kind in get_type_hints(table).items()}


def read_table(table: type[Table], possible: Mapping[str, tuple[str, ...]], values: Mapping[str, str]) -> Table:
    """The quirks of a catalogue row. Raises ValueError for a name or value that isn't `possible`."""
    for name, value in values.items():
        if name not in possible:
            raise ValueError(f"there is no quirk `{name}`")
        if possible[name] and value not in possible[name]:
            raise ValueError(f"quirk `{name}` can't be `{value}`")
    return table(**values)
