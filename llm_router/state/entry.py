"""One line of the ledger: an attempt, or an answer that needed none, and what it came to.

An entry has two plain forms, from which it is read back whole: a row of columns, for SQL, and a JSON text without
the fields that say nothing.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeAlias

from llm_router.catalog.price import Cost
from llm_router.errors import FailureClass
from llm_router.messages import Usage

Outcome = Literal["ok", "failed", "cancelled", "lost", "cached", "recorded"]
Basis = Literal["reported", "reserved", "free", "unknown"]
Mark = Literal["", "hedge", "cache"]
Value: TypeAlias = str | bool | int | float

NOTHING = Usage()
_ESCAPED_ZERO = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


@dataclass(frozen=True, slots=True)
class Entry:
    """`at` is the attempt's start, in seconds since the epoch; money is picodollars, durations are seconds.

    `model` was asked, `served` answered. A `cost` that is `None` is unknown; its `basis` says where it comes from.
    `saved` is what a cached answer would have cost. `metadata` has declared keys only; `prompt` is there only where
    the spec says `keep_prompts`.
    """

    at: float
    decision_id: str
    program_hash: str = ""
    rule: str = ""
    provider: str = ""
    deployment: str = ""
    model: str = ""
    served: str | None = None
    attempt: int = 1
    outcome: Outcome = "ok"
    failure: FailureClass | None = None
    usage: Usage = NOTHING
    cost: int | None = None
    cost_by_kind: Cost | None = None
    basis: Basis = "unknown"
    first_token_s: float | None = None
    duration_s: float | None = None
    user: str | None = None
    session: str | None = None
    run: str | None = None
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Value] = field(default_factory=dict, repr=False)
    framework_run_id: str | None = None
    mark: Mark = ""
    saved: int = 0
    prompt: str | None = field(default=None, repr=False)


TOKEN_KINDS = tuple(each.name for each in fields(Usage))
_PLAIN = tuple(each.name for each in fields(Entry) if each.name not in {"usage", "cost_by_kind", "tags", "metadata"})
_DEFAULTS = {each.name: each.default for each in fields(Entry)}
COLUMNS = (*_PLAIN, *(f"{kind}_tokens" for kind in TOKEN_KINDS), "first_token_bin", "duration_bin")
"""The columns that hold one scalar each; cost by kind, tags and metadata are structured, and follow."""
STRUCTURED = ("cost_by_kind", "tags", "metadata")


def bin_of(seconds: float | None) -> int | None:
    """The bin of a histogram in which a duration counts: four to each doubling, from a millisecond on."""
    return None if seconds is None else max(0, math.ceil(4 * math.log2(max(seconds, 0.001) * 1000)))


def bin_top_s(number: int) -> float:
    """The longest duration that counts in a bin."""
    return float(2 ** (number / 4) / 1000)


def to_row(entry: Entry) -> tuple[str | int | float | None, ...]:
    """The values of `COLUMNS`, in their order."""
    plain = (_clean(getattr(entry, name)) for name in _PLAIN)
    tokens = (getattr(entry.usage, kind) for kind in TOKEN_KINDS)
    return (*plain, *tokens, bin_of(entry.first_token_s), bin_of(entry.duration_s))


def structures(entry: Entry) -> tuple[str | None, str, str]:
    """The values of `STRUCTURED`, as JSON."""
    costs = None if entry.cost_by_kind is None else _dumps(_told(entry.cost_by_kind))
    return costs, _dumps(tuple(dict.fromkeys(entry.tags))), _dumps(dict(entry.metadata))


def from_row(row: Sequence[Any], structured: Sequence[Any]) -> Entry:
    """The entry of a row and its structures, read from JSON or still text."""
    costs, tags, metadata = (json.loads(each) if isinstance(each, str) else each for each in structured)
    return Entry(
        **dict(zip(_PLAIN, row, strict=False)),
        usage=Usage(*row[len(_PLAIN) : len(_PLAIN) + len(TOKEN_KINDS)]),
        cost_by_kind=None if costs is None else Cost(**costs),
        tags=tuple(tags),
        metadata=metadata,
    )


def to_json(entry: Entry) -> str:
    """The entry as JSON, without what says nothing."""
    said = {name: getattr(entry, name) for name in _PLAIN if getattr(entry, name) != _DEFAULTS[name]}
    structured = {"usage": _told(entry.usage), "tags": entry.tags, "metadata": dict(entry.metadata)}
    said |= {name: value for name, value in structured.items() if value}
    costs = entry.cost_by_kind
    return _dumps(said if costs is None else said | {"cost_by_kind": _told(costs)})


def from_json(text: str | bytes) -> Entry:
    """The entry that was written so."""
    said: dict[str, Any] = json.loads(text)
    costs = said.pop("cost_by_kind", None)
    usage = Usage(**said.pop("usage", {}))
    return Entry(
        **{**said, "tags": tuple(said.get("tags", ()))},
        usage=usage,
        cost_by_kind=None if costs is None else Cost(**costs),
    )


def _told(value: Usage | Cost) -> dict[str, int]:
    """The fields that differ from their default."""
    told = {each.name: getattr(value, each.name) for each in fields(value)}
    return {each.name: told[each.name] for each in fields(value) if told[each.name] != each.default}


def _dumps(value: object) -> str:
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return str(_clean(_ESCAPED_ZERO.sub(r"\1\\ufffd", text)))


def _clean(value: Any) -> Any:
    """Text without what no database takes: lone surrogates and the character zero."""
    if not isinstance(value, str) or value.isprintable():
        return value
    return value.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
