"""`if:` as conditions: one line of text, its tokens and their precedence."""

from __future__ import annotations

from collections.abc import Callable

from llm_router.diagnostics import Diagnostic, Span
from llm_router.spec.condition import ALWAYS, Condition, Declarations, Placement


def read_if(
    text: str, span: Span, declarations: Declarations | Placement, report: Callable[[Diagnostic], None]
) -> Condition:
    """The condition that an expression writes; `span` is the place of the whole scalar in the file.

    What can't be read is reported, with its column inside the text, and left out.
    """
    return ALWAYS
