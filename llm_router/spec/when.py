"""`when:` as conditions: the structured spelling, read from the plain tree with the places of its source."""

from __future__ import annotations

from collections.abc import Callable

from llm_router.diagnostics import Diagnostic
from llm_router.spec.condition import ALWAYS, Condition, Declarations, Placement
from llm_router.spec.source import Source


def read_when(
    node: object,
    path: tuple[str | int, ...],
    source: Source,
    declarations: Declarations | Placement,
    report: Callable[[Diagnostic], None],
) -> Condition:
    """The condition that the tree below `path` writes; what can't be read is reported and left out.

    Reads `only` and `never` of guards too, when `declarations` is a `Placement`.
    """
    return ALWAYS
