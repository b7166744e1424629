"""What every section of a spec has in common: closed keys, its own path, and rules between its keys.

A section knows what JSON Schema can say of several keys together as `constraints`: values that check a mapping and
describe themselves to the schema, so that the loader and an editor give the same verdict.

While a file is read, `Notes` travel as pydantic's context: they know where each mapping stands, and collect what is
wrong with keys, so that one misspelt key doesn't hide what else there is to say.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    ValidationInfo,
    model_validator,
)
from pydantic_core import PydanticUndefined

from llm_router.spec.source import Path, Plain

JsonSchema = dict[str, Any]

DEFAULT = "x-default"
"""In the JSON Schema as pydantic makes it: the default that an editor shows."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong at a path; `on_key` marks the key rather than the value. `needs` are the keys that are missing."""

    code: str
    path: Path
    message: str
    help: str = ""
    on_key: bool = False
    needs: tuple[str, ...] = ()


class Constraint(Protocol):
    """A rule between the keys of one mapping."""

    def check(self, node: Mapping[str, Plain], path: Path) -> Sequence[Finding]:
        """What breaks the rule."""
        ...

    def schema(self) -> JsonSchema:
        """The same rule as a part of JSON Schema."""
        ...


@dataclass(slots=True)
class Notes:
    """Where each mapping of the tree stands, and what was found while reading it."""

    paths: Mapping[int, Path]
    found: list[Finding] = field(default_factory=list)
    sections: dict[Path, type[Section]] = field(default_factory=dict)


class Section(BaseModel):
    """One mapping of the spec. `path` is where it stands in the file, `()` where it doesn't come from one."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=False)
    constraints: ClassVar[tuple[Constraint, ...]] = ()
    _path: Path = PrivateAttr(default=())

    @property
    def path(self) -> Path:
        """Keys and indices from the top of the file to this section."""
        return self._path

    @classmethod
    @functools.cache
    def keys(cls) -> tuple[str, ...]:
        """The keys as written in the file."""
        return tuple(field.alias or name for name, field in cls.model_fields.items())

    def below(self) -> Iterator[Section]:
        """This section and all sections in it."""
        yield self
        for name in type(self).model_fields:
            yield from _sections(getattr(self, name))

    @model_validator(mode="wrap")
    @classmethod
    def _read(cls, data: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo) -> Self:
        """Notes what is wrong with the keys, and validates the rest."""
        notes = info.context
        if not isinstance(notes, Notes) or not isinstance(data, dict):
            return handler(data)
        path = notes.paths.get(id(data), ())
        notes.sections[path] = cls
        known = cls.keys()
        section = handler({key: value for key, value in data.items() if key in known and value is not None})
        section._path = path
        return section


def _sections(value: object) -> Iterator[Section]:
    """The sections in a value of a key."""
    if isinstance(value, Section):
        yield from value.below()
    elif isinstance(value, (tuple, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _sections(item)


def key(
    description: str,
    *examples: object,
    required: bool = False,
    alias: str | None = None,
    default: str | int | None = None,
) -> Any:
    """A key of a section, described for editors, with examples.

    Absent is `None`, unless it is required. `default` is only shown: what absence means is decided later, because what
    stands at another place may say more.
    """
    described = f"{description} Default: {str(default).lower() if isinstance(default, bool) else default}."
    return Field(
        default=PydanticUndefined if required else None,
        description=description if default is None else described,
        examples=list(examples) or None,
        alias=alias,
        json_schema_extra=None if default is None else {DEFAULT: default},
    )


def items(description: str, *examples: object, required: bool = False) -> Any:
    """A key with a list or mapping that has entries. Absent is empty, unless it is required."""
    shown = list(examples) or None
    return Field(default=PydanticUndefined if required else (), description=description, examples=shown, min_length=1)


def entries(description: str, *examples: object) -> Any:
    """A key with a mapping that has entries. Absent is empty."""
    return Field(default_factory=dict, description=description, examples=list(examples) or None, min_length=1)
