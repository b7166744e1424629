"""Reads usage from the several shapes that compatible providers report it in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from llm_router.messages import Json, JsonObject, Usage
from llm_router.wire.reading import as_count, as_object, look_up

_PATHS: Mapping[str, tuple[str, ...]] = {
    "input": ("prompt_tokens", "input_tokens"),
    "output": ("completion_tokens", "output_tokens"),
    "cache_read": (
        "prompt_tokens_details.cached_tokens",
        "input_tokens_details.cached_tokens",  # openai's responses, as are the others below `…put_tokens_details`
        "prompt_cache_hit_tokens",  # deepseek
        "cache_read_input_tokens",  # litellm, of anthropic
        "cached_tokens",  # together
        "num_cached_tokens",  # mistral
    ),
    "cache_creation": (
        "prompt_tokens_details.cache_creation_tokens",
        "input_tokens_details.cache_write_tokens",
        "prompt_tokens_details.cache_write_tokens",  # openrouter
        "cache_creation_input_tokens",  # litellm, of anthropic
    ),
    "reasoning": (
        "completion_tokens_details.reasoning_tokens",
        "output_tokens_details.reasoning_tokens",
        "reasoning_tokens",
    ),
    "input_audio": ("prompt_tokens_details.audio_tokens", "audio_prompt_tokens"),
    "output_audio": ("completion_tokens_details.audio_tokens",),
}
"""Where each kind of token stands; the first path that holds a number counts."""


def read_usage(chunk: JsonObject) -> Usage | None:
    """The usage of a reply or chunk, None where it reports none."""
    said = _said(chunk)
    if not said:
        return None
    counts = {kind: _first(said, paths) for kind, paths in _PATHS.items()}
    usage = _complete(Usage(**counts), as_count(said.get("total_tokens")))
    return None if usage == Usage() else usage


def _said(chunk: JsonObject) -> JsonObject:
    return as_object(chunk.get("usage")) or as_object(look_up(chunk, "x_groq.usage"))


def _first(said: JsonObject, paths: tuple[str, ...]) -> int | None:
    values: list[Json] = [look_up(said, path) for path in paths]
    return next((count for value in values if (count := as_count(value)) is not None), None)


def _complete(usage: Usage, total: int | None) -> Usage:
    """Totals that hold their parts: the provider's own total shows where a part was counted beside them.

    xAI counts reasoning outside completion_tokens, Mistral sound outside prompt_tokens (recordings, 2025).
    """
    missing = 0 if total is None or usage.total is None else total - usage.total
    if missing > 0 and missing == usage.reasoning:
        return replace(usage, output=(usage.output or 0) + missing)
    if missing > 0 and missing == usage.input_audio:
        return replace(usage, input=(usage.input or 0) + missing)
    return usage
