"""What all dialects send alike: address, headers and a JSON body."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import urlencode

from llm_router.messages import Json, JsonObject, Settings
from llm_router.wire.codec import Target, Unsupported


def url(target: Target, path: str) -> str:
    """The target's address for a path, with its query."""
    query = f"?{urlencode(target.query)}" if target.query else ""
    return f"{target.base_url}{path}{query}"


def request_headers(target: Target, settings: Settings, accept: str) -> Mapping[str, str]:
    """All headers, with lower-case names: the caller's over the target's over the dialect's."""
    own = {"content-type": "application/json", "accept": accept}
    return {
        name.lower(): value for headers in (own, target.headers, settings.headers) for name, value in headers.items()
    }


def merged(body: JsonObject, extra: JsonObject, *, fixed: frozenset[str]) -> JsonObject:
    """The body with `extra` as it stands. Raises Unsupported for a key of the body that is fixed."""
    for key in extra:
        if key in fixed:
            raise Unsupported(f"`extra.{key}`: it would replace what the router decided")
    return {**body, **extra}


def json_body(body: JsonObject) -> bytes:
    """The body as UTF-8. Raises Unsupported for numbers that JSON doesn't have."""
    return json_text(body).encode("utf-8", "replace")


def json_text(value: Json) -> str:
    """Compact JSON. Raises Unsupported for numbers that JSON doesn't have."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)
    except ValueError as error:
        raise Unsupported("a number that isn't finite") from error


def _plain(value: object) -> object:
    """Mappings and sequences of any type as JSON's own."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, frozenset | set):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} isn't JSON")
