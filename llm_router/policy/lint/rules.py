"""Lints about the conditions of rules: what can't be reached, and what nobody catches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from llm_router.diagnostics import Diagnostic, Span
from llm_router.policy.boxes import LIMIT, Coverage, can_hold, covered_by
from llm_router.policy.lint.subject import Subject, warning
from llm_router.policy.program import Rule
from llm_router.spec.condition import ALWAYS
from llm_router.spec.feature_types import feature_type


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
                condition_span(subject, rule),
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
            condition_span(subject, rule),
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
                condition_span(subject, rule),
                "split the rule, so that each part is simple",
            )


def shadow(subject: Subject, rule: Rule) -> Coverage:
    """Whether earlier rules cover this one; `by` are places in `subject.earlier(rule)`."""
    known = subject.shadows.get(rule.place)
    if known is None:
        earlier = [other.condition for other in subject.earlier(rule)]
        known = covered_by(rule.condition, earlier, subject.program.declarations)
        subject.shadows[rule.place] = known
    return known


def condition_span(subject: Subject, rule: Rule) -> Span:
    """Where the rule's condition stands: its `when`, else its `if`, else the rule."""
    key = "when" if subject.states(("rules", rule.place, "when")) else "if"
    return subject.span("rules", rule.place, key)


def described(gap: Mapping[str, object] | None, subject: Subject) -> str:
    """A request, by the features that tell it apart: "with `task` absent and `hour` 3"."""
    if not gap:
        return "without any hint"
    parts = []
    for name, value in gap.items():
        kind = feature_type(name, subject.program.declarations)
        shown = "of another value" if kind is not None and kind.kind == "text" and value is not None else repr(value)
        parts.append(f"`{name}` {'absent' if value is None else shown}")
    return "with " + " and ".join(parts)
