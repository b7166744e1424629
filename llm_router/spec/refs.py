"""What a spec leaves to the environment: `${env:NAME}`, `${env:NAME:-default}`, `${file:PATH}`, `${keyring:NAME}`.

`${keyring:service/name}` is an entry of the operating system's keychain; without a service it is one of those that
`llm-router key set` keeps.

Compiling never looks at the environment: there a reference is a value of its own, and the same on every machine.
Binding resolves it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from typing_extensions import override

_KEYRING = r"[^\s/{}]+(?:/[^\s{}]+)?"
REFERENCE_PATTERN = rf"\$\{{(?:env:[A-Za-z_][A-Za-z0-9_]*(?::-[^}}]*)?|file:[^}}]+|keyring:{_KEYRING})\}}"
DEFAULTED_PATTERN = r"\$\{env:[A-Za-z_][A-Za-z0-9_]*:-[^}]*\}"
_PARTS = re.compile(
    r"\$\{(?:env:(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?|file:(?P<path>[^}]+)"
    rf"|keyring:(?P<entry>{_KEYRING}))\}}"
)

UNSET = "LR219"
"""The code of a diagnostic that says that a reference stands for nothing here."""

T = TypeVar("T")


class MissingReference(LookupError):
    """`name` (a variable, the path of a file, an entry of the keychain) isn't there to be read."""

    def __init__(self, name: str, message: str, help: str) -> None:
        super().__init__(message)
        self.name = name
        self.message = message
        self.help = help


@dataclass(frozen=True, slots=True)
class Reference:
    """A scalar as written, with the references in it; a credential may also be written out.

    The text of a credential that is written out is a secret, so `repr` shows only the references.
    """

    text: str = field(repr=False)

    @property
    def variables(self) -> tuple[str, ...]:
        """The environment variables it reads, in order."""
        return tuple(match["name"] for match in _PARTS.finditer(self.text) if match["name"])

    @property
    def files(self) -> tuple[str, ...]:
        """The files it reads, as written."""
        return tuple(match["path"] for match in _PARTS.finditer(self.text) if match["path"])

    @property
    def entries(self) -> tuple[str, ...]:
        """The entries of the keychain that it reads, as written."""
        return tuple(match["entry"] for match in _PARTS.finditer(self.text) if match["entry"])

    @property
    def is_literal(self) -> bool:
        """Whether it refers to nothing: the value stands in the spec itself."""
        return _PARTS.search(self.text) is None

    @property
    def default(self) -> str | None:
        """The text with every reference replaced by its default, if each has one."""
        matches = tuple(_PARTS.finditer(self.text))
        if any(match["default"] is None for match in matches):
            return None
        return _PARTS.sub(lambda match: match["default"], self.text)

    @override
    def __getstate__(self) -> tuple[str]:
        """Its text, for pickles and copies. Raises TypeError where that is a secret."""
        if self.is_literal:
            raise TypeError("a key that is written out can't be pickled; write `${env:NAME}` into the spec")
        return (self.text,)

    def __setstate__(self, state: tuple[str]) -> None:
        object.__setattr__(self, "text", state[0])

    @override
    def __str__(self) -> str:
        return "(written out)" if self.is_literal else "".join(match[0] for match in _PARTS.finditer(self.text))

    @override
    def __repr__(self) -> str:
        return f"Reference({self!s})"


@dataclass(frozen=True, slots=True)
class Environment:
    """What references are resolved against: variables, and the folder that relative paths start from.

    `emulator` is the address of a stand-in that answers for every provider, in tests: then nobody needs a key.
    """

    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    directory: Path = Path()
    emulator: str | None = None

    @classmethod
    def of_process(cls, directory: Path | str = ".") -> Environment:
        """This process's variables, as they are now."""
        return cls(dict(os.environ), Path(directory))


def has_reference(text: str) -> bool:
    """Whether the text has a well-formed reference in it."""
    return _PARTS.search(text) is not None


def resolve(reference: Reference, environment: Environment) -> str:
    """The text with every reference replaced. An empty variable counts as absent. Raises `MissingReference`."""
    return _PARTS.sub(lambda match: _value(match, environment), reference.text)


def known(value: T | Reference | None) -> T | None:
    """The value, unless it is absent or still waits for the environment."""
    return None if isinstance(value, Reference) else value


def _value(match: re.Match[str], environment: Environment) -> str:
    if match["path"]:
        return _contents(match["path"], environment)
    if match["entry"]:
        return _from_keychain(match["entry"])
    name = match["name"]
    value = environment.variables.get(name) or match["default"]
    if value is None:
        raise MissingReference(
            name, f"`{name}` is not set", f"set `{name}`, or give it a default: `${{env:{name}:-…}}`"
        )
    return value


def _contents(path: str, environment: Environment) -> str:
    """A file's text, without the line end that editors add."""
    try:
        return (environment.directory / Path(path).expanduser()).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        advice = "put it there, readable: paths start from the spec's folder"
        raise MissingReference(path, f"the file `{path}` can't be read", advice) from None


def _from_keychain(entry: str) -> str:
    """A credential of the keychain; an entry without a service is one of ours."""
    from llm_router.spec import keychain

    first, _, rest = entry.partition("/")
    service, name = (first, rest) if rest else (keychain.SERVICE, first)
    try:
        value = keychain.read(service, name)
    except keychain.NoKeychain as error:
        raise MissingReference(entry, f"`${{keyring:{entry}}}` can't be read: {error}", error.help) from None
    if not value:
        ours = service == keychain.SERVICE
        advice = f"run `llm-router key set {name}`" if ours else f"run `keyring set {service} {name}`"
        raise MissingReference(entry, f"the keychain has no `{name}` of `{service}`", advice)
    return value
