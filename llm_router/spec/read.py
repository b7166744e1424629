"""A spec's text as a checked `Spec`: everything that can be said of its structure, at once, each at its place.

Names, conditions and what they mean together are looked at later (`llm_router.policy`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from llm_router.diagnostics import Diagnostic, Span, has_errors, in_order
from llm_router.spec.constraints import MISSING
from llm_router.spec.model import Spec
from llm_router.spec.prune import Lost, lost_in, pruned
from llm_router.spec.refs import Environment
from llm_router.spec.scalars import NOTHING
from llm_router.spec.section import Finding, Notes
from llm_router.spec.source import Plain, Source, read_source
from llm_router.spec.substitute import Substitution
from llm_router.spec.sums import WRONG_SUM, sums
from llm_router.spec.translate import findings, place

ROUNDS = 12
"""How often what is left of a wrong spec is looked at again; each round goes one level up at least."""


@dataclass(frozen=True, slots=True)
class Partial:
    """What is left of a wrong spec, only to look for more mistakes, and what was taken out of it.

    INVARIANT: it never becomes a program; stand-ins are in it.
    """

    spec: Spec
    lost: Lost


@dataclass(frozen=True, slots=True)
class Reading:
    """A spec as read. `spec` is there when no diagnostic is an error; else what is left of it is, if anything."""

    spec: Spec | None
    source: Source
    diagnostics: tuple[Diagnostic, ...]
    partial: Partial | None = None


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What one look at a tree said: the spec, if its values can be read, and what is wrong."""

    spec: Spec | None
    found: tuple[Finding, ...]
    unset: tuple[Diagnostic, ...] = ()


def read(text: str | bytes, file: str, environment: Environment | None = None) -> Reading:
    """The spec that a text writes, and what is wrong with its structure. Never raises.

    Without an environment, what has no default stays a `Reference`; with one, everything but keys is looked up.
    """
    source, faults = read_source(text, file)
    if not isinstance(source.tree, dict):
        return Reading(None, source, in_order(faults or (_not_a_mapping(source),)))
    verdict = _validate(source.tree, source, environment)
    placed = (place(finding, source) for finding in verdict.found if not _is_torn(finding, source))
    found = in_order((*faults, *verdict.unset, *placed))
    if has_errors(found):
        return Reading(None, source, found, _left_of(source.tree, verdict, source, environment))
    return Reading(verdict.spec, source, found)


def text_of(tree: Mapping[str, object]) -> str:
    """The text of a spec that a program made: JSON, which is YAML; diagnostics are placed in it."""
    return json.dumps(tree, indent=2, ensure_ascii=False, default=str)


def _validate(tree: dict[str, Plain], source: Source, environment: Environment | None) -> _Verdict:
    substitution = Substitution(source, environment)
    bound = substitution.apply(tree)
    notes = Notes(substitution.paths)
    spec, errors = None, []
    try:
        spec = Spec.model_validate(bound, context=notes)
    except ValidationError as error:
        errors = error.errors(include_url=False)
    found = findings(bound, errors, notes)
    return _Verdict(spec, (*found, *(sums(spec) if spec and not found else ())), tuple(substitution.diagnostics))


def _left_of(
    tree: dict[str, Plain], verdict: _Verdict, source: Source, environment: Environment | None
) -> Partial | None:
    """What is left when everything wrong is taken out, and then what is wrong for lack of that; or nothing."""
    lost = lost_in(tree, [Finding("", path, "") for path in source.torn])
    for _ in range(ROUNDS):
        wrong = [finding for finding in verdict.found if finding.code != WRONG_SUM]
        if not wrong:
            return Partial(verdict.spec, lost) if verdict.spec else None
        lost |= lost_in(tree, wrong)
        tree = pruned(tree, wrong)
        tree.pop("tests", None)  # nothing looks at them before there is a program
        verdict = _validate(tree, source, environment)
    return None


def _is_torn(finding: Finding, source: Source) -> bool:
    """Whether this is only found because the tree isn't what the file says: a value there, a key missing there."""
    lacking = finding.code in (MISSING, NOTHING)
    return any(finding.path == path or (lacking and finding.path[: len(path)] == path) for path in source.torn)


def _not_a_mapping(source: Source) -> Diagnostic:
    span = source.values.get((), Span(source.file, 1, 1, 1, 1))
    kind = "a list" if isinstance(source.tree, list) else "one value"
    advice = "begin with `version: 1` and `rules:`"
    return Diagnostic("LR107", "error", f"a spec is a mapping, and this is {kind}", span, advice)
