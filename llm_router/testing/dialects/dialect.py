"""What the emulator must know of a dialect to speak it. One file each for what it accepts and what it says."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol
from urllib.parse import unquote

from llm_router.errors import FailureClass
from llm_router.messages import ChatResponse, Json, JsonObject, Tool
from llm_router.testing.faults import Fault, Voice, sized
from llm_router.testing.question import Problem, Question, Rejected
from llm_router.testing.reply import Asked, Reply


@dataclass(frozen=True, slots=True)
class House:
    """What the emulator enforces: the models that exist (None: all), the keys that are right (None: any).

    `also` are body fields that are accepted beyond the dialect's own. `dimensions` tells by deployment or model how
    many numbers its vectors have, where no card does.
    """

    models: Collection[str] | None = None
    keys: Collection[str] | None = None
    also: frozenset[str] = frozenset()
    dimensions: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Moment:
    """When and as which answer something is said: `now` in seconds since the epoch, `serial` from 1."""

    now: float
    serial: int


class Dialect(Voice, Protocol):
    """One dialect as a provider speaks it."""

    @property
    def name(self) -> str:
        """As the catalogue names it."""

    def claims(self, path: str) -> bool:
        """Whether a path, without its query, is one of this dialect's."""

    def other(self, asked: Asked, house: House) -> Reply | None:
        """The reply to what is no chat request: lists of models, wrong methods; None for a chat request."""

    def question(self, asked: Asked, house: House) -> Question:
        """What a chat request asks for. Raises Rejected with the first thing that is wrong with it."""

    def answer(self, question: Question, response: ChatResponse, moment: Moment) -> Reply:
        """The answer, streamed if that is asked for."""


def json_reply(status: int, content: Json, headers: Mapping[str, str] | None = None) -> Reply:
    """A reply of one JSON body."""
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return sized(Reply(status, {"content-type": "application/json", **(headers or {})}, (body,)))


def read_object(problem: Problem, body: bytes) -> dict[str, Json]:
    """The JSON object in a body. Raises Rejected(problem) where there is none."""
    try:
        content = json.loads(body)
    except ValueError:
        raise Rejected(problem) from None
    if not isinstance(content, dict):
        raise Rejected(problem)
    return content


def read_tool(tool: JsonObject) -> Tool:
    """The tool that a body describes, its shape already checked."""
    function = tool["function"]
    assert isinstance(function, Mapping)
    described = Tool(str(function["name"]), str(function.get("description") or ""))
    parameters = function.get("parameters")
    return replace(described, parameters=parameters) if isinstance(parameters, Mapping) else described


def deployment_of(path: str, own: Collection[str]) -> str | None:
    """The first part of the path, unless it belongs to the dialect's own addresses."""
    first = path.lstrip("/").partition("/")[0]
    return None if first in own or not first else unquote(first)


def objects(value: Json) -> list[JsonObject]:
    """The objects of a list; none of what is no list."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def below(body: JsonObject, *names: str) -> Json:
    """What stands under these names, one below the other; None where nothing does."""
    place: Json = body
    for name in names:
        place = place.get(name) if isinstance(place, Mapping) else None
    return place


def bearer_of(asked: Asked) -> str:
    """The bearer token, empty where there is none."""
    return asked.headers.get("authorization", "").partition(" ")[2].strip()


def named_event(content: JsonObject) -> bytes:
    """A server-sent event that is called what its content's `type` says."""
    data = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return f"event: {content['type']}\ndata: {data}\n\n".encode()


def failure_in(
    failures: Mapping[FailureClass, Problem], kind: FailureClass, fault: Fault, also: Mapping[str, str] | None = None
) -> Problem:
    """How a provider says a failure class, by its table: else as `unavailable`.

    A rate limit says when to come back, with `also` in its headers, unless the fault is that it doesn't.
    """
    said = failures.get(kind, failures["unavailable"])
    if kind != "rate_limit" or fault.name == "rate_limit_without_retry_after":
        return said
    return replace(said, headers={"retry-after": f"{fault.retry_after_s:g}", **(also or {})})
