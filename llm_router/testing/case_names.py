"""The names inside `tests:`, held against the program: rules, deployments, providers, tasks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from llm_router.diagnostics import Diagnostic, did_you_mean
from llm_router.policy.program import Program
from llm_router.spec.conditions.condition import Condition
from llm_router.spec.conditions.feature_types import Placement
from llm_router.spec.conditions.when import read_when
from llm_router.spec.model_cases import CaseSpec
from llm_router.spec.read import Reading
from llm_router.spec.source import Path, Plain, Source
from llm_router.testing.case_expect import Placements

UNKNOWN = "LR350"
"""A test speaks of a rule, deployment or provider that the spec doesn't have."""


def check_cases(program: Program, reading: Reading) -> tuple[Diagnostic, ...]:
    """What the tests of a spec name that isn't there, each at its place."""
    cases = reading.spec.tests if reading.spec else ()
    found = [each for place, case in enumerate(cases) for each in _check(case, ("tests", place), program, reading)]
    return tuple(sorted(found, key=lambda each: (each.span.line, each.span.column)))


def placements_of(
    case: CaseSpec, path: Path, program: Program, source: Source, found: list[Diagnostic] | None = None
) -> Placements:
    """`only` and `never` of the case at `path`, read; what can't be read is added to `found`."""
    labels = {key for deployment in program.deployments.values() for key in deployment.labels}
    placement = Placement(tuple(program.providers), tuple(program.deployments), tuple(sorted(labels)))
    report = ([] if found is None else found).append

    def read(word: str, node: Mapping[str, Plain] | None) -> Condition | None:
        return None if node is None else read_when(node, (*path, "expect", word), source, placement, report)

    return Placements(read("only", case.expect.only), read("never", case.expect.never))


def _check(case: CaseSpec, path: Path, program: Program, reading: Reading) -> Iterator[Diagnostic]:
    source = reading.source
    rules = tuple(rule.name for rule in program.rules)
    deployments = tuple(dict.fromkeys((*program.members, *program.deployments)))
    for name in case.answers:
        if name not in deployments:
            yield _unknown(name, "deployment", deployments, source, (*path, "given", name), at_key=True)
    budgets = tuple(budget.name for budget in program.budgets)
    for name in case.world:
        space, _, budget = name.partition(".")
        if space == "spent" and budget not in budgets:
            yield _unknown(budget, "budget", budgets, source, (*path, "given", name), at_key=True)
    for word in ("rule", "refused"):
        for rule, place in _named(getattr(case.expect, word), (*path, "expect", word)):
            if rule not in rules:
                yield _unknown(rule, "rule", rules, source, place)
    for word in ("deployment", "attempts"):
        for name, place in _named(getattr(case.expect, word), (*path, "expect", word)):
            if name not in deployments:
                yield _unknown(name, "deployment", deployments, source, place)
    yield from _hints(case, path, program, source)
    found: list[Diagnostic] = []
    placements_of(case, path, program, source, found)
    yield from found


def _hints(case: CaseSpec, path: Path, program: Program, source: Source) -> Iterator[Diagnostic]:
    embed, embeddings = case.request.embed, tuple(program.embeddings)
    if embed is not None and embed not in embeddings:
        yield _unknown(embed, "embedding", embeddings, source, (*path, "request", "embed"))
    hints: tuple[tuple[str, str, Sequence[str]], ...] = (
        ("task", "task", program.tasks),
        ("provider", "provider", tuple(program.providers)),
        ("prefer", "deployment or pool", (*program.members, *program.deployments, *program.pools)),
    )
    for hint, noun, names in hints:
        for name, place in _named(getattr(case.request, hint), (*path, "request", hint)):
            if names and name not in names:
                yield _unknown(name, noun, names, source, place)


def _named(value: object, path: Path) -> Iterator[tuple[str, Path]]:
    """Yields the names in a value, one or a list, each with its place."""
    if isinstance(value, str):
        yield value, path
    elif isinstance(value, (tuple, list)):
        yield from ((str(name), (*path, place)) for place, name in enumerate(value))


def _unknown(
    name: str, noun: str, names: Sequence[str], source: Source, path: Path, *, at_key: bool = False
) -> Diagnostic:
    span = source.key_span(path) if at_key else source.span(path)
    return Diagnostic(UNKNOWN, "error", f"the spec has no {noun} `{name}`", span, did_you_mean(name, names))
