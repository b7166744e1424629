"""Where the passes of the compiler write what is wrong; they go on, so that everything is said at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from llm_router.diagnostics import Diagnostic
from llm_router.spec.source import Source

Path: TypeAlias = tuple[str | int, ...]

UNKNOWN_NAME = "LR301"
TWICE = "LR302"
NO_DEFAULT_MODEL = "LR303"
UNKNOWN_PROVIDER = "LR304"
BARE_MODEL = "LR305"
CYCLE = "LR306"
UNKNOWN_CARD = "LR307"
UNKNOWN_TASK = "LR308"
UNKNOWN_ZONE = "LR309"
BAD_ABSENT = "LR310"


@dataclass(frozen=True, slots=True)
class Report:
    """Diagnostics about one source, in the order in which they were found."""

    source: Source
    found: list[Diagnostic] = field(default_factory=list)

    def error(self, code: str, path: Path, message: str, help: str = "", *, at_key: bool = False) -> None:
        """Note what stops the spec, at the value of `path` or at its key."""
        span = self.source.key_span(path) if at_key else self.source.span(path)
        self.found.append(Diagnostic(code, "error", message, span, help))

    def add(self, diagnostic: Diagnostic) -> None:
        """Note what somebody else found."""
        self.found.append(diagnostic)
