"""How much a model shall think: an effort as Google's API takes it.

Budgets and levels are those into which Google itself translates efforts (docs, gemini-api/openai, 2026-11): there is
no lower budget than 1024 for `minimal`, and models without the level `minimal` take `low`.
"""

from __future__ import annotations

from collections.abc import Mapping

from llm_router.messages import Json, JsonObject, ReasoningEffort, Thinking
from llm_router.wire.codec import Unsupported
from llm_router.wire.gemini.quirks import Quirks
from llm_router.wire.thinking import BUDGETS, budget_of, effort_of, within

_BUDGETS: Mapping[ReasoningEffort, int] = {**BUDGETS, "low": 1024}


LEAST_BUDGET = 512
"""Tokens; google: the least that all models with budgets take (docs, gemini-api/thinking, 2026)."""


def thinking_config(effort: Thinking | None, quirks: Quirks, cap: int | None) -> JsonObject:
    """The `thinkingConfig`, empty where nothing is asked; with the thoughts in it. Raises Unsupported.

    Thoughts count towards `cap`, the answer's tokens (docs, gemini-api/thinking, 2026): one that they fill is empty.
    """
    if effort is None:
        return {}
    if effort == "none":
        return _switched_off(quirks)
    if quirks.thinking == "none":
        raise Unsupported("`reasoning`")
    said: dict[str, Json] = {"includeThoughts": True}
    if quirks.thinking == "budget":
        return {**said, "thinkingBudget": within(budget_of(effort, _BUDGETS), cap, least=LEAST_BUDGET)}
    level = effort_of(effort)
    return {**said, "thinkingLevel": quirks.least_level if level == "minimal" else level}


def _switched_off(quirks: Quirks) -> JsonObject:
    if quirks.thinking == "none":
        return {}
    if quirks.thinking_off == "no":
        raise Unsupported("`reasoning: none`: this model always thinks")
    return {"thinkingBudget": 0}
