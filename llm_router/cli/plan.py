"""Show what a spec compiles to: rules with their tiers, deployments with what is known of them, guards, hashes.

The plan doesn't depend on the machine: keys and addresses from the environment stay as they are written.
"""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from llm_router.cli.arguments import spec_argument
from llm_router.cli.console import Console
from llm_router.units import PICODOLLARS_PER_DOLLAR, format_count

if TYPE_CHECKING:
    from llm_router.policy.program import Deployment, Guard, Program, Rule, Tier

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

    program = compiled(options.spec, console)
    if program is None:
        return 1
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
        console.line(f"  {rule.place + 1}. {rule.name}: {condition_text(rule)}")
        console.line(f"     {rule_text(rule)}", "dim")
    section(console, "deployments")
    console.table([deployment_row(deployment) for deployment in program.deployments.values()])
    if program.guards:
        section(console, "guards")
    for guard in program.guards:
        console.line(f"  {guard.name}: {guard_text(guard)}")
    found = sum(1 for _ in program.rules) - len(program.index.residual)
    section(console, "index")
    console.line(f"  {found} of {len(program.rules)} rules are found by a hint's value; {len(program.index.residual)} are")
    console.line("  looked at for every request")


def section(console: Console, title: str) -> None:
    """A heading with a line before it."""
    console.line()
    console.line(title, "bold")


def condition_text(rule: Rule) -> str:
    """When the rule holds, in the words of `when:`."""
    from llm_router.policy.plan import condition_json
    from llm_router.spec.condition import ALWAYS

    if rule.condition == ALWAYS:
        return "always"
    return json.dumps(condition_json(rule.condition), ensure_ascii=False).replace('"', "")


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
