"""Lints about a rule's candidates: whether they can do what the rule is for, at what price, and how many there are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from llm_router.diagnostics import Diagnostic, Span
from llm_router.messages import Settings
from llm_router.policy.defaults import OUTPUT_CAP
from llm_router.policy.filters import PARAMETERS, unsupported
from llm_router.policy.lint.subject import Subject, warning
from llm_router.policy.program import Deployment, Rule
from llm_router.policy.proofs.boxes import can_hold, covered_by
from llm_router.spec.conditions.condition import Condition, Op, Scalar, Test, tests_of
from llm_router.units import format_count, format_money

FLAGS = {"has_tools": "tools", "has_images": "images", "has_files": "files"}
"""The features that make a need, and the word of `supports` that meets it."""

JSON = "json_schema"


@dataclass(frozen=True, slots=True)
class Requirements:
    """What every request for which a condition holds needs; `input_tokens` is the fewest it has."""

    supports: frozenset[str] = frozenset()
    json: bool = False
    capability: frozenset[str] = frozenset()
    input_tokens: int = 0


def candidate_cannot(subject: Subject) -> Iterator[Diagnostic]:
    """A candidate can't do what its rule requires.

    What: every request for which the rule holds needs something (tools, images, files, JSON, a capability, a context
    window) that the candidate is known not to have.
    Why: the candidate is rejected each time, so the fallback that it seems to be isn't there.
    Example: `when: {has_images: true}` with `use: [gpt-4o, llama-3.3]`, where the second can't see.
    """
    for rule in subject.using:
        needs = requirements(subject, rule.condition)
        for deployment in subject.candidates(rule.tiers):
            lacking = lacks(deployment, needs)
            if lacking:
                yield warning(
                    "LR421",
                    f"`{deployment.member}` can never serve rule `{rule.name}`, which requires {lacking}",
                    subject.span("rules", rule.place, "use"),
                    f"use another deployment, or say in `supports` of `{deployment.member}` what it can do",
                )


def need_not_stated(subject: Subject) -> Iterator[Diagnostic]:
    """Nothing says whether a candidate can do what its rule requires.

    What: neither the catalogue nor the deployment's `supports` speaks of a model that a rule needs tools, images,
    files or JSON from.
    Why: it is asked on trust, and the answer may be an error.
    Example: `when: {has_tools: true}` with a model of a server of your own, and no `supports` on it.
    """
    for rule in subject.using:
        needs = requirements(subject, rule.condition)
        wanted = sorted(needs.supports | ({JSON} if needs.json else set()))
        if not wanted:
            continue
        for deployment in subject.candidates(rule.tiers):
            if deployment.supports is None:
                yield warning(
                    "LR422",
                    f"nothing says whether `{deployment.member}` can do what rule `{rule.name}` requires: "
                    f"{', '.join(wanted)}",
                    subject.span("rules", rule.place, "use"),
                    f"state it: `{deployment.member}: {{…, supports: [{', '.join(wanted)}]}}`",
                )


def dearer_than_max_cost(subject: Subject) -> Iterator[Diagnostic]:
    """The cheapest request that a rule is for costs more than its `max_cost`.

    What: with the fewest input tokens that the condition allows and the output cap, the cheapest candidate's upper
    bound is above `max_cost`.
    Why: `max_cost` compares upper bounds, so every such request fails with `no_candidate`.
    Example: `when: {input_tokens: {above: 100k}}` and `max_cost: 0.01 USD` over models at 2.50 USD a million.
    """
    for rule in subject.using:
        fewest = requirements(subject, rule.condition).input_tokens
        for tier in rule.tiers:
            bounds = [cost_bound(subject, rule, deployment, fewest) for deployment in subject.candidates((tier,))]
            known = [bound for bound in bounds if bound is not None]
            if tier.max_cost is None or not known or min(known) <= tier.max_cost:
                continue
            yield warning(
                "LR423",
                f"the cheapest request of rule `{rule.name}` may cost {format_money(min(known))}, more than its "
                f"`max_cost` of {format_money(tier.max_cost)}",
                max_cost_span(subject, rule),
                "raise `max_cost`, lower `settings: {max_output_tokens: …}`, or use cheaper deployments",
            )


def too_few_attempts(subject: Subject) -> Iterator[Diagnostic]:
    """`max_attempts` is smaller than the number of a rule's candidates.

    What: the first and the retries count as attempts, so the last candidates are never asked.
    Why: a fallback that looks complete ends early.
    Example: `max_attempts: 2` with `use: [a, b, c]`.
    """
    program = subject.program
    for rule in subject.using:
        own = rule.fallback.max_attempts
        limit = own if own is not None else program.fallback.max_attempts
        enabled = program.fallback.enabled if rule.fallback.enabled is None else rule.fallback.enabled
        number = len(subject.candidates(rule.tiers))
        if limit is None or enabled is False or limit >= number:
            continue
        path = ("rules", rule.place, "fallback", "max_attempts") if own is not None else ("fallback", "max_attempts")
        yield warning(
            "LR424",
            f"rule `{rule.name}` has {number} candidates, but `max_attempts` is {limit}: the last are never asked",
            subject.span(*path),
            f"write `max_attempts: {number}` or more, or leave it out",
        )


def one_provider(subject: Subject) -> Iterator[Diagnostic]:
    """All candidates of a rule are behind one provider.

    What: the rule's deployments, whatever their models, share one provider, though the spec has another. Providers of
    this machine are left out: who stays local means to; so are specs of one provider: who has one key has no other.
    Why: one outage takes all of them; fallback between them helps only against limits and errors of a single model.
    Example: `use: [openai:gpt-4o, openai:gpt-4o-mini]` in a spec that asks `mistral` elsewhere.
    """
    if len({deployment.provider.name for deployment in subject.program.deployments.values()}) == 1:
        return
    for rule in subject.using:
        candidates = subject.candidates(rule.tiers)
        names = {deployment.provider.name for deployment in candidates}
        if len(names) == 1 and not candidates[0].local:
            yield warning(
                "LR425",
                f"all candidates of rule `{rule.name}` are behind `{names.pop()}`: one outage takes all",
                subject.span("rules", rule.place, "use"),
                "add a deployment of another provider",
            )


def setting_left_out(subject: Subject) -> Iterator[Diagnostic]:
    """A setting of the spec is left out for a candidate that can't take it.

    What: the catalogue says that the model refuses a parameter which `settings` gives it; or a deployment that only
    embeds has settings of an answer.
    Why: the request is sent without it, so the model doesn't behave as the line in the spec says.
    Example: `settings: {temperature: 0}` at the top and a reasoning model among the deployments.
    """
    told: set[tuple[str, str, Span]] = set()
    for rule in subject.using:
        for deployment in subject.candidates(rule.tiers):
            settings = settings_of(subject, rule, deployment)
            always = unsupported(deployment, settings, "none")
            for name in unsupported(deployment, settings, settings.reasoning):
                when = "" if name in always else " while it thinks"
                span = setting_span(subject, rule, deployment, name)
                if (deployment.member, name, span) not in told:
                    told.add((deployment.member, name, span))
                    yield warning(
                        "LR426",
                        f"`{name}` is left out for `{deployment.member}`, whose model doesn't take it{when}",
                        span,
                        f"set `{name}` only where it applies, on the deployments that take it",
                    )
    yield from _set_for_vectors(subject)


def _set_for_vectors(subject: Subject) -> Iterator[Diagnostic]:
    """Settings of an answer that stand on a deployment which only embeds."""
    chats = {each.member for rule in subject.using for each in subject.candidates(rule.tiers)}
    embeds = [each for one in subject.program.embeddings.values() for each in subject.candidates(one.tiers)]
    for member in dict.fromkeys(each.member for each in embeds if each.member not in chats):
        for name in PARAMETERS:
            path = ("deployments", member, "settings", name)
            if subject.states(path):
                message = f"`{name}` is left out for `{member}`, which embeds"
                yield warning("LR426", message, subject.key_span(*path), f"take `{name}` out: vectors aren't written")


def nobody_enabled(subject: Subject) -> Iterator[Diagnostic]:
    """All candidates of a rule are switched off.

    What: each of the rule's deployments, or its provider, says `enabled: false`.
    Why: every request of the rule fails with `no_candidate`.
    Example: `use: old` with `old: {…, enabled: false}`.
    """
    for rule in subject.using:
        if not any(each.enabled and each.provider.enabled for each in subject.candidates(rule.tiers)):
            yield warning(
                "LR427",
                f"all candidates of rule `{rule.name}` are switched off by `enabled: false`",
                subject.span("rules", rule.place, "use"),
                "enable one of them, or use another deployment",
            )


def requirements(subject: Subject, condition: Condition) -> Requirements:
    """What every request under this condition needs; nothing where no request is."""
    if can_hold(condition, subject.program.declarations) is False:
        return Requirements()
    tests = list(tests_of(condition))
    read = {test.feature for test in tests}
    flags = [word for feature, word in FLAGS.items() if feature in read and implied(subject, condition, feature)]
    words = {value for test in tests if test.feature == "capability" for value in words_of(test)}
    return Requirements(
        frozenset(flags),
        "wants_json" in read and implied(subject, condition, "wants_json"),
        frozenset(word for word in words if implied(subject, condition, "capability", "has", word)),
        fewest_tokens(subject, condition, tests),
    )


def lacks(deployment: Deployment, needs: Requirements) -> str | None:
    """What the deployment is known not to have of these needs, in words; `None` where it may serve."""
    supports = deployment.supports
    missing = sorted(needs.supports - supports) if supports is not None else []
    if needs.json and supports is not None and not supports & {JSON, "tools"}:
        missing.append("JSON")
    missing += sorted(f"the capability `{word}`" for word in needs.capability - (supports or frozenset()))
    if deployment.context is not None and needs.input_tokens > deployment.context:
        missing.append(f"a context window of {format_count(needs.input_tokens)} tokens")
    return " and ".join(missing) or None


def implied(subject: Subject, condition: Condition, feature: str, op: Op = "is", value: Scalar = True) -> bool:
    """Whether the predicate holds whenever the condition does."""
    test = Test(feature, op, value, Span("", 1, 1, 1, 1))
    return covered_by(condition, [test], subject.program.declarations).verdict == "yes"


def words_of(test: Test) -> tuple[str, ...]:
    """The words that a predicate on a set compares with."""
    return tuple(value for value in test.values if isinstance(value, str))


def fewest_tokens(subject: Subject, condition: Condition, tests: list[Test]) -> int:
    """The fewest input tokens of any request under this condition: one of the numbers that it names, or the next."""
    named = {
        bound
        for test in tests
        if test.feature == "input_tokens"
        for value in test.values
        if isinstance(value, int | float)
        for bound in (int(value), int(value) + 1)
    }
    bounds = (bound for bound in sorted(named, reverse=True))
    return next((bound for bound in bounds if implied(subject, condition, "input_tokens", "at_least", bound)), 0)


def cost_bound(subject: Subject, rule: Rule, deployment: Deployment, input_tokens: int) -> int | None:
    """The least upper bound of a request of this rule there, in picodollars; `None` where the price isn't known."""
    cap = settings_of(subject, rule, deployment).max_output_tokens or OUTPUT_CAP
    return None if deployment.price is None else deployment.price.upper_bound(input_tokens, cap)


def max_cost_span(subject: Subject, rule: Rule) -> Span:
    """Where the rule's `max_cost` stands."""
    use = ("rules", rule.place, "use")
    paths = [(*use, "max_cost"), *((*use, place, "max_cost") for place in range(len(rule.tiers)))]
    return next((subject.span(*path) for path in paths if subject.states(path)), subject.span(*use))


def setting_span(subject: Subject, rule: Rule, deployment: Deployment, name: str) -> Span:
    """Where the setting that is left out stands: on the rule, the deployment, its provider, or at the top."""
    layers: tuple[tuple[str | int, ...], ...] = (
        ("rules", rule.place, "settings", name),
        ("deployments", deployment.member, "settings", name),
        ("providers", deployment.provider.name, "settings", name),
        ("settings", name),
    )
    return next((subject.key_span(*path) for path in layers if subject.states(path)), subject.span("rules", rule.place))


def settings_of(subject: Subject, rule: Rule, deployment: Deployment) -> Settings:
    """The spec's settings for this deployment under this rule."""
    return rule.settings.over(deployment.settings).over(subject.program.settings)
