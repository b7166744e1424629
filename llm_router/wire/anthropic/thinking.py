"""How much a model shall think, as its generation is told it.

`adaptive`: the model decides, an effort steers it, and it can be switched off; `always`: it can't be switched off;
`between`: off but for notes between tool calls; `budget`: off unless a number of tokens is given; `none`: no thinking.
Effort words stand for budgets by a table; a budget leaves at least a fifth of the answer's cap to the answer itself.

A budget is left out where the turn under way began without thoughts that this provider could check: the API takes
thinking for a whole turn, tool calls and results included, or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from llm_router.messages import Json, JsonObject, ReasoningEffort, Settings
from llm_router.wire.anthropic.quirks import Quirks
from llm_router.wire.codec import Unsupported
from llm_router.wire.reading import as_list, as_object
from llm_router.wire.thinking import budget_of, effort_of

LEAST_BUDGET = 1024
"""anthropic: tokens; docs/extended-thinking, 2026."""
_EFFORTS: Mapping[ReasoningEffort, str] = {"minimal": "low", "low": "low", "medium": "medium", "high": "high"}
_LEAST_TOP_P = 0.95
"""anthropic: with thinking on; docs/extended-thinking, 2026."""


@dataclass(frozen=True, slots=True)
class Thinking:
    """The body's `thinking` and the effort of its `output_config`; None where nothing is said."""

    said: JsonObject | None = None
    effort: str | None = None

    @property
    def active(self) -> bool:
        """Whether the model is asked to think."""
        return self.said is not None and self.said["type"] in ("enabled", "adaptive")

    @property
    def budgeted(self) -> bool:
        """Whether it thinks within a number of tokens, which rules out that a tool call is a must."""
        return self.said is not None and self.said["type"] == "enabled"


_OFF: Mapping[str, Thinking] = {
    "adaptive": Thinking({"type": "disabled"}),
    "between": Thinking({"type": "between_tools"}),
    "budget": Thinking(),
    "none": Thinking(),
}


def thinking(settings: Settings, quirks: Quirks, turns: Sequence[JsonObject], cap: int) -> Thinking:
    """What is said of thinking; `turns` are the encoded messages, `cap` the answer's tokens. Raises Unsupported."""
    effort = settings.reasoning
    if effort is None:
        return Thinking()
    if effort == "none":
        if quirks.thinking not in _OFF:
            raise Unsupported("`reasoning: none`")
        return _OFF[quirks.thinking]
    if quirks.thinking == "none":
        raise Unsupported("`reasoning`")
    if quirks.thinking == "budget":
        return Thinking() if _began_without(turns) else _budget(budget_of(effort), cap)
    return Thinking({"type": "adaptive", "display": "summarized"}, _EFFORTS[effort_of(effort)])


def sampling(settings: Settings, quirks: Quirks, wanted: Thinking) -> Mapping[str, Json]:
    """Temperature and top_p. Raises Unsupported for what the model would refuse, never drops it."""
    temperature, top_p = settings.temperature, settings.top_p
    said: dict[str, Json] = {"temperature": temperature, "top_p": top_p}
    set_ones = {name: value for name, value in said.items() if value is not None}
    if temperature is not None and temperature > 1:
        raise Unsupported("`temperature` above 1")
    if quirks.sampling == "none":
        for name in (name for name, value in set_ones.items() if value != 1):
            raise Unsupported(f"`{name}`")
        return {}
    if quirks.sampling == "one" and len(set_ones) > 1:
        raise Unsupported("`temperature` beside `top_p`")
    if wanted.active and temperature not in (None, 1):
        raise Unsupported("`temperature` other than 1 while thinking")
    if wanted.active and top_p is not None and top_p < _LEAST_TOP_P:
        raise Unsupported(f"`top_p` below {_LEAST_TOP_P} while thinking")
    return set_ones


def _budget(wanted: int, cap: int) -> Thinking:
    if cap <= LEAST_BUDGET:
        raise Unsupported(f"`reasoning` with at most {LEAST_BUDGET} output tokens")
    return Thinking({"type": "enabled", "budget_tokens": max(LEAST_BUDGET, min(wanted, cap * 4 // 5))})


def _began_without(turns: Sequence[JsonObject]) -> bool:
    """Whether the last answer is not finished (it asks for tools, or is to be continued) and has no thoughts before."""
    last = next((turn for turn in reversed(turns) if turn["role"] == "assistant"), None)
    if last is None:
        return False
    kinds = [as_object(block).get("type") for block in as_list(last["content"])] or ["text"]
    under_way = last is turns[-1] or "tool_use" in kinds
    return under_way and kinds[0] not in ("thinking", "redacted_thinking")
