"""The facts about one request that conditions, needs and ranking may see. Only what the program reads is computed."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal
from zoneinfo import ZoneInfo

from llm_router.catalog.tokens import TokenCount, count_request, most_tokens
from llm_router.messages import ChatRequest, Media, Part, Settings, Text, ToolResult
from llm_router.policy.hints import Hints
from llm_router.policy.program import UNSET, Program
from llm_router.policy.snapshot import Snapshot
from llm_router.spec.conditions.feature_types import WEEKDAYS

__all__ = ["Call", "Features", "Hints", "Needs", "compute"]

MediaKind = Literal["image", "file", "audio"]


@dataclass(frozen=True, slots=True)
class Call:
    """One call as it arrived: the request, its hints, its id, and the moment (`now`, seconds since the epoch).

    `exactly`: where money is bounded, tokens are counted by the vocabularies that are on this machine. Without, all
    that follows from the call is the same on every machine.
    """

    request: ChatRequest
    hints: Hints
    request_id: str
    now: float
    stream: bool = False
    exactly: bool = False


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most input tokens of a request by who is asked, counted once, when first asked for.

    `more` are tokens that the request has grown by since. Without a request there are no such bounds.
    """

    request: ChatRequest | None = field(default=None, repr=False)
    exactly: bool = False
    more: int = 0
    known: dict[tuple[str, str], int] = field(default_factory=dict, repr=False, compare=False)

    def most(self, kind: str, model: str) -> int | None:
        """Tokens that a provider of this kind, at its own address, doesn't bill more than; None where nobody knows."""
        if self.request is None:
            return None
        if (kind, model) not in self.known:
            self.known[kind, model] = most_tokens(self.request, kind, model, exactly=self.exactly)
        return self.known[kind, model] + self.more


@dataclass(frozen=True, slots=True)
class Needs:
    """What a candidate must be able to do for this request.

    `supports` are words of the catalogue (`tools`, `images`, `files`, `audio`), `json` whether JSON is wanted,
    `capability` what must be stated, `settings` the caller's own parameters. `hour`: a part of the prompt is marked to
    be cached for an hour, which costs more.
    """

    supports: frozenset[str] = frozenset()
    json: bool = False
    capability: frozenset[str] = frozenset()
    settings: Settings = UNSET
    hour: bool = False


@dataclass(frozen=True, slots=True)
class Features:
    """One request as the policy sees it.

    `values` holds the features that the program reads, by name; an absent feature is a missing key. Their types: text
    and words `str` (`weekday` as `mon`), sets `frozenset[str]`, counts and `hour` `int`, numbers `int | float`,
    booleans `bool`, shares `float`. What a budget has spent is the world's, and added by `in_world`. `input_tokens` are
    bounded for whoever is asked, `bounds` by who is.
    """

    request_id: str
    values: Mapping[str, object] = field(repr=False)
    hints: Hints
    needs: Needs
    input_tokens: TokenCount
    previous: str | None = None
    in_tool_loop: bool = False
    bounds: Bounds = Bounds()

    def grown(self, tokens: int) -> Features:
        """The features of a request that has grown by so many tokens at most."""
        more = self.input_tokens + TokenCount(tokens, tokens, "estimated")
        return replace(self, input_tokens=more, bounds=replace(self.bounds, more=self.bounds.more + tokens))


def compute(
    program: Program, call: Call, *, variables: Mapping[str, str], given: Mapping[str, object] | None = None
) -> Features:
    """The features of `call` that `program` reads.

    `variables` is the environment for `env.<NAME>`. `given` holds features that the caller states by name, in the
    types that `Features` documents; they aren't computed.
    """
    stated = given or {}
    tokens = _tokens(call.request, stated.get("input_tokens"))
    view = _View(call, tokens, program.timezone, variables, frozenset(_media(call.request)))
    values = {name: value for name in program.reads if (value := _value(view, program, name)) is not None}
    return Features(
        call.request_id,
        {**values, **stated},
        call.hints,
        _needs(view, stated),
        tokens,
        _previous(call.request),
        _in_tool_loop(call.request),
        Bounds() if "input_tokens" in stated else Bounds(call.request, call.exactly),
    )


def in_world(program: Program, features: Features, snapshot: Snapshot) -> Features:
    """The features with those of the world: the share of each budget that is gone, unless the caller states it."""
    if not program.budgets:
        return features
    names = {f"spent.{budget.name}": budget.name for budget in program.budgets}
    spent = {name: snapshot.spent.get(budget, 0.0) for name, budget in names.items() if name in program.reads}
    return replace(features, values={**spent, **features.values})


