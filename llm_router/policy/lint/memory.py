"""Lints about hedges, the cache and alerts: what is declared, and can't happen."""

from __future__ import annotations

from collections.abc import Iterator

from llm_router.diagnostics import Diagnostic
from llm_router.policy.lint.subject import Subject, warning
from llm_router.policy.program import Program


def hedge_of_one(subject: Subject) -> Iterator[Diagnostic]:
    """A hedge where there is nobody to hedge with.

    What: the rule has one candidate; or the hedge stands at the top, and no rule has more.
    Why: a second attempt goes to the next candidate, and there is none.
    Example: `fallback: {hedge: {after: 2s}}` with `use: openai:gpt-4o`.
    """
    alone = [rule for rule in subject.using if len(subject.candidates(rule.tiers)) < 2]
    for rule in alone:
        if rule.fallback.hedge is not None:
            yield warning(
                "LR471",
                f"rule `{rule.name}` has one candidate, so nobody is there to hedge with",
                subject.key_span("rules", rule.place, "fallback", "hedge"),
                "add a candidate, or take `hedge` out",
            )
    if subject.program.fallback.hedge is not None and subject.using and len(alone) == len(subject.using):
        yield warning(
            "LR471",
            "no rule has more than one candidate, so nobody is there to hedge with",
            subject.key_span("fallback", "hedge"),
            "add candidates, or take `hedge` out",
        )


def cache_unused(subject: Subject) -> Iterator[Diagnostic]:
    """A cache that no rule uses, or a rule that opts out of no cache.

    What: every rule says `cache: none`; or one says it, and there is no `cache:` at the top.
    Why: the line changes nothing, since a cache is off unless it is declared.
    Example: `rules: [{use: gpt, cache: none}]` without `cache: {exact: {…}}`.
    """
    program = subject.program
    if program.cache is not None and subject.using and not any(rule.cache for rule in subject.using):
        advice = "take it out, or one of the rules' `cache: none`"
        yield warning("LR472", "every rule says `cache: none`", subject.key_span("cache"), advice)
    for rule in program.rules:
        if program.cache is None and not rule.cache:
            yield warning(
                "LR472",
                f"rule `{rule.name}` says `cache: none`, but nothing is cached",
                subject.key_span("rules", rule.place, "cache"),
                "take it out, or declare `cache: {exact: {keep: 1h}}` at the top",
            )


def vary_by_user(subject: Subject) -> Iterator[Diagnostic]:
    """The cache varies by `user`, which it does anyway.

    What: `vary` lists `user`, and `share` isn't `all`.
    Why: answers are never shared between users unless the spec says so; the line suggests that they were.
    Example: `cache: {exact: {keep: 1h, vary: [user]}}`.
    """
    cache = subject.program.cache
    for place, name in enumerate(cache.vary if cache is not None and not cache.share else ()):
        if name == "user":
            yield warning(
                "LR473",
                "the cache keeps users apart without `vary`",
                subject.span("cache", "exact", "vary", place),
                "take `user` out",
            )


def alert_never_sent(subject: Subject) -> Iterator[Diagnostic]:
    """An alert about what never happens.

    What: `budget_spent` without budgets, or `budget_warning` where no budget has `warn_at`.
    Why: whoever waits for the alert is never told.
    Example: `alerts: [{events: [budget_warning], log: true}]` with `budgets: [{name: monthly, …}]` and no `warn_at`.
    """
    missing = dict(lacking(subject.program))
    for place, alert in enumerate(subject.program.alerts):
        for number, event in enumerate(alert.events):
            if event in missing:
                yield warning(
                    "LR474",
                    f"`{event}` never happens: {missing[event]}",
                    subject.span("alerts", place, "events", number),
                    "write `budgets: [{name: monthly, amount: 50 USD, every: month, warn_at: 80%}]`, or take it out",
                )


def lacking(program: Program) -> Iterator[tuple[str, str]]:
    """Yields the events that can't happen under this program, and why."""
    if not program.budgets:
        yield "budget_spent", "there is no budget"
    if not any(budget.warn_at is not None for budget in program.budgets):
        yield "budget_warning", "no budget has `warn_at`" if program.budgets else "there is no budget"
