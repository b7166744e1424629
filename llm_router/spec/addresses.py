"""Addresses of what isn't a provider: stores, webhooks, mail. They may hold passwords, so no message shows one."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeAlias

from llm_router.spec.refs import REFERENCE_PATTERN, Reference
from llm_router.spec.scalars import WRONG_TYPE, Scalar, Unreadable, wrong_type

_REST = rf"(?:[^\s$]|\$(?!\{{)|{REFERENCE_PATTERN})+"
_STORE = rf"memory|sqlite:(?!//|:){_REST}|rediss?://(?![:/]){_REST}|rediss?://:[^@\s]+@{_REST}|postgresql://{_REST}"
_HOOK = rf"https?://(?![:/]){_REST}|{REFERENCE_PATTERN}{_REST}|{REFERENCE_PATTERN}"
_SMTP = rf"smtps?://(?![:/]){_REST}"
_MAIL = r"[^\s@<>,;$]+@[^\s@<>,;$]+\.[^\s@<>,;$]+"

SCHEMES = ("memory", "sqlite", "redis", "rediss", "postgresql")
"""What the url of a store may begin with."""

_STORE_HELP = "write `memory`, `sqlite:router.db`, `redis://host:6379` or `postgresql://host/database`"
_STORE_HABITS: Mapping[str, str] = {
    "postgres": "write `postgresql://` and the rest",
    "postgresql+psycopg": "write `postgresql://` and the rest",
    "postgresql+asyncpg": "write `postgresql://` and the rest",
    "postgresql+psycopg2": "write `postgresql://` and the rest",
    "sqlite3": "write `sqlite:` and the path",
    "file": "write `sqlite:` and the path",
    "redis+ssl": "write `rediss://` and the rest",
    "valkey": "write `redis://` and the rest",
    "in-memory": "write `memory`",
    "inmemory": "write `memory`",
    "ram": "write `memory`",
    "local": "write `memory`",
}


def _reader(noun: str, grammar: str, advice: Callable[[str], str]) -> Callable[[object], str]:
    """A reader of texts of a grammar."""
    pattern = re.compile(grammar)

    def read(value: object) -> str:
        if not isinstance(value, str):
            raise wrong_type(noun, value, advice(""))
        if pattern.fullmatch(value) is None:
            raise Unreadable(WRONG_TYPE, f"{_shown(value)} is not {noun}", advice(value))
        return str(value)

    return read


def _shown(text: str) -> str:
    """A text for messages. INVARIANT: nothing of it that may be a password."""
    if not {"@", "?", "/"} & set(text):
        return f"`{text}`"
    scheme, colon, _ = text.partition("://")
    return f"`{scheme}://…`" if colon else "this"


def public_part(url: str) -> str:
    """Scheme and host of an address, without user, password and options."""
    parts = urllib.parse.urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}"


def scheme_of(url: str) -> str:
    """What a url begins with, up to its colon."""
    return url.partition(":")[0].lower()


def store_advice(url: str) -> str:
    """What to write instead of what is no store's url."""
    scheme = scheme_of(url)
    if url in ("sqlite::memory:", "sqlite://", "sqlite:", "sqlite:///:memory:"):
        return "write `memory`, or `sqlite:` and the path of a file"
    if scheme == "sqlite":
        path = url[len("sqlite://") :].removeprefix("/") if url.startswith("sqlite://") else ""
        return f"write `sqlite:{path}`: the path follows the colon" if path else "write `sqlite:router.db`"
    if re.fullmatch(r"[^:\s]+\.(?:db|sqlite3?)", url):
        return f"write `sqlite:{url}`"
    return _STORE_HABITS.get(scheme) or _STORE_HELP


def _hook(value: object) -> Reference:
    """A webhook's address lets everybody write there, so it is a `Reference`, and no `repr` shows it."""
    text = value.text if isinstance(value, Reference) else value
    return Reference(_read_hook(text))


_read_hook = _reader(
    "a webhook's address",
    _HOOK,
    lambda _: 'write `"${env:NAME}"`, the variable that holds it, or `https://` and the rest',
)


def _schema(grammar: str) -> dict[str, Any]:
    return {"type": "string", "pattern": f"^(?:{grammar})$"}


StoreUrl: TypeAlias = Annotated[
    str | Reference,
    Scalar("a store's url", _reader("a store's url", _STORE, store_advice), _schema(_STORE)),
]
Hook: TypeAlias = Annotated[Reference, Scalar("a webhook's address", _hook, _schema(_HOOK), raw=True)]
SmtpUrl: TypeAlias = Annotated[
    str | Reference,
    Scalar(
        "a mail server's url",
        _reader(
            "a mail server's url",
            _SMTP,
            lambda _: "write `smtp://user:${env:PASSWORD}@host:587`, or `smtps://` and the rest",
        ),
        _schema(_SMTP),
    ),
]
MailAddress: TypeAlias = Annotated[
    str | Reference,
    Scalar(
        "a mail address",
        _reader("a mail address", _MAIL, lambda _: "write `name@example.com`"),
        _schema(_MAIL),
    ),
]
