"""How much a model shall think: an effort as Google's API takes it.

Budgets and levels are those into which Google itself translates efforts (docs, gemini-api/openai, 2026-11): there is
no lower budget than 1024 for `minimal`, and models without the level `minimal` take `low`.
"""

from __future__ import annotations

from collections.abc import Mapping

from llm_router.messages import Json, JsonObject, ReasoningEffort
from llm_router.wire.codec import Unsupported
from llm_router.wire.gemini.quirks import Quirks

_BUDGETS: Mapping[ReasoningEffort, int] = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24576}


def thinking_config(effort: ReasoningEffort | None, quirks: Quirks) -> JsonObject:
    """The `thinkingConfig`, empty where nothing is asked; with the thoughts in it. Raises Unsupported."""
    if effort is None:
        return {}
    if effort == "none":
        return _switched_off(quirks)
    if quirks.thinking == "none":
        raise Unsupported("`reasoning`")
    said: dict[str, Json] = {"includeThoughts": True}
    if quirks.thinking == "budget":
        return {**said, "thinkingBudget": _BUDGETS[effort]}
    return {**said, "thinkingLevel": quirks.least_level if effort == "minimal" else effort}


def _switched_off(quirks: Quirks) -> JsonObject:
    if quirks.thinking == "none":
        return {}
    if quirks.thinking_off == "no":
        raise Unsupported("`reasoning: none`: this model always thinks")
    return {"thinkingBudget": 0}
