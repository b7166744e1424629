"""What the keywords of a framework's call mean: LangChain and LlamaIndex pass OpenAI's names, and we take them.

Whatever isn't known is refused with the nearest word that is. A keyword that is `None` is unsaid.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args
from urllib.parse import unquote_to_bytes

from llm_router.diagnostics import did_you_mean
from llm_router.errors import RequestError
from llm_router.messages import (
    CacheLife,
    ChatRequest,
    Json,
    JsonFormat,
    Media,
    Message,
    NamedTool,
    ReasoningEffort,
    Settings,
    Tool,
    ToolChoice,
)

HINTS = (
    "task",
    "cost",
    "budget",
    "speed",
    "capability",
    "model",
    "provider",
    "prefer",
    "max_cost",
    "timeout",
    "user",
    "session",
    "run",
    "tags",
    "metadata",
    "fresh",
)
"""What a caller may say of a request, as `routing={…}` or on a constructor."""

CALL_HINTS = {"model": "model", "timeout": "timeout", "request_timeout": "timeout"}
"""Hints that the frameworks know as keywords of a call."""


@dataclass(frozen=True, slots=True)
class Keywords:
    """The keywords of one call, read."""

    settings: Settings = Settings()
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: JsonFormat | None = None
    hints: Mapping[str, object] = field(default_factory=dict)

    def request(self, messages: Iterable[Message], below: Settings) -> ChatRequest:
        """The request that these keywords and messages spell; `below` are the settings that they go before."""
        return ChatRequest(
            messages=tuple(messages),
            tools=self.tools,
            tool_choice=self.tool_choice if self.tools else None,
            parallel_tool_calls=self.parallel_tool_calls if self.tools else None,
            response_format=self.response_format,
            settings=self.settings.over(below),
        )


def read_keywords(keywords: Mapping[str, object]) -> Keywords:
    """The meaning of a call's keywords. Raises RequestError at the first that has none."""
    said = {name: keywords[name] for name in (*SETTINGS, *keywords) if keywords.get(name) is not None}
    settings: dict[str, object] = {}
    options: dict[str, object] = {}
    for name, value in said.items():
        if name in SETTINGS:
            settings[SETTINGS[name]] = READERS[SETTINGS[name]](name, value)
        elif name in OPTIONS:
            options[name] = OPTIONS[name](value)
        elif name not in CALL_HINTS and name != "routing":
            raise unknown_keyword(name, (*SETTINGS, *OPTIONS, *CALL_HINTS, "routing"))
    # what the tables above return is of the fields' types; they can't say so key by key
    return Keywords(Settings(**settings), hints=read_hints(said), **options)  # type: ignore[arg-type]


def read_hints(keywords: Mapping[str, object]) -> Mapping[str, object]:
    """The hints among a call's keywords: those under `routing`, before those that are keywords. Raises RequestError."""
    named = {hint: keywords[name] for name, hint in CALL_HINTS.items() if keywords.get(name) is not None}
    return {**named, **read_routing(keywords)}


def read_constructor(keywords: Mapping[str, Any], fields: Iterable[str]) -> dict[str, Any]:
    """A model's fields from the keywords of its constructor, all hints under `routing`.

    `fields` are the framework's own and ours. A hint that is a field too (`tags`) is kept as both. Raises RequestError.
    """
    known = (*fields, *HINTS, *CONSTRUCTOR)
    found: dict[str, Any] = {}
    hints: dict[str, object] = {}
    for name, value in keywords.items():
        if name not in known:
            raise unknown_keyword(name, (*CONSTRUCTOR, *HINTS))
        if name in HINTS and name not in CONSTRUCTOR and value is not None:
            hints[name] = value
        if name in CONSTRUCTOR or name in fields:
            found[CONSTRUCTOR.get(name, name)] = value
    return {**found, "routing": {**hints, **read_routing(keywords)}}


def read_embedder(keywords: Mapping[str, Any], fields: Iterable[str]) -> dict[str, Any]:
    """The fields of what embeds from the keywords of its constructor, all hints under `routing`. Raises RequestError.

    `fields` are the framework's own and ours; settings of chats are none of them.
    """
    known = (*fields, *HINTS)
    for name in keywords:
        if name not in known:
            advice = REFUSED.get(name) or did_you_mean(name, known)
            raise RequestError(f"unknown keyword `{name}`", help=advice)
    found = {name: value for name, value in keywords.items() if name in fields}
    hints = {name: value for name, value in keywords.items() if name in HINTS and value is not None}
    return {**found, "routing": {**hints, **read_routing(keywords)}}


def check_source(spec: object, router: object) -> None:
    """Nothing. Raises RequestError where a model is given both a spec and a router."""
    if spec is not None and router is not None:
        raise RequestError("a model has a spec or a router, not both", help="leave one of them out")


