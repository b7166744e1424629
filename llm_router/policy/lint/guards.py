"""Lints about guards: what they leave, and whether what stands in instead can serve."""

from __future__ import annotations

from collections.abc import Iterator

from llm_router.diagnostics import Diagnostic
from llm_router.policy.lint.candidates import lacks, requirements
from llm_router.policy.lint.subject import Subject, warning
from llm_router.policy.program import Guard, Rule, Tier
from llm_router.policy.proofs.boxes import can_hold
from llm_router.spec.conditions.condition import both


def guard_never_holds(subject: Subject) -> Iterator[Diagnostic]:
    """A guard's condition can't hold for any request.

    What: the parts of its `when` and `if` contradict each other.
    Why: what it was meant to protect isn't protected.
    Example: `if: metadata.pii == true and metadata.pii == false`.
    """
    for place, guard in enumerate(subject.program.guards):
        if can_hold(guard.condition, subject.program.declarations) is False:
            yield warning(
                "LR431",
                f"guard `{guard.name}` can never hold: its conditions contradict each other",
                subject.condition_span("guards", place),
                "loosen one of the conditions, or delete the guard",
            )


def guard_leaves_nobody(subject: Subject) -> Iterator[Diagnostic]:
    """A guard bars every candidate of a rule, and nobody stands in.

    What: the rule and the guard can hold for the same request, none of the rule's candidates is allowed then, and the
    guard has no `instead`.
    Why: such requests fail with `no_candidate`, and nothing says whether that was meant.
    Example: `only: {labels.region: eu}` over a rule whose candidates are all in the US.
    """
    for place, guard in enumerate(subject.program.guards):
        if guard.instead is not None:
            continue
        for rule in barred_rules(subject, guard):
            yield warning(
                "LR432",
                f"guard `{guard.name}` leaves rule `{rule.name}` with nobody",
                subject.span("guards", place),
                f"add `instead:` with who serves then, or `instead: refuse`; or give `{rule.name}` a candidate "
                "that the guard allows",
            )


def guard_leaves_no_vectors(subject: Subject) -> Iterator[Diagnostic]:
    """A guard bars everybody who could embed.

    What: none of the deployments of an entry of `embeddings` is allowed when the guard holds. (Its `instead` can't
    stand in: vectors of another model would corrupt the index.)
    Why: every such request for vectors fails with `no_candidate`.
    Example: `only: {labels.region: eu}` with `embeddings: {docs: {use: openai:text-embedding-3-small}}`.
    """
    for guard in subject.program.guards:
        for embedding in subject.program.embeddings.values():
            if not any(each.name in guard.allowed for each in subject.candidates(embedding.tiers)):
                yield warning(
                    "LR434",
                    f"guard `{guard.name}` leaves the embeddings `{embedding.name}` with nobody",
                    subject.span("embeddings", embedding.name, "use"),
                    "add a deployment of the same model that the guard allows, if such requests shall be answered",
                )


def instead_cannot(subject: Subject) -> Iterator[Diagnostic]:
    """Nobody in a guard's `instead` may or can serve.

    What: `instead` names only deployments that this guard, or another that can hold with it, doesn't allow, or that
    can't do what a rule that it stands in for requires.
    Why: `instead` is filtered like everybody, so these requests fail after all.
    Example: `only: {labels.region: eu}` with `instead: gpt`, where `gpt` is in the US.
    """
    for place, guard in enumerate(subject.program.guards):
        if guard.instead is None or guard.instead == "refuse":
            continue
        reason = next(failing(subject, guard, guard.instead), None)
        if reason is not None:
            yield warning(
                "LR433",
                f"`instead` of guard `{guard.name}` can't serve: {reason}",
                subject.span("guards", place, "instead"),
                "name a deployment that may and can, or write `instead: refuse`",
            )


def failing(subject: Subject, guard: Guard, instead: tuple[Tier, ...]) -> Iterator[str]:
    """Yields why nobody in `instead` can serve: whom a guard bars, then what a rule requires."""
    declarations = subject.program.declarations
    stand_ins = subject.candidates(instead)
    for other in subject.program.guards:
        if can_hold(both(guard.condition, other.condition), declarations) is False:
            continue
        if not any(deployment.name in other.allowed for deployment in stand_ins):
            yield (
                f"guard `{other.name}` doesn't allow it" if other is not guard else "the guard itself doesn't allow it"
            )
    for rule in barred_rules(subject, guard):
        needs = requirements(subject, both(rule.condition, guard.condition))
        lacking = [lacks(deployment, needs) for deployment in stand_ins]
        if stand_ins and all(lacking):
            yield f"rule `{rule.name}` requires {lacking[0]}"


def barred_rules(subject: Subject, guard: Guard) -> Iterator[Rule]:
    """Yields the rules that can hold together with the guard and none of whose candidates it allows."""
    for rule in subject.using:
        allowed = any(deployment.name in guard.allowed for deployment in subject.candidates(rule.tiers))
        if not allowed and can_hold(both(rule.condition, guard.condition), subject.program.declarations) is not False:
            yield rule
