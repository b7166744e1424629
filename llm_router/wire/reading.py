"""Total readers of JSON from outside: whatever stands there, each gives a value of its type.

Providers leave fields out, send `null` for them, or another type than they document; a reply is no worse for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from llm_router.messages import Json, JsonObject
from llm_router.wire.codec import Failure, WireError

LONGEST_MESSAGE = 1000
"""Characters of a provider's text that a failure keeps."""


def parse(data: bytes | str) -> Json:
    """The JSON value that `data` spells. Raises ValueError for anything else, nesting beyond the stack included."""
    try:
        value: Json = json.loads(data)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return value


def parse_object(data: bytes | str) -> JsonObject:
    """The JSON object that `data` spells. Raises WireError (malformed) for anything else."""
    try:
        value = parse(data)
    except ValueError as error:
        raise malformed("the reply isn't JSON") from error
    if not isinstance(value, Mapping):
        raise malformed("the reply isn't a JSON object")
    return value


def malformed(message: str) -> WireError:
    """A failure of bytes that can't be read."""
    return WireError(Failure("malformed", message))


def truncated(message: str) -> WireError:
    """A failure of an answer that stopped before its end."""
    return WireError(Failure("truncated", message))


def as_object(value: Json) -> JsonObject:
    """The object itself, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def as_list(value: Json) -> Sequence[Json]:
    """The list itself, else an empty one."""
    return value if isinstance(value, list) else ()


def as_text(value: Json) -> str:
    """The string itself, else an empty one."""
    return value if isinstance(value, str) else ""


def as_count(value: Json) -> int | None:
    """A whole number that isn't negative, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float) and not value.is_integer():
        return None
    return int(value) if value >= 0 else None


def first_text(*values: Json) -> str:
    """The first of these that is a string with something in it, else an empty one."""
    return next((value for value in values if isinstance(value, str) and value), "")


def as_json_text(value: Json) -> str:
    """A string as it stands; any other value but `null` as JSON text. Raises WireError for too deep nesting."""
    if isinstance(value, str):
        return value
    try:
        return "" if value is None else json.dumps(value, ensure_ascii=False)
    except RecursionError as error:
        raise malformed("a value is nested too deeply") from error


def look_up(value: JsonObject, path: str) -> Json:
    """What stands at a dotted path, None where nothing does."""
    here: Json = value
    for key in path.split("."):
        here = as_object(here).get(key)
    return here


def shorten(text: str, longest: int = LONGEST_MESSAGE) -> str:
    """The text without outer white space, cut to a sane length."""
    text = text.strip()
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"