def read_routing(keywords: Mapping[str, object]) -> Mapping[str, object]:
    """The hints under `routing`, by known names; their values are read by the router. Raises RequestError."""
    routing = keywords.get("routing") or {}
    if not isinstance(routing, Mapping):
        raise RequestError(f"`routing` is a {type(routing).__name__}", help='write a mapping: routing={"task": "code"}')
    for name in routing:
        if name not in HINTS:
            raise RequestError(f"unknown hint `{name}`", help=did_you_mean(str(name), HINTS))
    return {str(name): value for name, value in routing.items() if value is not None}


def unknown_keyword(name: str, known: Iterable[str]) -> RequestError:
    """The error for a keyword without meaning where `known` ones have one."""
    if name in REFUSED:
        return RequestError(f"`{name}` is not taken here", help=REFUSED[name])
    if name in HINTS:
        return RequestError(f"`{name}` is a hint, not a keyword of a call", help=f'write routing={{"{name}": …}}')
    return RequestError(f"unknown keyword `{name}`", help=did_you_mean(name, known))


REFUSED = {
    "max_retries": "retries are the spec's matter: write `fallback: {after: {unavailable: {retry: 1}}}` there",
    "functions": "write tools=[…]",
    "function_call": "write tool_choice=…",
    "n": "ask as often as you want answers",
    "api_key": "keys belong to providers in the spec: `providers: {openai: {api_key: ${env:…}}}`",
    "base_url": "addresses belong to providers in the spec: `providers: {corp: {base_url: …}}`",
}
"""Keywords that other models take and this one can't, with what to do instead."""


def read_tool(tool: object) -> Tool:
    """A tool from OpenAI's form, `{"type": "function", "function": {…}}`. Raises RequestError."""
    function = tool.get("function") if isinstance(tool, Mapping) else None
    if not isinstance(tool, Mapping) or not isinstance(function, Mapping):
        kind = tool.get("type") if isinstance(tool, Mapping) else type(tool).__name__
        raise RequestError(
            f"a tool of type `{kind}` runs at one provider only", help="pass functions, which every provider can call"
        )
    parameters = function.get("parameters") or {"type": "object", "properties": {}}
    return Tool(
        str(function["name"]),
        str(function.get("description") or ""),
        parameters,
        function.get("strict"),
        read_cache_mark(tool.get("cache_control")),
    )


def read_cache_mark(said: object) -> CacheLife | None:
    """How long the prompt up to a place is kept, from the form that both frameworks use. Raises RequestError."""
    if said is None:
        return None
    life = said.get("ttl") or "5m" if isinstance(said, Mapping) and said.get("type") == "ephemeral" else None
    if life not in get_args(CacheLife):
        raise RequestError("`cache_control` can't be read", help='write {"type": "ephemeral", "ttl": "5m"}, or "1h"')
    return "5m" if life == "5m" else "1h"


def read_tools(tools: object) -> tuple[Tool, ...]:
    """Tools from OpenAI's form. Raises RequestError."""
    if not isinstance(tools, list | tuple):
        raise RequestError(f"`tools` is a {type(tools).__name__}", help="write a list")
    return tuple(read_tool(tool) for tool in tools)


def read_tool_choice(choice: object) -> ToolChoice | None:
    """A tool choice from any of the forms in use; a word that is no mode is a tool's name. Raises RequestError."""
    if isinstance(choice, bool):
        return "required" if choice else None
    if isinstance(choice, Mapping):
        function = choice.get("function")
        named = function.get("name") if isinstance(function, Mapping) else choice.get("name")
        choice = NamedTool(str(named)) if named else choice.get("type")
    if isinstance(choice, str):
        return MODES.get(choice) or NamedTool(choice)
    if isinstance(choice, NamedTool):
        return choice
    raise RequestError("`tool_choice` can't be read", help='write "auto", "none", "required" or the name of a tool')


def check_tool_choice(choice: object, tools: Iterable[Tool]) -> None:
    """Raises RequestError where `choice` names a tool that isn't among `tools`."""
    wanted = None if choice is None else read_tool_choice(choice)
    names = [tool.name for tool in tools]
    if isinstance(wanted, NamedTool) and wanted.name not in names:
        raise RequestError(
            f"`tool_choice` names `{wanted.name}`, which is no tool", help=did_you_mean(wanted.name, names)
        )


MODES: Mapping[str, Literal["auto", "none", "required"]] = {
    "auto": "auto",
    "none": "none",
    "required": "required",
    "any": "required",
}


