"""Efforts as budgets, and budgets as efforts: a setting that says one reaches dialects that know only the other.

The budgets are those into which providers themselves translate efforts (Google: docs, gemini-api/openai, 2026-11). A
budget becomes the largest effort whose own budget it holds, so that a model never thinks much longer than was asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from llm_router.messages import ReasoningEffort, Thinking

BUDGETS: Mapping[ReasoningEffort, int] = MappingProxyType(
    {"none": 0, "minimal": 1024, "low": 2048, "medium": 8192, "high": 24576}
)
"""Tokens that an effort stands for, in rising order."""


def budget_of(wanted: Thinking, budgets: Mapping[ReasoningEffort, int] = BUDGETS) -> int:
    """The tokens that a model may think, where a dialect counts them; `budgets` are its own words for efforts."""
    return wanted if isinstance(wanted, int) else budgets[wanted]


def within(budget: int, cap: int | None, *, least: int = 1) -> int:
    """The budget, so far cut that a fifth of the cap is left to the answer, where thoughts count towards the cap.

    It isn't cut below `least`, the smallest that the model takes.
    """
    return budget if cap is None else min(budget, max(least, cap * 4 // 5))


def effort_of(wanted: Thinking) -> ReasoningEffort:
    """The effort, where a dialect knows only these."""
    if not isinstance(wanted, int):
        return wanted
    held: list[ReasoningEffort] = [effort for effort, budget in BUDGETS.items() if 0 < budget <= wanted]
    return held[-1] if held else "minimal"
