"""What only adding up shows: shares that should make a whole. JSON Schema can't say it, so it has a code of its own."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from llm_router.spec.model import PartsSpec, PoolSpec, Spec
from llm_router.spec.section import Finding, Section
from llm_router.units import format_share

WRONG_SUM = "LR216"


def sums(spec: Spec) -> Iterator[Finding]:
    """Shares that don't sum to 100%."""
    for section in spec.below():
        total = _total(section)
        if total not in (None, 1):
            where = "of" if isinstance(section, PoolSpec) else None
            path = (*section.path, where) if where else section.path
            message = f"these shares sum to {format_share(total or Fraction())}"
            yield Finding(WRONG_SUM, path, message, "let them sum to 100%")


def _total(section: Section) -> Fraction | None:
    """What the shares of a section sum to; `None` where it has none."""
    if isinstance(section, PartsSpec):
        return sum(section.parts.values(), Fraction())
    if isinstance(section, PoolSpec) and section.shares:
        return sum(section.shares.values(), Fraction())
    return None
