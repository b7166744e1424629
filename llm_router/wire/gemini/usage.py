"""Reads `usageMetadata`.

`promptTokenCount` has the cached tokens in it; tokens of pages and searches that a tool of Google's brought into the
prompt stand beside it, and thoughts beside the candidates' tokens (all four add up to `totalTokenCount`; recordings,
2025 and 2026). Counts of zero are left out, as Protocol Buffers do; the total shows that nothing was written.
"""

from __future__ import annotations

from llm_router.messages import Json, JsonObject, Usage
from llm_router.wire.reading import as_count, as_list, as_object

_EXTRAS = ("serviceTier", "trafficType")


def read_usage(chunk: JsonObject) -> Usage | None:
    """The usage of a reply or chunk, None where it reports none."""
    said = as_object(chunk.get("usageMetadata"))
    prompt, brought = as_count(said.get("promptTokenCount")), as_count(said.get("toolUsePromptTokenCount"))
    thoughts = as_count(said.get("thoughtsTokenCount"))
    read = _sum(prompt, brought)
    usage = Usage(
        input=read,
        output=_written(said, read, thoughts),
        cache_read=as_count(said.get("cachedContentTokenCount")),
        reasoning=thoughts,
        input_audio=_sum(_sound(said.get("promptTokensDetails")), _sound(said.get("toolUsePromptTokensDetails"))),
        output_audio=_sound(said.get("candidatesTokensDetails")),
    )
    return None if usage == Usage() else usage


def usage_extras(chunk: JsonObject) -> JsonObject:
    """What is said of the usage beyond counts."""
    said = as_object(chunk.get("usageMetadata"))
    return {key: said[key] for key in _EXTRAS if said.get(key) is not None}


def _written(said: JsonObject, read: int | None, thoughts: int | None) -> int | None:
    written = _sum(as_count(said.get("candidatesTokenCount")), thoughts)
    total = as_count(said.get("totalTokenCount"))
    if written is None and total is not None and read is not None and total >= read:
        return total - read
    return written


def _sound(details: Json) -> int | None:
    """Tokens of sound among those that are told by modality."""
    counts = [
        as_count(each.get("tokenCount")) for each in map(as_object, as_list(details)) if each.get("modality") == "AUDIO"
    ]
    return sum(count or 0 for count in counts) if counts else None


def _sum(first: int | None, second: int | None) -> int | None:
    return None if first is None and second is None else (first or 0) + (second or 0)
