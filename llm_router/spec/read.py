"""A spec's text as a checked `Spec`: everything that can be said of its structure, at once, each at its place.

Names, conditions and what they mean together are looked at later (`llm_router.policy`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from llm_router.diagnostics import Diagnostic, Span, has_errors, in_order
from llm_router.spec.model import Spec
from llm_router.spec.refs import Environment
from llm_router.spec.section import Notes
from llm_router.spec.source import Plain, Source, read_source
from llm_router.spec.substitute import Substitution
from llm_router.spec.sums import sums
from llm_router.spec.translate import findings, place


@dataclass(frozen=True, slots=True)
class Reading:
    """A spec as read. `spec` is there when no diagnostic is an error."""

    spec: Spec | None
    source: Source
    diagnostics: tuple[Diagnostic, ...]


def read(text: str | bytes, file: str, environment: Environment | None = None) -> Reading:
    """The spec that a text writes, and what is wrong with its structure. Never raises.

    Without an environment, what has no default stays a `Reference`; with one, everything but keys is looked up.
    """
    source, diagnostics = read_source(text, file)
    if diagnostics:
        return Reading(None, source, in_order(diagnostics))
    if not isinstance(source.tree, dict):
        return Reading(None, source, (_not_a_mapping(source),))
    spec, found = _validate(source.tree, source, environment)
    return Reading(None if has_errors(found) else spec, source, in_order(found))


def read_mapping(tree: Mapping[str, object], file: str = "<spec>", environment: Environment | None = None) -> Reading:
    """The spec that a mapping is; places are those in its JSON, which `source.text` has."""
    return read(json.dumps(tree, indent=2, ensure_ascii=False, default=str), file, environment)


def _validate(
    tree: dict[str, Plain], source: Source, environment: Environment | None
) -> tuple[Spec | None, tuple[Diagnostic, ...]]:
    substitution = Substitution(source, environment)
    bound = substitution.apply(tree)
    notes = Notes(substitution.paths)
    spec, errors = None, []
    try:
        spec = Spec.model_validate(bound, context=notes)
    except ValidationError as error:
        errors = error.errors(include_url=False)
    found = findings(bound, errors, notes)
    placed = [place(finding, source) for finding in (*found, *(sums(spec) if spec and not found else ()))]
    return spec, (*substitution.diagnostics, *placed)


def _not_a_mapping(source: Source) -> Diagnostic:
    span = source.values.get((), Span(source.file, 1, 1, 1, 1))
    kind = "a list" if isinstance(source.tree, list) else "one value"
    advice = "begin with `version: 1` and `rules:`"
    return Diagnostic("LR107", "error", f"a spec is a mapping, and this is {kind}", span, advice)
