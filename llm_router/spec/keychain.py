"""The operating system's keychain: the only file that touches the `keyring` package (extra `keyring`).

A credential stands there under a service and a name. Ours stand under the service `llm-router`. Keychains can't be
asked for all names of a service, so the names that `llm-router key` sets are noted in an entry of their own beside
them; no value is ever noted anywhere else.
"""

from __future__ import annotations

import json
from types import ModuleType

SERVICE = "llm-router"
_INDEX = "llm-router names"


class NoKeychain(Exception):
    """The keychain can't be used; the message says why, `help` what to do."""

    def __init__(self, message: str, help: str) -> None:
        super().__init__(message)
        self.help = help


def read(service: str, name: str) -> str | None:
    """The credential, None where there is none. Raises NoKeychain."""
    keyring = _keyring()
    try:
        value: str | None = keyring.get_password(service, name)
    except keyring.errors.KeyringError as error:
        raise _unusable(error) from None
    return value


def write(name: str, value: str) -> None:
    """Keep a credential under our service, in place of one of that name. Raises NoKeychain."""
    keyring = _keyring()
    try:
        keyring.set_password(SERVICE, name, value)
        keyring.set_password(_INDEX, SERVICE, json.dumps(sorted({*names(), name})))
    except keyring.errors.KeyringError as error:
        raise _unusable(error) from None


def delete(name: str) -> bool:
    """Whether there was such a credential under our service; there is none any more. Raises NoKeychain."""
    keyring = _keyring()
    try:
        known = keyring.get_password(SERVICE, name) is not None
        if known:
            keyring.delete_password(SERVICE, name)
        keyring.set_password(_INDEX, SERVICE, json.dumps(sorted({*names()} - {name})))
    except keyring.errors.KeyringError as error:
        raise _unusable(error) from None
    return known


def names() -> tuple[str, ...]:
    """The names of the credentials under our service, sorted. Raises NoKeychain."""
    noted = json.loads(read(_INDEX, SERVICE) or "[]")
    return tuple(str(name) for name in noted)


def _keyring() -> ModuleType:
    try:
        import keyring
        import keyring.errors
    except ImportError:
        advice = 'install the extra: `pip install "llm-router-core[keyring]"`'
        raise NoKeychain("the package `keyring` isn't installed", advice) from None
    return keyring


def _unusable(error: Exception) -> NoKeychain:
    """What a keychain's failure is told as: its kind only, for its text may hold anything."""
    kind = type(error).__name__
    if kind == "NoKeyringError":
        advice = "use `${env:NAME}` or `${file:PATH}`, or install a backend of the package `keyring`"
        return NoKeychain("there is no keychain on this machine", advice)
    return NoKeychain(f"the keychain can't be used here ({kind})", "unlock it, or use `${env:NAME}` or `${file:PATH}`")
