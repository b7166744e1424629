"""What a scalar of the language is: how it is read, what is said when it can't be, and its JSON Schema.

A `Scalar` stands in the annotation of a key. Its grammar alone decides, so that the loader and the JSON Schema agree;
other systems' habits only make the message better. Any scalar may be left to the environment; those that must be
known to compile need a default there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import PydanticCustomError, core_schema

from llm_router.spec.habits import value_habit
from llm_router.spec.refs import DEFAULTED_PATTERN, REFERENCE_PATTERN, Reference
from llm_router.spec.source import read_scalar

WRONG_TYPE = "LR203"
UNKNOWN_WORD = "LR204"
NO_UNIT = "LR205"
WRONG_UNIT = "LR206"
OUT_OF_RANGE = "LR207"
BAD_NAME = "LR208"
NOTHING = "LR209"
NEEDS_DEFAULT = "LR215"
INEXACT = "LR217"
BAD_SUBSTITUTE = "LR218"

SHARED = "x-shared"
"""In the JSON Schema as pydantic makes it: the noun under which a schema is written once for all keys that use it."""

STANDS_FOR = "x-stands-for"
"""Likewise: the name of a definition that isn't made by pydantic."""

_PLAIN = r"(?:[^$]|\$(?!\{))*"
_ALL_DEFAULTED = rf"^{_PLAIN}(?:{DEFAULTED_PATTERN}{_PLAIN})+$"


class Substituted(str):
    """Text that stood for a `${…}`, to be read as the type of its key. `written` is what the file says."""

    __slots__ = ("written",)
    written: str

    @classmethod
    def of(cls, text: str, written: str) -> Substituted:
        """The text, remembering what it stands for."""
        value = cls(text)
        value.written = written
        return value


class Unreadable(ValueError):
    """A scalar can't be read: code, message and help of a diagnostic."""

    def __init__(self, code: str, message: str, help: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.help = help

    def as_pydantic(self) -> PydanticCustomError:
        """The form in which it passes through pydantic."""
        return PydanticCustomError("spec", "{message}", {"code": self.code, "message": self.message, "help": self.help})


@dataclass(frozen=True, slots=True)
class Scalar:
    """One kind of scalar, called `noun`. `read` takes a plain value and raises `Unreadable`.

    A `late` value may wait for the environment. What is `typed` is read from a substituted text as if it stood there
    without quotes. A `raw` value is kept as written, references and all.
    """

    noun: str
    read: Callable[[object], object]
    schema: Mapping[str, Any] = field(hash=False)
    late: bool = True
    typed: bool = False
    raw: bool = False

    def validate(self, value: object) -> object:
        """The value in its type; a `Reference` that waits for the environment stays one."""
        if isinstance(value, Reference) and not self.raw:
            return self._wait(value)
        if self.raw and isinstance(value, Substituted):
            value = value.written
        typed = read_scalar(value) if self.typed and isinstance(value, Substituted) else value
        try:
            return self.read(_finite(typed))
        except Unreadable as error:
            raise self._refusal(error, value).as_pydantic() from None

    def _wait(self, reference: Reference) -> Reference:
        if self.late:
            return reference
        variable = (*reference.variables, "NAME")[0]
        message = f"`{reference.text}` must be known to compile, on any machine"
        raise Unreadable(NEEDS_DEFAULT, message, f"give it a default: `${{env:{variable}:-…}}`").as_pydantic()

    def _refusal(self, error: Unreadable, value: object) -> Unreadable:
        """The error, in the words of a habit where one is known. What the environment holds isn't shown."""
        if isinstance(value, Substituted):
            return Unreadable(BAD_SUBSTITUTE, f"what `{value.written}` stands for is not {self.noun}", error.help)
        habit = value_habit(value, self.noun) if isinstance(value, str) else None
        return Unreadable(habit.code, habit.message, habit.help) if habit else error

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(self.validate)

    def __get_pydantic_json_schema__(self, core: core_schema.CoreSchema, handler: GetJsonSchemaHandler) -> Any:
        if self.raw or self._is_any_text():
            return dict(self.schema)
        reference = {"type": "string", "pattern": REFERENCE_PATTERN if self.late else _ALL_DEFAULTED}
        return {SHARED: self.noun, "anyOf": [dict(self.schema), reference]}

    def _is_any_text(self) -> bool:
        """Whether a text with a reference in it is nothing special."""
        return self.schema.get("type") == "string" and self.schema.keys() <= {"type", "minLength"}


def _finite(value: object) -> object:
    """The value, which is no infinity: YAML's own are refused before, but the environment may hold one."""
    if isinstance(value, float) and not math.isfinite(value):
        raise Unreadable(OUT_OF_RANGE, f"`{value}` is not a finite number", "write a number")
    return value


def shown(value: object) -> str:
    """A plain value as the file has it, for messages."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing"
    if isinstance(value, str) and not isinstance(read_scalar(value), str):
        return f'`"{value}"`'
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def wrong_type(noun: str, value: object, help: str = "") -> Unreadable:
    """The error of a value of another type."""
    if value is None:
        return Unreadable(NOTHING, f"{noun} is missing here", help or "write one, or take the key out")
    return Unreadable(WRONG_TYPE, f"expected {noun}, found {shown(value)}", help)
