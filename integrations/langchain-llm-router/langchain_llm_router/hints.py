"""How hints reach a call in LangChain.

Core hands neither configuration nor callbacks to `_stream` and `_astream`. So the public entry points resolve all
hints when they are called, and hand one keyword down, `routing`, which core's cache key sees as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from llm_router.context import current_hints, merge_hints
from llm_router.keywords import read_routing

if TYPE_CHECKING:
    from llm_router.policy.program import Program

Hints = Mapping[str, object]


class Resolved(dict[str, object]):
    """All hints of one call, resolved by the entry point that was called. Its text is the same for the same hints."""


def resolve(said: Hints, bound: Hints, config: Hints, constructor: Hints) -> Resolved:
    """The hints of a call, key by key the first of: call, bound, configuration, `with routing()`, constructor."""
    merged = merge_hints(said, bound, config, current_hints(), constructor)
    return Resolved((name, _stable(merged[name])) for name in sorted(merged))


def hints_of_config(metadata: Mapping[str, Any] | None, tags: Sequence[str] | None, program: Program) -> Hints:
    """The hints that a RunnableConfig carries: those under `routing`, its tags, and metadata that the spec declares.

    What the program doesn't read stays out: frameworks add step numbers and ids, which no cache key should see.
    """
    metadata = metadata or {}
    roots = {name.partition(".")[0] for name in program.declarations.metadata}
    declared = {name: value for name, value in metadata.items() if name in roots}
    beside: dict[str, object] = {"metadata": declared} if declared else {}
    if tags and "tags" in program.reads:
        beside["tags"] = list(tags)
    return merge_hints(read_routing(metadata), beside)


def _stable(value: object) -> object:
    """The same value in an order that doesn't change between runs."""
    if isinstance(value, Mapping):
        return {name: _stable(value[name]) for name in sorted(value)}
    return sorted(value) if isinstance(value, set | frozenset) else value
