"""From a spec's text to what requests run on: read, compile, bind, wire. Collects diagnostics, raises nothing.

The compiler, the models of the file and the dialects are imported where a spec is loaded: a program that only imports
the router doesn't pay for them.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from llm_router.diagnostics import Diagnostic, Span, has_errors, in_order
from llm_router.spec.refs import Environment

if TYPE_CHECKING:
    from llm_router.engine.wiring import Wiring
    from llm_router.policy.alerting import BoundAlert
    from llm_router.policy.program import Program

UNREADABLE = "LR100"

OF_THE_ENVIRONMENT = ("LR219", "LR52")
"""How the codes begin that say what an environment lacks: a variable that the file names, a key, an address."""

logger = logging.getLogger("llm_router")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a spec comes from: a file, which is read anew each time, or a text, which stays as it is.

    A text may have come from a file; `path` is then where relative paths start from.
    """

    file: str
    path: Path | None = None
    text: str | None = field(default=None, repr=False)

    @classmethod
    def of_mapping(cls, spec: Mapping[str, object]) -> Origin:
        """The origin of a spec that a program made."""
        from llm_router.spec.read import text_of

        return cls("<spec>", text=text_of(spec))

    @classmethod
    def of_path(cls, path: str | Path) -> Origin:
        """The origin of a spec in a file."""
        return cls(str(path), path=Path(path))

    @property
    def directory(self) -> Path:
        """The folder that relative paths in the spec start from."""
        return self.path.parent if self.path is not None else Path()

    def anew(self) -> Origin:
        """The same, with a file's text to be read anew."""
        return self if self.path is None else replace(self, text=None)

    def read(self) -> str | bytes | Diagnostic:
        """The text, or why it can't be had."""
        if self.text is not None or self.path is None:
            return self.text or ""
        try:
            return self.path.read_bytes()
        except OSError as error:
            message = f"the file can't be read: {(error.strerror or type(error).__name__).lower()}"
            return Diagnostic(UNREADABLE, "error", message, Span(self.file, 1, 1, 1, 1), "check its path")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A program joined to an environment, ready for requests; with the warnings that it came with."""

    origin: Origin
    text: str = field(repr=False)
    program: Program
    wiring: Wiring = field(repr=False)
    diagnostics: tuple[Diagnostic, ...] = ()
    alerts: tuple[BoundAlert, ...] = ()


@dataclass(frozen=True, slots=True)
class NotLoaded:
    """A spec that can't be used, and why; `text` is what the diagnostics point into."""

    text: str
    diagnostics: tuple[Diagnostic, ...]


def compiled(origin: Origin, environment: Environment | None) -> tuple[Program | None, tuple[Diagnostic, ...]]:
    """The program, if the spec compiles, and all diagnostics; references stay symbolic without an environment."""
    from llm_router.policy.compile import compile_spec
    from llm_router.spec.read import read

    text = origin.read()
    if isinstance(text, Diagnostic):
        return None, (text,)
    return compile_spec(read(text, origin.file, environment), environment)


def loaded(origin: Origin, environment: Environment) -> Loaded | NotLoaded:
    """What requests run on, if the spec compiles and binds."""
    from llm_router.engine.wiring import wire
    from llm_router.policy.alerting import bind_alerts
    from llm_router.policy.binding import bind
    from llm_router.policy.compile import compile_spec
    from llm_router.spec.read import read

    text = origin.read()
    if isinstance(text, Diagnostic):
        return NotLoaded("", (text,))
    reading = read(text, origin.file, environment)
    program, found = compile_spec(reading, environment)
    if program is None:
        return NotLoaded(reading.source.text, found)
    binding = bind(program, environment, reading.source)
    alerts = bind_alerts(program, environment, reading.source)
    diagnostics = in_order((*found, *binding.diagnostics, *alerts.diagnostics))
    if has_errors(diagnostics):
        return NotLoaded(reading.source.text, diagnostics)
    return Loaded(
        origin, reading.source.text, program, replace(wire(binding), exactly=True), diagnostics, alerts.alerts
    )


def log_diagnostics(fresh: Loaded) -> None:
    """Log what the program came with: what the environment lacks as a warning, what a lint found as information."""
    for each in fresh.diagnostics:
        level = logging.WARNING if each.code.startswith(OF_THE_ENVIRONMENT) else logging.INFO
        logger.log(level, "%s: %s at line %d of %s", each.code, each.message, each.span.line, each.span.file)
