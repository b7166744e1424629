"""References in a tree: left as values of their own, or replaced by what the environment holds.

Without an environment a text whose references all have defaults counts as its default; the others become
`Reference`s. With one, all are replaced. Keys of providers and what alerts are sent with are never replaced here: they
stay references until they are used, so that no value of them travels through the spec.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from llm_router.diagnostics import Diagnostic, Severity
from llm_router.spec.refs import UNSET, Environment, MissingReference, Reference, has_reference, resolve
from llm_router.spec.scalars import Substituted
from llm_router.spec.source import Path, Plain, Source, read_scalar


@dataclass(slots=True)
class Substitution:
    """One walk over a tree. `paths` tells where each mapping of the new tree stands."""

    source: Source
    environment: Environment | None
    paths: dict[int, Path] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)

    def apply(self, node: Plain, path: Path = ()) -> Any:
        """The tree with its references replaced or made values."""
        if isinstance(node, dict):
            fresh = {key: self.apply(value, (*path, key)) for key, value in node.items()}
            self.paths[id(fresh)] = path
            return fresh
        if isinstance(node, list):
            return [self.apply(item, (*path, place)) for place, item in enumerate(node)]
        if isinstance(node, str) and "${" in node and has_reference(node) and not _is_condition(path):
            return self._replace(node, path)
        return node

    def _replace(self, text: str, path: Path) -> object:
        reference = Reference(text)
        if _is_credential(path):
            self._value(reference, path)
            return reference
        value = self._value(reference, path)
        if _is_free(path):
            return text if value is None else read_scalar(value)
        return reference if value is None else Substituted.of(value, text)

    def _value(self, reference: Reference, path: Path) -> str | None:
        """What the reference stands for; `None` where that isn't known, after a report if it should be."""
        if self.environment is None:
            return reference.default
        try:
            return resolve(reference, self.environment)
        except MissingReference as error:
            self._report(error, path)
            return None

    def _report(self, missing: MissingReference, path: Path) -> None:
        if path[:1] == ("alerts",) and self.environment is not None and self.environment.emulator is not None:
            return  # nobody is told in tests
        provider = path[1] if len(path) > 2 and path[0] == "providers" else None
        severity: Severity = "error" if provider is None else "warning"
        message = missing.message + (f", so nobody is asked at `{provider}`" if provider else "")
        self.diagnostics.append(Diagnostic(UNSET, severity, message, self.source.span(path), missing.help))


def _is_credential(path: Path) -> bool:
    if path[:1] == ("alerts",):
        return path[2:] in (("webhook",), ("secret",))
    return path[:1] == ("providers",) and len(path) > 2 and path[2] in ("api_key", "api_keys")


def _is_condition(path: Path) -> bool:
    """Whether this belongs to a condition: their readers replace references by the types of features."""
    if path[0] in ("rules", "guards"):
        return path[2:3] in (("when",), ("if",), ("only",), ("never",))
    if path[0] in ("budgets", "limits"):
        return path[2:3] == ("for",)
    return path[0] == "tests" and path[2:4] in (("expect", "only"), ("expect", "never"))


def _is_free(path: Path) -> bool:
    """Whether values here have no type of their own: a replaced text reads as it would without quotes."""
    said = path[0] == "tests" and (path[2:3] == ("given",) or path[2:4] == ("request", "metadata"))
    return said or any(path[place : place + 2] == ("settings", "extra") for place in (0, 2))
