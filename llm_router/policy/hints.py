"""What a caller says about one request, validated against the program that will decide on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from llm_router.policy.program import Program

CostHint = Literal["low", "medium", "high"]
SpeedHint = Literal["slow", "normal", "fast", "critical"]


@dataclass(frozen=True, slots=True)
class Hints:
    """What the caller said; `None` and empty are unsaid. `max_cost` is in picodollars, `timeout_s` in seconds.

    `metadata` holds the keys that the spec declares, flattened by dots, with values of the declared type.
    """

    task: str | None = None
    cost: CostHint | None = None
    speed: SpeedHint | None = None
    capability: frozenset[str] = frozenset()
    model: str | None = None
    provider: str | None = None
    prefer: tuple[str, ...] = ()
    max_cost: int | None = None
    timeout_s: float | None = None
    user: str | None = field(default=None, repr=False)
    session: str | None = field(default=None, repr=False)
    run: str | None = None
    tags: frozenset[str] = frozenset()
    metadata: Mapping[str, bool | float | str] = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls, said: Mapping[str, object], program: Program) -> Hints:
        """The hints that `said` spells, by the keywords of a call. Raises RequestError at the first mistake."""
        raise NotImplementedError
