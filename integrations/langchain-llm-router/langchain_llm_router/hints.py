"""How hints reach a call in LangChain.

Core hands neither configuration nor callbacks to `_stream` and `_astream`. So the public entry points resolve all
hints when they are called, and hand one keyword down, `routing`, which core's cache key sees as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from llm_router.context import current_hints, merge_hints, only_hints
from llm_router.keywords import read_routing
from llm_router.tracking import Tracks, current_tracks, framework_run, only_tracks

if TYPE_CHECKING:
    from llm_router.policy.program import Program

Hints = Mapping[str, object]


class Resolved(dict[str, object]):
    """All hints of one call, resolved by the entry point that was called. Its text is the same for the same hints.

    `tracks` are the blocks of `track()` that the call was made in, `run_id` is what LangChain calls it, if it is known
    already; no cache key sees them.
    """

    tracks: Tracks = ()
    run_id: str | None = None


@contextmanager
def taken(hints: Resolved, run_id: object = None) -> Iterator[None]:
    """Let these hints hold in the block, and what was taken with them; `run_id` is LangChain's for the call."""
    named = hints.run_id if run_id is None else str(run_id)
    with only_hints(hints), only_tracks(hints.tracks), framework_run(named):
        yield


def resolve(said: Hints, bound: Hints, config: Hints, constructor: Hints) -> Resolved:
    """The hints of a call, key by key the first of: call, bound, configuration, `with routing()`, constructor."""
    merged = merge_hints(said, bound, config, current_hints(), constructor)
    resolved = Resolved((name, _stable(merged[name])) for name in sorted(merged))
    resolved.tracks = current_tracks()
    return resolved


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