def read_response_format(wanted: object) -> JsonFormat | None:
    """A response format from OpenAI's form or a pydantic model. Raises RequestError."""
    if isinstance(wanted, JsonFormat):
        return wanted
    if isinstance(wanted, type) and hasattr(wanted, "model_json_schema"):
        return JsonFormat(wanted.model_json_schema(), schema_name(wanted.__name__))
    kind = wanted.get("type") if isinstance(wanted, Mapping) else None
    if kind == "text":
        return None
    if kind == "json_object":
        return JsonFormat()
    described = wanted.get("json_schema") if isinstance(wanted, Mapping) and kind == "json_schema" else None
    if isinstance(described, Mapping) and isinstance(described.get("schema"), Mapping):
        return JsonFormat(described["schema"], str(described.get("name") or "answer"), described.get("strict"))
    raise RequestError(
        "`response_format` can't be read",
        help='write {"type": "json_object"} or {"type": "json_schema", "json_schema": {"name": …, "schema": {…}}}',
    )


def schema_name(title: str) -> str:
    """The name of a schema as providers take it (openai: letters, digits, `_` and `-`, at most 64; docs, 2025)."""
    return re.sub(r"[^a-zA-Z0-9_-]", "_", title)[:64]


def media_of_url(kind: Literal["image", "file", "audio"], url: str, media_type: str | None = None) -> Media:
    """The image, file or sound at `url`; what a `data:` URL holds is taken out of it. Raises RequestError."""
    if not url.startswith("data:"):
        return Media(kind, url=url, media_type=media_type)
    head, comma, body = url[len("data:") :].partition(",")
    if not comma:
        raise RequestError(f"the data URL of this {kind} has no comma", help="write data:image/png;base64,…")
    named, _, coding = head.partition(";")
    data = decode_base64(body, kind) if coding.endswith("base64") else unquote_to_bytes(body)
    return Media(kind, data=data, media_type=media_type or named or None)


def decode_base64(text: str, kind: str) -> bytes:
    """The bytes that `text` encodes; `kind` names them in the RequestError that is raised where it does not."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise RequestError(f"the data of this {kind} isn't base64", help="encode it, or pass a URL") from None


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RequestError(f"`{name}` is {value!r}", help="write a number")
    return float(value)


def _whole(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise RequestError(f"`{name}` is {value!r}", help="write a whole number")
    return value


def _texts(name: str, value: object) -> tuple[str, ...] | None:
    texts = (value,) if isinstance(value, str) else value
    if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
        raise RequestError(f"`{name}` is {value!r}", help="write a text, or a list of texts")
    return tuple(texts) or None


def _effort(name: str, value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    if value not in get_args(ReasoningEffort):
        raise RequestError(f"`{name}` is {value!r}", help=did_you_mean(str(value), get_args(ReasoningEffort)))
    return str(value)


def _alternatives(name: str, value: object) -> int | None:
    """How many alternatives to each token: `logprobs=True` asks for none, `top_logprobs=3` for three."""
    if isinstance(value, bool):
        return 0 if value else None
    return _whole(name, value)


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise RequestError(f"`{name}` is a {type(value).__name__}", help="write a text")
    return value


def _mapping(name: str, value: object) -> Mapping[str, Json]:
    if not isinstance(value, Mapping):
        raise RequestError(f"`{name}` is a {type(value).__name__}", help="write a mapping")
    return dict(value)


CONSTRUCTOR = {
    "model": "model",
    "timeout": "timeout",
    "request_timeout": "timeout",
    "temperature": "temperature",
    "top_p": "top_p",
    "max_tokens": "max_tokens",
    "max_completion_tokens": "max_tokens",
    "max_output_tokens": "max_tokens",
    "stop": "stop",
    "stop_sequences": "stop",
    "seed": "seed",
    "reasoning": "reasoning_effort",
    "reasoning_effort": "reasoning_effort",
}
"""Keywords of a model's constructor, and the field that keeps each."""

SETTINGS = {
    "temperature": "temperature",
    "top_p": "top_p",
    "max_tokens": "max_output_tokens",
    "max_completion_tokens": "max_output_tokens",
    "max_output_tokens": "max_output_tokens",
    "stop": "stop",
    "stop_sequences": "stop",
    "seed": "seed",
    "reasoning": "reasoning",
    "reasoning_effort": "reasoning",
    "logprobs": "logprobs",
    "top_logprobs": "logprobs",
    "user": "user",
    "extra_headers": "headers",
    "extra_body": "extra",
}
"""Keywords that set a parameter of the call, and which."""

READERS: Mapping[str, Callable[[str, object], object]] = {
    "temperature": _number,
    "top_p": _number,
    "max_output_tokens": _whole,
    "stop": _texts,
    "seed": _whole,
    "reasoning": _effort,
    "logprobs": _alternatives,
    "user": _text,
    "headers": _mapping,
    "extra": _mapping,
}

OPTIONS: Mapping[str, Callable[[object], object]] = {
    "tools": read_tools,
    "tool_choice": read_tool_choice,
    "parallel_tool_calls": bool,
    "response_format": read_response_format,
}
"""Keywords that shape the request, and who reads them."""
