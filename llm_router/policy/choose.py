"""Which rule decides on a request, or which `use` the caller's own `model=` makes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from llm_router.diagnostics import did_you_mean
from llm_router.errors import RequestError
from llm_router.policy.decision import Via
from llm_router.policy.features import Features
from llm_router.policy.index import candidate_places
from llm_router.policy.match import holds
from llm_router.policy.program import Program, Rule, Tier


@dataclass(frozen=True, slots=True)
class Choice:
    """The rule that decides, if one does, and the tiers that are asked."""

    rule: Rule | None
    tiers: tuple[Tier, ...]
    via: Via = "rule"


def choose(program: Program, features: Features) -> Choice:
    """Whom to consider for this request.

    With `model=`, a rule decides only if it refuses or wouldn't hold without the name; else the name itself acts as
    `use`. Raises RequestError for a name that the spec doesn't know.
    """
    model = features.hints.model
    for rule in holding_rules(program, features):
        if model is None or rule.refuse is not None or not _holds_unnamed(rule, features):
            return Choice(rule, rule.tiers)
    if model is None:
        return Choice(None, ())
    return Choice(None, (tier_named(program, model),), "name")


def holding_rules(program: Program, features: Features) -> Iterator[Rule]:
    """Yields the rules that hold, in the file's order."""
    for place in candidate_places(program.index, features.values):
        rule = program.rules[place]
        if holds(rule.condition, features.values):
            yield rule


def tier_named(program: Program, name: str) -> Tier:
    """What `model=` means: a deployment, a pool, `provider:model`, or the wire name of deployments in file order.

    Raises RequestError for any other name.
    """
    if name in program.members or name in program.deployments:
        return Tier((name,), name=name)
    if name in program.pools:
        return program.pools[name]
    members = tuple(dict.fromkeys(_serving(program, name)))
    if members:
        return Tier(members, name=name)
    raise RequestError(f"`model` names `{name}`, which the spec doesn't have", help=_proposal(program, name))


def _serving(program: Program, name: str) -> Iterator[str]:
    for deployment in program.deployments.values():
        if name in (deployment.model, f"{deployment.provider.name}:{deployment.model}"):
            yield deployment.member


def _proposal(program: Program, name: str) -> str:
    if name in program.providers:
        return f'a provider is asked for by `provider`: say `provider="{name}"`'
    wire = (deployment.model for deployment in program.deployments.values())
    return did_you_mean(name, (*program.members, *program.pools, *wire))


def _holds_unnamed(rule: Rule, features: Features) -> bool:
    values = {feature: value for feature, value in features.values.items() if feature != "requested_model"}
    return holds(rule.condition, values)
