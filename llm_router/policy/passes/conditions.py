"""What a spec declares about requests, and the conditions of its rules and guards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from llm_router.diagnostics import did_you_mean
from llm_router.policy.match import holds
from llm_router.policy.passes.report import BAD_ABSENT, Report
from llm_router.policy.program import Deployment
from llm_router.spec.conditions.condition import ALWAYS, Condition, Test, both, tests_of
from llm_router.spec.conditions.expression import read_if
from llm_router.spec.conditions.feature_types import Declarations, MetadataKind, MetadataType, Placement
from llm_router.spec.conditions.when import read_when
from llm_router.spec.model import GuardSpec, MetadataDeclaration, MetadataSpec, RuleSpec, Spec
from llm_router.spec.refs import Environment, Reference
from llm_router.spec.source import Path

ABILITIES = ("tools", "images", "files", "audio", "json_schema", "reasoning", "prefill")
"""What cards may say that a model supports."""

_TYPES: Mapping[str, MetadataKind] = {"boolean": "boolean", "number": "number", "text": "text"}


def declarations_of(spec: Spec, report: Report) -> Declarations:
    """What the spec declares: tasks, metadata, budgets, and the capabilities that anybody states."""
    own = (word for deployment in spec.deployments.values() for word in deployment.supports or ())
    metadata = {key: _metadata(key, declared, report) for key, declared in spec.metadata.items()}
    budgets = tuple(dict.fromkeys(budget.name for budget in spec.budgets))
    return Declarations(tuple(spec.tasks), metadata, tuple(dict.fromkeys((*ABILITIES, *own))), budgets)


def close_tasks(declared: Declarations, conditions: Iterable[Condition]) -> Declarations:
    """The declarations with their tasks: without `tasks:` those that the rules use, if they name them all by word."""
    if declared.tasks:
        return declared
    tests = [test for condition in conditions for test in tests_of(condition) if test.feature == "task"]
    if any(test.op not in ("is", "in", "not", "exists") for test in tests):
        return declared
    return replace(declared, tasks=tuple(dict.fromkeys(word for test in tests for word in _words(test))))


def allowed_by(only: Condition, never: Condition | None, deployments: Iterable[Deployment]) -> frozenset[str]:
    """The deployments that a guard's `only` and `never` let pass. A label that isn't there is not the one asked for."""
    return frozenset(
        deployment.name
        for deployment in deployments
        if holds(only, facts := _facts(deployment)) and not (never is not None and holds(never, facts))
    )


@dataclass(frozen=True, slots=True)
class ConditionReader:
    """Reads conditions as they stand in the file. Without an environment, references stay in them."""

    declarations: Declarations | Placement
    report: Report
    environment: Environment | None

    def of(self, section: RuleSpec | GuardSpec) -> Condition:
        """The condition of a rule or guard: `when` and `if` together."""
        condition: Condition = ALWAYS
        if section.when is not None:
            condition = self.tree(section.when, (*section.path, "when"))
        if section.if_ is not None:
            condition = both(condition, self._expression(section.if_, (*section.path, "if")))
        return condition

    def tree(self, node: object, path: Path) -> Condition:
        """The condition that a mapping writes."""
        source = self.report.source
        return read_when(node, path, source, self.declarations, self.report.add, environment=self.environment)

    def _expression(self, text: str | Reference, path: Path) -> Condition:
        written = text.text if isinstance(text, Reference) else text
        source = self.report.source
        return read_if(written, path, source, self.declarations, self.report.add, environment=self.environment)


def _metadata(key: str, declared: MetadataDeclaration, report: Report) -> MetadataType:
    if not isinstance(declared, MetadataSpec):
        return _type_of(declared)
    kind, absent = _type_of(declared.type), declared.absent
    if absent is not None and kind.words and absent not in kind.words:
        advice = did_you_mean(str(absent), kind.words)
        report.error(BAD_ABSENT, ("metadata", key, "absent"), f"`{absent}` is none of the words of `{key}`", advice)
    return replace(kind, absent=absent)


def _type_of(declared: str | tuple[str, ...]) -> MetadataType:
    return MetadataType(_TYPES[declared]) if isinstance(declared, str) else MetadataType("word", declared)


def _words(test: Test) -> Iterator[str]:
    return (value for value in test.values if isinstance(value, str))


def _facts(deployment: Deployment) -> Mapping[str, object]:
    return {
        "provider": deployment.provider.name,
        "deployment": deployment.member,
        "model": deployment.model,
        "local": deployment.local,
        **{f"labels.{key}": value for key, value in deployment.labels.items()},
    }
