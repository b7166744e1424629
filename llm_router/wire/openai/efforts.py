"""Efforts as OpenAI's generations know them, and what goes with thinking.

`efforts` names the least that a model knows: `minimal` to high (gpt-5), `none`, low to high (gpt-5.1 and later), `low`,
`medium` or `high` (o-series, codex, pro). `default`: the model thinks as much as it will, or not at all (`none`), and
any effort asks it to (groq's qwen3; console.groq.com/docs/reasoning, 2026). `sampling` tells when temperature and top_p
can be set: `yes`, `idle` (unless an effort asks for thought), `off` (only with the effort `none`), `no` (docs,
guides/latest-model, 2026; recordings).
"""

from __future__ import annotations

from collections.abc import Mapping

from llm_router.messages import Json, ReasoningEffort, Settings, Thinking
from llm_router.wire.codec import Unsupported
from llm_router.wire.openai.quirks import Quirks
from llm_router.wire.thinking import effort_of

_KNOWN: Mapping[str, tuple[ReasoningEffort, ...]] = {
    "any": ("none", "minimal", "low", "medium", "high"),
    "minimal": ("minimal", "low", "medium", "high"),
    "none": ("none", "low", "medium", "high"),
    "low": ("low", "medium", "high"),
    "medium": ("medium", "high"),
    "high": ("high",),
}
_THINKS: Mapping[str, tuple[Thinking | None, ...]] = {"idle": (None, "none"), "off": ("none",), "no": ()}
"""The efforts beside which temperature and top_p can be set."""


def known_effort(wanted: Thinking, quirks: Quirks) -> str:
    """The effort in the model's words; `minimal` becomes `low` where it isn't known. Raises Unsupported."""
    effort = effort_of(wanted)
    if quirks.efforts == "default":
        return "none" if effort == "none" else "default"
    known = _KNOWN[quirks.efforts]
    if effort == "minimal" and effort not in known:
        effort = "low"
    if effort not in known:
        raise Unsupported(f"`reasoning: {effort}`")
    return effort


def sampling(settings: Settings, quirks: Quirks) -> Mapping[str, Json]:
    """Temperature and top_p. Raises Unsupported for what the model would refuse, never drops it."""
    said: dict[str, Json] = {"temperature": settings.temperature, "top_p": settings.top_p}
    said = {name: value for name, value in said.items() if value is not None}
    if quirks.sampling == "yes" or settings.reasoning in _THINKS[quirks.sampling]:
        return said
    for name in (name for name, value in said.items() if value != 1):
        raise Unsupported(f"`{name}`")
    return {}
