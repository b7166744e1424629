"""A declarative LLM router: one checked YAML file picks a provider and model for each request.

    from llm_router import Router

    with Router.from_file("router.yaml") as router:
        print(router.chat("Why is the sky blue?", task="simple_qa").text)

Names are imported when they are first used, so importing the package is cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llm_router.catalog.tokens import TokenCount, count_request, count_text
    from llm_router.context import bind_context, merge_hints, routing
    from llm_router.diagnostics import Diagnostic, SpecError
    from llm_router.engine.answer import Answer
    from llm_router.engine.embedding.answers import Embeddings
    from llm_router.engine.stream import AsyncStream, Stream
    from llm_router.errors import NoCandidate, ProviderError, Refused, RequestError, RouterClosed, RouterError
    from llm_router.messages import ChatRequest, ChatResponse, Message, Tool, assistant, system, tool_result, user
    from llm_router.router import Router, load
    from llm_router.spec.refs import Environment
    from llm_router.tracking import Spend, track

__all__ = [
    "Answer",
    "AsyncStream",
    "ChatRequest",
    "ChatResponse",
    "Diagnostic",
    "Embeddings",
    "Environment",
    "Message",
    "NoCandidate",
    "ProviderError",
    "Refused",
    "RequestError",
    "Router",
    "RouterClosed",
    "RouterError",
    "SpecError",
    "Spend",
    "Stream",
    "TokenCount",
    "Tool",
    "assistant",
    "bind_context",
    "count_request",
    "count_text",
    "load",
    "merge_hints",
    "routing",
    "system",
    "tool_result",
    "track",
    "user",
]

_HOMES = {
    "catalog.tokens": ("TokenCount", "count_request", "count_text"),
    "context": ("bind_context", "merge_hints", "routing"),
    "diagnostics": ("Diagnostic", "SpecError"),
    "engine.answer": ("Answer",),
    "engine.embedding.answers": ("Embeddings",),
    "engine.stream": ("AsyncStream", "Stream"),
    "errors": ("NoCandidate", "ProviderError", "Refused", "RequestError", "RouterClosed", "RouterError"),
    "messages": ("ChatRequest", "ChatResponse", "Message", "Tool", "assistant", "system", "tool_result", "user"),
    "router": ("Router", "load"),
    "spec.refs": ("Environment",),
    "tracking": ("Spend", "track"),
}
_HOME = {name: f"llm_router.{home}" for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