@dataclass(frozen=True, slots=True)
class _View:
    """What the features of a call are computed from."""

    call: Call
    tokens: TokenCount
    timezone: str
    variables: Mapping[str, str]
    media: frozenset[MediaKind]

    @property
    def hints(self) -> Hints:
        return self.call.hints

    @property
    def request(self) -> ChatRequest:
        return self.call.request

    @property
    def time(self) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(self.call.now, ZoneInfo(self.timezone))


def _value(view: _View, program: Program, name: str) -> object:
    """One feature; `None` where it is absent."""
    compute_it = _FEATURES.get(name)
    if compute_it is not None:
        return compute_it(view)
    space, _, key = name.partition(".")
    if space == "metadata" and key in program.declarations.metadata:
        return view.hints.metadata.get(key, program.declarations.metadata[key].absent)
    return view.variables.get(key) if space == "env" else None


_FEATURES: Mapping[str, Callable[[_View], object]] = MappingProxyType(
    {
        "task": lambda view: view.hints.task,
        "cost": lambda view: view.hints.cost,
        "speed": lambda view: view.hints.speed,
        "capability": lambda view: view.hints.capability or None,
        "requested_model": lambda view: view.hints.model,
        "user": lambda view: view.hints.user,
        "session": lambda view: view.hints.session,
        "run": lambda view: view.hints.run,
        "tags": lambda view: view.hints.tags or None,
        "input_tokens": lambda view: view.tokens.value,
        "max_output_tokens": lambda view: view.request.settings.max_output_tokens,
        "messages": lambda view: len(view.request.messages),
        "text": lambda view: _last_text(view.request),
        "transcript": lambda view: "\n".join(_texts(view.request)),
        "has_images": lambda view: "image" in view.media,
        "has_files": lambda view: "file" in view.media,
        "has_tools": lambda view: bool(view.request.tools),
        "wants_json": lambda view: view.request.response_format is not None,
        "stream": lambda view: view.call.stream,
        "hour": lambda view: view.time.hour,
        "weekday": lambda view: WEEKDAYS[view.time.weekday()],
    }
)

_NEEDS: Mapping[str, tuple[str, Callable[[_View], bool]]] = MappingProxyType(
    {
        "has_tools": ("tools", lambda view: bool(view.request.tools)),
        "has_images": ("images", lambda view: "image" in view.media),
        "has_files": ("files", lambda view: "file" in view.media),
        "has_audio": ("audio", lambda view: "audio" in view.media),
    }
)


def _needs(view: _View, stated: Mapping[str, object]) -> Needs:
    settings, cap = view.request.settings, stated.get("max_output_tokens")
    return Needs(
        supports=frozenset(word for name, (word, has) in _NEEDS.items() if stated.get(name, has(view))),
        json=bool(stated.get("wants_json", view.request.response_format is not None)),
        capability=view.hints.capability,
        settings=replace(settings, max_output_tokens=cap) if isinstance(cap, int) else settings,
        hour=_marked_for_an_hour(view.request),
    )


def _marked_for_an_hour(request: ChatRequest) -> bool:
    marked = (part.cache for part in _parts(request) if isinstance(part, Text | Media | ToolResult))
    return "1h" in (*marked, *(tool.cache for tool in request.tools))


def _tokens(request: ChatRequest, stated: object) -> TokenCount:
    return TokenCount(stated, stated, "exact") if isinstance(stated, int) else count_request(request)


def _media(request: ChatRequest) -> Iterator[MediaKind]:
    for part in _parts(request):
        if isinstance(part, Media):
            yield part.kind


def _parts(request: ChatRequest) -> Iterator[Part]:
    """Yields every part of the request, those inside of tool results too."""
    for message in request.messages:
        for part in message.parts:
            yield part
            if isinstance(part, ToolResult):
                yield from part.parts


def _texts(request: ChatRequest) -> Iterator[str]:
    return (part.text for part in _parts(request) if isinstance(part, Text))


def _last_text(request: ChatRequest) -> str | None:
    """The text of the last user message."""
    return next((message.text for message in reversed(request.messages) if message.role == "user"), None)


def _previous(request: ChatRequest) -> str | None:
    """The deployment that wrote the last assistant message, where that is known."""
    return next((message.deployment for message in reversed(request.messages) if message.role == "assistant"), None)


def _in_tool_loop(request: ChatRequest) -> bool:
    """Whether the last message brings what a tool gave."""
    return bool(request.messages) and any(isinstance(part, ToolResult) for part in request.messages[-1].parts)
