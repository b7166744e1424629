"""Reads usage: Anthropic counts cached input beside `input_tokens`, and in a stream tells it in two parts."""

from __future__ import annotations

from collections.abc import Mapping

from llm_router.messages import Json, JsonObject, Usage
from llm_router.wire.reading import as_count, as_object, look_up

_CACHED = ("cache_read_input_tokens", "cache_creation_input_tokens")
_BILLED = {"server_tool_use": ("web_search_requests", "web_fetch_requests")}
"""Counts beyond the neutral form that have a price of their own; kept in `extra` where these aren't zero."""


class UsageCount:
    """The usage of one answer, as it becomes known: what is told later replaces what was told before."""

    def __init__(self) -> None:
        self._said: dict[str, Json] = {}

    def read(self, said: JsonObject, *, whole: bool) -> Usage:
        """The usage so far. Until the answer is whole its output isn't counted: the first figure is none of it."""
        self._said.update({name: value for name, value in said.items() if value is not None})
        cached, created = (as_count(self._said.get(name)) for name in _CACHED)
        fresh = as_count(self._said.get("input_tokens"))
        return Usage(
            None if fresh is None else fresh + (cached or 0) + (created or 0),
            as_count(self._said.get("output_tokens")) if whole else None,
            cached,
            created,
            as_count(look_up(self._said, "output_tokens_details.thinking_tokens")) if whole else None,
            cache_creation_1h=as_count(look_up(self._said, "cache_creation.ephemeral_1h_input_tokens")) or None,
        )

    @property
    def extras(self) -> Mapping[str, Json]:
        """What is billed otherwise: uses of the server's tools."""
        found = {name: as_object(self._said.get(name)) for name in _BILLED}
        return {name: said for name, said in found.items() if any(as_count(said.get(key)) for key in _BILLED[name])}
