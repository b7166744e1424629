"""Lints about limits and budgets: whether they count anything, let anything through, and count what is meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from llm_router.diagnostics import Diagnostic, Span
from llm_router.policy.embeddings import rule_name
from llm_router.policy.lint.candidates import cost_bound, settings_of
from llm_router.policy.lint.subject import Subject, warning
from llm_router.policy.program import Budget, Deployment, Limit, Rule
from llm_router.policy.proofs.boxes import can_hold
from llm_router.spec.conditions.condition import ALWAYS, All, Condition, Test
from llm_router.spec.conditions.feature_types import Covering
from llm_router.spec.source import Path, at
from llm_router.units import format_count, format_money

DAY_S = 86_400.0
CALENDAR: Mapping[float, tuple[str, str]] = {
    DAY_S: ("day", "a day"),
    7 * DAY_S: ("week", "a week"),
    **{days * DAY_S: ("month", "a month") for days in (28, 29, 30, 31)},
}
"""Durations that are written where a window of the calendar is meant, and what they are."""

NO_RULE = Rule(0, "", ALWAYS)
NOWHERE = Span("", 1, 1, 1, 1)


@dataclass(frozen=True, slots=True)
class Placed:
    """A limit or budget, where it stands, and whose it is: a provider's or deployment's name, or nobody's."""

    account: Limit | Budget
    path: Path
    owner: str | None = None


def account_never_counts(subject: Subject) -> Iterator[Diagnostic]:
    """A limit or budget that nothing falls under.

    What: its `for` contradicts itself, or describes none of the spec's deployments, or only rules that refuse.
    Why: it looks like a cap, and caps nothing.
    Example: `for: {provider: openai, deployment: llama}`, where `llama` is Groq's.
    """
    for placed in named(subject):
        account = placed.account
        if account.covers != ALWAYS and not any(covers(subject, account, each) for each in everybody(subject)):
            yield warning(
                "LR461",
                f"nothing ever falls under `{account.name}`: no deployment fits its `for`",
                subject.span(*placed.path, "for"),
                "correct `for`, or leave it out to count everything",
            )


def budget_below_one_request(subject: Subject) -> Iterator[Diagnostic]:
    """A budget that not even one request fits into.

    What: the least that any request under it reserves (one token of input, the output cap at its price) is more than
    the whole budget.
    Why: nobody is ever asked, unless a caller asks for a shorter answer.
    Example: `amount: 0.01 USD` over a model at 30 USD a million with `max_output_tokens: 4k`.
    """
    for placed in named(subject):
        budget = placed.account
        if not isinstance(budget, Budget) or (budget.when_spent != "out" and budget.hard is None):
            continue
        least = least_reserve(subject, budget)
        amount = budget.amount if budget.hard is None else budget.hard
        if least is not None and least > amount:
            yield warning(
                "LR462",
                f"the cheapest request under `{budget.name}` reserves {format_money(least)}, more than all of it",
                subject.span(*placed.path, "amount" if budget.hard is None else "hard"),
                "raise it, or lower `settings: {max_output_tokens: …}`",
            )


def barred_by_budget(subject: Subject) -> Iterator[Diagnostic]:
    """A deployment that a budget bars for ever.

    What: its price isn't known, so what a request there may cost can't be reserved, and a budget covers it.
    Why: it is rejected each time (`unbounded_cost`), so the fallback that it seems to be isn't there.
    Example: a house server without `price`, and `budgets: [{name: monthly, …}]` over everything.
    """
    for deployment in everybody(subject):
        budgets = (each for each in subject.program.budgets if each.when_spent != "warn")
        barring = next((each for each in budgets if covers(subject, each, deployment)), None)
        if deployment.price is None and barring is not None:
            path: Path = ("deployments", deployment.member)
            stated = subject.states(path)
            place = next(place for place, each in enumerate(subject.program.budgets) if each is barring)
            yield warning(
                "LR463",
                f"the price of `{deployment.member}` isn't known, so the budget `{barring.name}` bars it for ever",
                subject.key_span(*path) if stated else subject.span("budgets", place, "name"),
                "give it a `price` (or `price: free`), or leave it out of the budget's `for`",
            )


def limit_below_one_request(subject: Subject) -> Iterator[Diagnostic]:
    """A limit on tokens that no request fits into.

    What: the output cap that the spec sets is at least the whole limit for everybody whom it counts.
    Why: tokens are reserved with the cap, so nobody is ever asked, unless a caller asks for a shorter answer.
    Example: `limits: [{tokens: 4k, every: 1m}]` beside `settings: {max_output_tokens: 8k}`.
    """
    for placed in accounts(subject):
        limit = placed.account
        if not isinstance(limit, Limit) or limit.unit != "tokens":
            continue
        asked = [each for each in everybody(subject) if is_counted(subject, placed, each)]
        caps = [cap for deployment in asked for cap in caps_of(subject, deployment)]
        least = min(caps, default=None)
        if least is not None and least >= limit.amount:
            yield warning(
                "LR464",
                f"every request may take {format_count(least)} tokens and more, which the limit of "
                f"{format_count(limit.amount)} never has",
                subject.span(*placed.path, "tokens"),
                "raise it, or lower `settings: {max_output_tokens: …}`",
            )


