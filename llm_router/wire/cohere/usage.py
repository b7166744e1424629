"""Reads usage: what is billed, where that is told.

`tokens` counts the instructions too that Cohere itself puts around a conversation, often hundreds; `billed_units` is
what is paid for (docs, how-does-cohere-pricing-work, 2026), and so what `Usage` says. `cached_tokens` is a part of
`tokens`, not of what is billed: it is `cache_read` only where nothing billed is told. Everything stands in
`extra["usage"]` as it came.
"""

from __future__ import annotations

from llm_router.messages import JsonObject, Usage
from llm_router.wire.reading import as_count, as_object


def read_usage(said: JsonObject) -> Usage | None:
    """The usage of a reply, None where it reports none."""
    billed, tokens = as_object(said.get("billed_units")), as_object(said.get("tokens"))
    counted = billed if as_count(billed.get("input_tokens")) is not None else tokens
    usage = Usage(
        as_count(counted.get("input_tokens")),
        as_count(counted.get("output_tokens")),
        cache_read=as_count(said.get("cached_tokens")) if counted is tokens else None,
        reasoning=as_count(tokens.get("reasoning_tokens")),
    )
    return None if usage == Usage() else usage
