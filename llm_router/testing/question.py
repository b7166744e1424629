"""What a request asks for once a dialect has accepted it, and how one is turned down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil

from llm_router.messages import Json, JsonObject, Tool

TOKENS_PER_MESSAGE = 4
TOKENS_PER_IMAGE = 85


@dataclass(frozen=True, slots=True)
class Question:
    """An accepted request, as far as an answer depends on it.

    `text` is the last user text. `must_call` is the tool that has to be called, `*` for any. `schema` is what the
    answer must fit. `deployment` is the first part of the path, where that isn't the dialect's own. `texts` are those
    to be embedded, as vectors of so many `dimensions` (0: the model's own), written as `encoding` says. `place` is the
    address or path under which it was asked, for dialects whose answers name addresses or differ by it.
    """

    dialect: str
    model: str
    deployment: str | None = None
    text: str = field(default="", repr=False)
    stream: bool = False
    tools: tuple[Tool, ...] = ()
    must_call: str | None = None
    schema: JsonObject | None = field(default=None, repr=False)
    wants_json: bool = False
    max_output_tokens: int | None = None
    stop: tuple[str, ...] = ()
    input_tokens: int = 0
    reports_usage: bool = True
    choices: int = 1
    place: str = ""
    texts: tuple[str, ...] = field(default=(), repr=False)
    dimensions: int = 0
    own_dimensions: int = 0
    encoding: str = "float"


@dataclass(frozen=True, slots=True)
class Problem:
    """A failure as a dialect tells it: status, message, and its own `type`, `code`, `param` and `details`."""

    status: int
    message: str
    type: str | None = None
    code: str | None = None
    param: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    details: tuple[JsonObject, ...] = ()


class Rejected(Exception):
    """The request is turned down."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def estimate_tokens(content: Json) -> int:
    """A plausible count: a quarter of the UTF-8 bytes of all text in a JSON value, a flat rate for each message."""
    if isinstance(content, str):
        return TOKENS_PER_IMAGE if content.startswith("data:image/") else ceil(len(content.encode()) / 4)
    if isinstance(content, Mapping):
        own = TOKENS_PER_MESSAGE if "role" in content else 0
        return own + sum(estimate_tokens(item) for name, item in content.items() if name not in _UNCOUNTED)
    if isinstance(content, (list, tuple)):
        return sum(estimate_tokens(item) for item in content)
    return 0


_UNCOUNTED = frozenset({"role", "type", "id", "tool_call_id", "detail"})