def duration_for_calendar(subject: Subject) -> Iterator[Diagnostic]:
    """A duration stands where a day, week or month is probably meant.

    What: `every: 30d`, `7d` or `24h`. Durations are counted from 1970 in UTC, whatever the timezone.
    Why: months drift away from such a window, weeks of it begin on Thursdays, and days at midnight in UTC.
    Example: `budgets: [{name: monthly, amount: 50 USD, every: 30d}]`.
    """
    for placed in accounts(subject):
        window = placed.account.window
        if window is None or window.kind != "duration":
            continue
        meant = CALENDAR.get(window.length_s)
        if meant is not None:
            written = at(subject.source.tree, (*placed.path, "every"))
            yield warning(
                "LR465",
                f"`every: {written}` counts from 1970 in UTC, and isn't {meant[1]} of the calendar",
                subject.span(*placed.path, "every"),
                f"write `every: {meant[0]}`, or `within:` for a window that ends now",
            )


def budget_forgets(subject: Subject) -> Iterator[Diagnostic]:
    """Budgets are counted in memory, and nobody said so.

    What: there are budgets and no `state:`.
    Why: what was spent is forgotten when the process ends, and each process has all of the amount for itself.
    Example: `budgets: [{name: monthly, …}]` without `state: "sqlite:router.db"`.
    """
    if subject.program.budgets and not subject.states(("state",)):
        yield warning(
            "LR466",
            "budgets are counted in memory: each process counts for itself, and forgets when it ends",
            subject.key_span("budgets"),
            'write `state: "sqlite:router.db"` (or `redis://…`, `postgresql://…`), or `state: memory` if that is meant',
        )


def named(subject: Subject) -> Iterator[Placed]:
    """Yields the budgets and limits of the top."""
    for place, budget in enumerate(subject.program.budgets):
        yield Placed(budget, ("budgets", place))
    for place, limit in enumerate(subject.program.limits):
        yield Placed(limit, ("limits", place))


def accounts(subject: Subject) -> Iterator[Placed]:
    """Yields all budgets and limits, those of providers and deployments last."""
    yield from named(subject)
    for name, provider in subject.program.providers.items():
        for place, limit in enumerate(provider.limits):
            yield Placed(limit, ("providers", name, "limits", place), name)
    for deployment in everybody(subject):
        for place, limit in enumerate(deployment.limits):
            yield Placed(limit, ("deployments", deployment.member, "limits", place), deployment.member)


def everybody(subject: Subject) -> Iterator[Deployment]:
    """Yields every deployment, each name of the spec once."""
    return (subject.program.deployments[names[0]] for names in subject.program.members.values())


def is_counted(subject: Subject, placed: Placed, deployment: Deployment) -> bool:
    """Whether requests to the deployment fall under a limit."""
    if placed.owner is None:
        return covers(subject, placed.account, deployment)
    return placed.owner in (deployment.provider.name, deployment.member)


def covers(subject: Subject, account: Limit | Budget, deployment: Deployment) -> bool:
    """Whether some request to the deployment falls under the account."""
    return account.covers == ALWAYS or can_hold(there(subject, account, deployment), covering(subject)) is not False


def there(subject: Subject, account: Limit | Budget, deployment: Deployment) -> Condition:
    """What an account covers, at one deployment, under a rule that asks somebody."""
    facts = {"provider": deployment.provider.name, "deployment": deployment.member, "model": deployment.model}
    refusing = tuple(rule.name for rule in subject.program.rules if rule.refuse is not None)
    tests: list[Condition] = [Test(feature, "is", value, NOWHERE) for feature, value in facts.items()]
    tests += [Test("rule", "not", refusing, NOWHERE)] if refusing else []
    return All((account.covers, *tests))


def covering(subject: Subject) -> Covering:
    """What `for` ranges over."""
    program, declared = subject.program, subject.program.declarations
    return Covering(
        declared.tasks,
        declared.metadata,
        declared.capabilities,
        providers=tuple(program.providers),
        deployments=tuple(program.members),
        rules=(*(rule.name for rule in program.rules), *map(rule_name, program.embeddings)),
    )


def least_reserve(subject: Subject, budget: Budget) -> int | None:
    """The least that a request under the budget reserves, in picodollars.

    `None` where no price is known, or where texts are embedded, which costs no output.
    """
    counted = [each for each in everybody(subject) if covers(subject, budget, each)]
    embedding = {name for each in subject.program.embeddings.values() for tier in each.tiers for name in tier.members}
    if any(each.member in embedding for each in counted):
        return None
    bounds = (cost_bound(subject, rule, each, 1) for each in counted for rule in rules_of(subject, each))
    return min((bound for bound in bounds if bound is not None), default=None)


def caps_of(subject: Subject, deployment: Deployment) -> Iterator[int]:
    """Yields the output caps that the spec sets for this deployment, rule by rule; 0 where it sets none."""
    for rule in rules_of(subject, deployment):
        yield settings_of(subject, rule, deployment).max_output_tokens or 0


def rules_of(subject: Subject, deployment: Deployment) -> Iterator[Rule]:
    """Yields the rules that ask the deployment; one that says nothing where only a caller's `model=` does."""
    asking = [rule for rule in subject.using if any(deployment.member in tier.members for tier in rule.tiers)]
    return iter(asking or [NO_RULE])
