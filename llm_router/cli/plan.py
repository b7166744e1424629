"""Show what a spec compiles to: rules with their tiers, deployments and what is known of them, guards, limits, budgets.

The plan doesn't depend on the machine: keys and addresses from the environment stay as they are written.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from llm_router.cli.arguments import spec_argument
from llm_router.cli.console import Console
from llm_router.spec.conditions.condition import ALWAYS, All, AnyOf, Condition, Not, Test, Value
from llm_router.spec.conditions.spelling import share_text
from llm_router.units import PICODOLLARS_PER_DOLLAR, format_count, format_duration, format_money, format_share

if TYPE_CHECKING:
    from llm_router.policy.program import Budget, Deployment, Embedding, Guard, Limit, Program, Rule, Tier, Window

SUMMARY = "show what a spec compiles to"

PICODOLLARS_PER_TOKEN = PICODOLLARS_PER_DOLLAR // 1_000_000
"""What one USD per million tokens is."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """SPEC, --format."""
    spec_argument(parser)
    parser.add_argument("--format", choices=("text", "json"), default="text", help="text for people")


def run(options: argparse.Namespace, console: Console) -> int:
    """Print the program."""
    from llm_router.cli.specs import compiled
    from llm_router.policy.plan import as_json

    done = compiled(options.spec, console)
    if done is None:
        return 1
    program, _ = done
    if options.format == "json":
        console.line(json.dumps(as_json(program), indent=2, ensure_ascii=False))
    else:
        show(program, console)
    return 0


def show(program: Program, console: Console) -> None:
    """The program as people read it."""
    console.line(f"{program.name or 'unnamed spec'}  program {program.program_hash[:12]}", "bold")
    section(console, "rules, in order")
    for rule in program.rules:
        console.line(f"  {rule.place + 1}. {rule.name}: {condition_text(rule.condition)}")
        console.line(f"     {rule_text(rule)}", "dim")
    section(console, "deployments")
    console.table([deployment_row(deployment) for deployment in program.deployments.values()])
    if program.guards:
        section(console, "guards")
    for guard in program.guards:
        console.line(f"  {guard.name}: {guard_text(guard)}")
    show_accounts(program, console)
    if program.embeddings:
        section(console, "embeddings")
    for embedding in program.embeddings.values():
        console.line(f"  {embedding.name}: {embedding_text(embedding)}")
    total, residual = len(program.rules), len(program.index.residual)
    section(console, "index")
    console.line(
        f"  {total - residual} of {total} rules are found by a hint's value; {residual} are looked at for every request"
    )


def embedding_text(embedding: Embedding) -> str:
    """Who embeds by which model, how long vectors are, and how much goes into one request."""
    length = f"{embedding.dimensions} dimensions" if embedding.dimensions else "dimensions unknown"
    tokens = f" and {format_count(embedding.batch_tokens)} tokens" if embedding.batch_tokens else ""
    texts = f"{format_count(embedding.batch)} {'text' if embedding.batch == 1 else 'texts'}{tokens} a request"
    return f"{embedding.model}, {length}, {texts}: {tiers_text(embedding.tiers)}"


def show_accounts(program: Program, console: Console) -> None:
    """Limits and budgets, those of providers and deployments with the others."""
    owned = [provider.limits for provider in program.providers.values()]
    owned += [deployment.limits for deployment in program.deployments.values()]
    limits = [limit for limits in (*owned, program.limits) for limit in limits]
    if limits:
        section(console, "limits")
    for limit in limits:
        console.line(f"  {limit.name}: {limit_text(limit)}")
    if program.budgets:
        section(console, "budgets")
    for budget in program.budgets:
        console.line(f"  {budget.name}: {budget_text(budget)}")


def limit_text(limit: Limit) -> str:
    """What a limit holds, of what, and how long is waited for it."""
    amount = f"{format_count(limit.amount)} {limit.unit if limit.unit != 'concurrent' else 'requests at once'}"
    window = f" {window_text(limit.window)}" if limit.window else ""
    wait = f"; waits up to {format_duration(limit.wait_s)}" if limit.wait_s else ""
    return f"{amount}{window}{scope_text(limit)}{wait}"


def budget_text(budget: Budget) -> str:
    """What a budget holds, for what, and what follows when it is spent."""
    warns = f"; warns at {format_share(budget.warn_at)}" if budget.warn_at is not None else ""
    head = f"{format_money(budget.amount)} {window_text(budget.window)}{scope_text(budget)}{warns}"
    if isinstance(budget.when_spent, tuple):
        most = f", up to {format_money(budget.hard)}" if budget.hard is not None else ""
        return f"{head}; when spent: {tiers_text(budget.when_spent)}{most}"
    return f"{head}; when spent: {_WHEN_SPENT[budget.when_spent]}"


_WHEN_SPENT: Mapping[str, str] = {"out": "nobody until the window ends", "warn": "a warning"}


def window_text(window: Window) -> str:
    """The time that is looked back on: `every month`, `within 24h`."""
    if window.kind == "rolling":
        return f"within {format_duration(window.length_s)}"
    return f"every {format_duration(window.length_s) if window.kind == 'duration' else window.kind}"


def scope_text(account: Limit | Budget) -> str:
    """What is counted, and what is counted apart."""
    covers = "" if account.covers == ALWAYS else f" for {condition_text(account.covers)}"
    return covers + (f", per {account.per}" if account.per else "")


def section(console: Console, title: str) -> None:
    """A heading with a line before it."""
    console.line()
    console.line(title, "bold")


def condition_text(condition: Condition) -> str:
    """A condition in words: `task is code and not has_tools is true`."""
    match condition:
        case Test(feature, op, value):
            return f"{feature} {op.replace('_', ' ')} {value_text(value, feature)}"
        case Not(term):
            return f"not ({condition_text(term)})"
        case All(terms):
            return " and ".join(map(grouped, terms)) or "always"
        case AnyOf(terms):
            return " or ".join(map(grouped, terms)) or "never"


def grouped(condition: Condition) -> str:
    """A part of a condition, in parentheses where it has parts itself."""
    text = condition_text(condition)
    return f"({text})" if isinstance(condition, All | AnyOf) else text


def value_text(value: Value, feature: str) -> str:
    """What a predicate on this feature compares with."""
    if isinstance(value, tuple):
        return f"[{', '.join(value_text(item, feature) for item in value)}]"
    percentage = share_text(feature, value)
    if percentage is not None:
        return percentage
    return str(value).lower() if isinstance(value, bool) else str(value)


def rule_text(rule: Rule) -> str:
    """What the rule does."""
    return f"refuses: {rule.refuse}" if rule.refuse is not None else tiers_text(rule.tiers)


def tiers_text(tiers: tuple[Tier, ...]) -> str:
    """The tiers in the order in which they are tried."""
    return ", then ".join(map(tier_text, tiers))


def tier_text(tier: Tier) -> str:
    """One tier: its members, and how they are ordered and spread."""
    by = " + ".join(f"{float(share):.0%} {part}" for part, share in tier.score.items()) or tier.by
    notes = [f"by {by}" if tier.by != "order" else "", tier.balance if tier.balance != "order" else ""]
    said = ", ".join(note for note in notes if note)
    members = " | ".join(tier.members)
    return f"[{members}]{f' {said}' if said else ''}" if len(tier.members) > 1 else members


def deployment_row(deployment: Deployment) -> tuple[str, ...]:
    """What is known of a deployment."""
    context = f"{format_count(deployment.context)} context" if deployment.context else "context unknown"
    supports = ", ".join(sorted(deployment.supports)) if deployment.supports is not None else "abilities unknown"
    return deployment.name, f"{deployment.provider.name}:{deployment.model}", price_text(deployment), context, supports


def price_text(deployment: Deployment) -> str:
    """The price in USD per million tokens of input and output."""
    price = deployment.price
    if price is None:
        return "price unknown"
    if not price.input and not price.output:
        return "free"
    return f"{price.input / PICODOLLARS_PER_TOKEN:g} / {price.output / PICODOLLARS_PER_TOKEN:g} USD"


def guard_text(guard: Guard) -> str:
    """Whom the guard allows, and who serves when that is nobody."""
    instead = guard.instead
    stand_in = {None: "", "refuse": "; else refused"}.get(instead) if not isinstance(instead, tuple) else None
    if stand_in is None:
        assert isinstance(instead, tuple)
        stand_in = f"; else {tiers_text(instead)}"
    return f"only {', '.join(sorted(guard.allowed)) or 'nobody'}{stand_in}"
