"""Lints about the conditions of rules: what can't be reached, and what nobody catches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from llm_router.diagnostics import Diagnostic
from llm_router.policy.lint.subject import Subject, warning
from llm_router.policy.program import Rule
from llm_router.policy.proofs.boxes import LIMIT, Coverage, can_hold, covered_by
from llm_router.spec.conditions.condition import ALWAYS, reads
from llm_router.spec.conditions.feature_types import feature_type
from llm_router.spec.conditions.spelling import share_text

MOST_SHOWN = 3
"""How many features an example shows, present and absent each."""


def rule_never_holds(subject: Subject) -> Iterator[Diagnostic]:
    """A rule's condition can't hold for any request.

    What: the parts of `when` and `if` contradict each other, as `task == "code" and task == "chat"`.
    Why: the rule looks like policy and is none; whoever wrote it believes in something that never happens.
    Example: `if: input_tokens > 100k and input_tokens < 1k`.
    """
    for rule in subject.program.rules:
        if can_hold(rule.condition, subject.program.declarations) is False:
            yield warning(
                "LR401",
                f"rule `{rule.name}` can never hold: its conditions contradict each other",
                subject.condition_span("rules", rule.place),
                "loosen one of the conditions, or delete the rule",
            )


def rule_shadowed(subject: Subject) -> Iterator[Diagnostic]:
    """Earlier rules, alone or together, catch every request that this rule is for.

    What: the first rule that holds decides, and whenever this one holds, an earlier one does.
    Why: the rule is never used; often a broad rule was put above a narrow one.
    Example: `when: {task: code}` below `when: {task: [code, chat]}`.
    """
    for rule in subject.program.rules:
        coverage = shadow(subject, rule)
        if coverage.verdict != "yes" or can_hold(rule.condition, subject.program.declarations) is not True:
            continue
        names = " and ".join(f"`{name}`" for name in (subject.earlier(rule)[place].name for place in coverage.by))
        catch = "together catch" if len(coverage.by) > 1 else "catches"
        yield warning(
            "LR402",
            f"rule `{rule.name}` is never reached: {names} {catch} every request that it is for",
            subject.condition_span("rules", rule.place),
            f"move it above {names}, or delete it",
        )


def no_last_rule(subject: Subject) -> Iterator[Diagnostic]:
    """Some requests match no rule.

    What: no rule is without a condition, and the conditions together leave a gap; the message shows a request in it.
    Why: such a request fails with `no_candidate`, usually first in production.
    Example: a spec whose only rule has `when: {task: code}`.
    """
    conditions = [rule.condition for rule in subject.program.rules]
    declarations = subject.program.declarations
    if ALWAYS in conditions:
        return
    coverage = covered_by(ALWAYS, conditions, declarations)
    if coverage.verdict == "no":
        yield warning(
            "LR403",
            f"no rule is without a condition, and a request {described(coverage.gap, subject)} matches none",
            subject.key_span("rules"),
            "end with a rule that has neither `when` nor `if`",
        )


def analysis_incomplete(subject: Subject) -> Iterator[Diagnostic]:
    """The conditions are too entangled to be analysed within the linter's bound.

    What: whether a rule can be reached was given up on after a stated number of steps.
    Why: the lints about shadowing and contradiction are silent about this rule, and silence isn't proof.
    Example: dozens of `any:` lists over a dozen features in one rule.
    """
    for rule in subject.program.rules:
        holds = can_hold(rule.condition, subject.program.declarations)
        if holds is None or (holds and shadow(subject, rule).verdict == "unknown"):
            yield warning(
                "LR404",
                f"rule `{rule.name}` is not analysed: its conditions need more than {LIMIT:,} steps",
                subject.condition_span("rules", rule.place),
                "split the rule, so that each part is simple",
            )


def name_twice(subject: Subject) -> Iterator[Diagnostic]:
    """Two rules, or two guards, bear one name.

    What: decisions, errors and tests tell them by their names alone.
    Why: nobody sees which of the two decided, and `expect: {rule: …}` passes for either.
    Example: two rules with `name: code`.
    """
    program = subject.program
    for section, names in (
        ("rules", [rule.name for rule in program.rules]),
        ("guards", [guard.name for guard in program.guards]),
    ):
        for place, name in enumerate(names):
            if name in names[:place]:
                yield warning(
                    "LR405",
                    f"`{name}` is the name of two {section}",
                    subject.span(section, place, "name"),
                    "give each a name of its own",
                )


def shadow(subject: Subject, rule: Rule) -> Coverage:
    """Whether earlier rules cover this one; `by` are places in `subject.earlier(rule)`."""
    known = subject.shadows.get(rule.place)
    if known is None:
        earlier = [other.condition for other in subject.earlier(rule)]
        known = covered_by(rule.condition, earlier, subject.program.declarations)
        subject.shadows[rule.place] = known
    return known


def described(gap: Mapping[str, object] | None, subject: Subject) -> str:
    """A request that matches no rule, by the features that the rules read: "with `hour` 3, without `task`"."""
    known = {name: value for name, value in (gap or {}).items() if value is not None}
    absent = sorted({name for rule in subject.program.rules for name in reads(rule.condition)} - known.keys())
    present = [f"`{name}` {shown(name, value, subject)}" for name, value in known.items()]
    parts = [f"with {' and '.join(present[:MOST_SHOWN])}"] if present else []
    if absent:
        parts.append(f"without {' and '.join(f'`{name}`' for name in absent[:MOST_SHOWN])}")
    return " and ".join(parts) or "of any kind"


def shown(name: str, value: object, subject: Subject) -> str:
    """A value of a gap; of texts the value says nothing but that it is none of those that the rules name."""
    kind = feature_type(name, subject.program.declarations)
    if kind is not None and kind.kind == "text":
        return "of another value"
    if isinstance(value, frozenset):
        return ", ".join(sorted(map(str, value))) or "empty"
    return share_text(name, value) or (str(value).lower() if isinstance(value, bool) else str(value))
