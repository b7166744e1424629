"""From the words of `state:` to a store: `memory`, `sqlite:path`, `redis://…`, `postgresql://…`.

Drivers are imported here, when they are first wanted; a missing one says which extra to install.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable, Mapping
from pathlib import Path

from llm_router.errors import StoreError
from llm_router.state.memory import MemoryStore
from llm_router.state.store import Store

_WAYS = "write `memory`, `sqlite:llm-router.db`, `redis://host:6379` or `postgresql://host/database`"


def open_store(url: str, folder: Path) -> Store:
    """The store of a `state:` url; a relative path of SQLite's starts from `folder`, the spec file's.

    Servers are reached when first asked, SQLite's file is opened at once. `?prefix=` (Redis) and `?schema=`
    (PostgreSQL) keep several routers apart. Raises `StoreError`, `StoreDown`.
    """
    scheme = "memory" if url == "memory" else url.partition(":")[0]
    opening = _OPENINGS.get(scheme)
    if opening is None or (scheme == "memory" and url != "memory"):
        raise StoreError(f"`{scheme}` is no kind of store", help=_WAYS)
    return opening(url, folder)


def _memory(_url: str, _folder: Path) -> Store:
    return MemoryStore()


def _sqlite(url: str, folder: Path) -> Store:
    from llm_router.state.sqlite import SqliteStore

    path = url.removeprefix("sqlite:")
    if path.startswith("//") or path in ("", ":memory:"):
        raise StoreError(
            f"`{url}` names no file", help="write `sqlite:llm-router.db`, or `sqlite:/folder/llm-router.db`"
        )
    return SqliteStore(folder / path)


def _redis(url: str, _folder: Path) -> Store:
    try:
        from llm_router.state.redis import RedisStore
    except ModuleNotFoundError as error:
        raise _missing(error, "redis") from error
    address, prefix = _option(url, "prefix", "llm-router")
    return RedisStore(address, prefix=prefix)


def _postgres(url: str, _folder: Path) -> Store:
    try:
        from llm_router.state.postgres import PostgresStore
    except ModuleNotFoundError as error:
        raise _missing(error, "postgres") from error
    address, schema = _option(url, "schema", "llm_router")
    return PostgresStore(address, schema=schema)


def _missing(error: ModuleNotFoundError, extra: str) -> StoreError:
    return StoreError(
        f"the store needs the package `{error.name}`", help=f"install it: pip install 'llm-router-core[{extra}]'"
    )


def _option(url: str, name: str, default: str) -> tuple[str, str]:
    """An address without the option of our own, and the option."""
    address, _, query = url.partition("?")
    options = urllib.parse.parse_qsl(query, keep_blank_values=True)
    rest = urllib.parse.urlencode([option for option in options if option[0] != name])
    return f"{address}?{rest}" if rest else address, dict(options).get(name) or default


_OPENINGS: Mapping[str, Callable[[str, Path], Store]] = {
    "memory": _memory,
    "sqlite": _sqlite,
    "redis": _redis,
    "rediss": _redis,
    "unix": _redis,
    "postgresql": _postgres,
    "postgres": _postgres,
}
