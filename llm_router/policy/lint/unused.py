"""Lints about what is declared and never used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from llm_router.diagnostics import Diagnostic
from llm_router.policy.lint.subject import Subject, warning
from llm_router.policy.program import Budget, Limit, Tier
from llm_router.spec.conditions.condition import Test, tests_of
from llm_router.spec.source import Plain

REFERRING = frozenset({"use", "instead", "next"})
"""The keys whose values name who is asked."""


def unused_deployment(subject: Subject) -> Iterator[Diagnostic]:
    """A deployment that no rule, guard or fallback asks.

    What: neither a `use`, nor an `instead`, nor a `next` names it, directly or by a pool. (A caller's `model=` still
    can.)
    Why: it is either forgotten in a rule, or a leftover that somebody will keep up to date for nothing.
    Example: `deployments: {gpt: …, old: …}` with `use: gpt` everywhere.
    """
    asked = {member for tier in subject.tiers for member in tier.members}
    for name in section(subject, "deployments"):
        if name not in asked:
            yield warning(
                "LR411",
                f"deployment `{name}` is never asked",
                subject.key_span("deployments", name),
                "name it in a `use`, or delete it",
            )


def unused_pool(subject: Subject) -> Iterator[Diagnostic]:
    """A pool that no rule, guard or fallback names.

    What: as for deployments; a pool that is only a member of unused pools is unused too.
    Why: a change to it changes nothing.
    Example: `pools: {cheap: [mini, llama]}` with `use: [mini, llama]` everywhere.
    """
    pools = section(subject, "pools")
    named = set(referred(subject.source.tree))
    grown = True
    while grown:
        inner = {name for pool in named & set(pools) for name in names_in(pools[pool])}
        grown = not inner <= named
        named |= inner
    for name in pools:
        if name not in named:
            yield warning(
                "LR412",
                f"pool `{name}` is never used",
                subject.key_span("pools", name),
                "name it in a `use`, or delete it",
            )


def unused_provider(subject: Subject) -> Iterator[Diagnostic]:
    """A provider none of whose deployments exists.

    What: the provider has an entry, and neither a deployment nor a name in place (`provider:model`) refers to it.
    Why: its settings, labels and keys apply to nothing.
    Example: `providers: {groq: {labels: {region: us}}}` in a spec that names no model of Groq's.
    """
    serving = {deployment.provider.name for deployment in subject.program.deployments.values()}
    for name in section(subject, "providers"):
        if name not in serving:
            yield warning(
                "LR413",
                f"provider `{name}` serves no deployment",
                subject.key_span("providers", name),
                f"add a deployment, or `{name}:<model>` to a `use`, or delete it",
            )


def unused_task(subject: Subject) -> Iterator[Diagnostic]:
    """A declared task that no condition and no quality figure speaks of.

    What: `tasks:` lists a word that neither a rule, nor a guard, nor a deployment's `quality` reads.
    Why: callers may say it and nothing changes; often the rule for it is missing.
    Example: `tasks: [code, chat]` where no rule reads `chat`.
    """
    read = {word for test in conditions(subject) if test.feature == "task" for word in test.values}
    read |= {task for deployment in subject.program.deployments.values() for task in deployment.quality}
    tasks = subject.source.tree.get("tasks") if isinstance(subject.source.tree, dict) else None
    for place, task in enumerate(tasks if isinstance(tasks, list) else ()):
        if task not in read:
            yield warning(
                "LR414",
                f"task `{task}` is never read",
                subject.span("tasks", place),
                "write a rule for it, or delete it",
            )


def unused_metadata(subject: Subject) -> Iterator[Diagnostic]:
    """A declared metadata key that no condition reads.

    What: neither a rule nor a guard reads `metadata.<key>`.
    Why: callers fill it in and nothing changes; a wrong type in it still fails their requests.
    Example: `metadata: {team: text}` without a condition on `metadata.team`.
    """
    for key in section(subject, "metadata"):
        if f"metadata.{key}" not in subject.program.reads:
            yield warning(
                "LR415",
                f"metadata key `{key}` is never read",
                subject.key_span("metadata", key),
                f"write a condition on `metadata.{key}`, or delete it",
            )


def unread_fact(subject: Subject) -> Iterator[Diagnostic]:
    """A deployment states its quality or speed, and nothing ranks by it.

    What: no group or pool that the deployment is in is ordered by `quality`, `speed`, a mixture with them, or `auto`,
    and none has a `max_latency`.
    Why: whoever tunes the figure believes that it changes who is asked.
    Example: `gpt: {…, quality: 86}` in a spec whose rules list deployments in order.
    """
    for name, fact in ((name, fact) for name in section(subject, "deployments") for fact in ("quality", "speed")):
        path = ("deployments", name, fact)
        if subject.states(path) and not any(name in tier.members and reads(tier, fact) for tier in subject.tiers):
            yield warning(
                "LR416",
                f"nothing ranks `{name}` by its `{fact}`",
                subject.key_span(*path),
                f"rank by it, as `use: {{from: […], by: {fact}}}`, or delete it",
            )


def reads(tier: Tier, fact: str) -> bool:
    """Whether a tier's order depends on this fact."""
    if fact == "speed" and tier.max_latency_s is not None:
        return True
    return tier.by in (fact, "auto") or any(part == fact for part in tier.score)


def section(subject: Subject, key: str) -> Mapping[str, Plain]:
    """A section of the file that maps names to entries, as written."""
    tree = subject.source.tree
    found = tree.get(key) if isinstance(tree, dict) else None
    return found if isinstance(found, dict) else {}


def conditions(subject: Subject) -> Iterator[Test]:
    """Yields every predicate of the rules, guards, limits and budgets."""
    for rule in subject.program.rules:
        yield from tests_of(rule.condition)
    for guard in subject.program.guards:
        yield from tests_of(guard.condition)
    accounts: tuple[Limit | Budget, ...] = (*subject.program.limits, *subject.program.budgets)
    for account in accounts:
        yield from tests_of(account.covers)


def referred(tree: Plain) -> Iterator[str]:
    """Yields the names below every `use`, `instead` and `next`, wherever they stand."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from names_in(value) if key in REFERRING else referred(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from referred(value)


def names_in(use: Plain) -> Iterator[str]:
    """Yields the names that a `use` (or a pool) lists, as written."""
    if isinstance(use, str):
        yield use
    elif isinstance(use, list):
        for value in use:
            yield from names_in(value)
    elif isinstance(use, dict):
        inner = use.get("from", use.get("of"))
        yield from inner if isinstance(inner, dict) else names_in(inner)
