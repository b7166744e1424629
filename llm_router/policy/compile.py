"""A spec as a program: a tuple of passes, each adding to the draft what it is named for.

Every pass writes what is wrong into the draft's report and goes on with what is left, so that all of it is said at
once. The order matters only as the types tell: a pass reads what those before it have added.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal

from llm_router.diagnostics import Diagnostic, did_you_mean, has_errors, in_order
from llm_router.policy import defaults
from llm_router.policy.embeddings import EmbeddingReader, rule_name
from llm_router.policy.fingerprint import program_hash, spec_hash
from llm_router.policy.follow import over
from llm_router.policy.index import build_index
from llm_router.policy.lint import Subject, findings
from llm_router.policy.passes.accounts import AccountReader, check_names
from llm_router.policy.passes.conditions import ConditionReader, allowed_by, close_tasks, declarations_of
from llm_router.policy.passes.layers import fallback_of, health_of, settings_of, timeouts_of
from llm_router.policy.passes.memory import alerts_of, cache_of, check_store, ledger_of, state_of
from llm_router.policy.passes.names import Names
from llm_router.policy.passes.offers import check_provider
from llm_router.policy.passes.report import TWICE, UNKNOWN_ZONE, Report
from llm_router.policy.passes.resolve import NOTHING, Deployments, provider_of
from llm_router.policy.passes.uses import Pools, UseReader, uses
from llm_router.policy.program import Budget, Cache, Deployment, Embedding, Guard, Limit, Program, Provider, Rule, Tier
from llm_router.spec.conditions.condition import ALWAYS, Condition, reads
from llm_router.spec.conditions.feature_types import Covering, Declarations, Placement
from llm_router.spec.model import DeploymentSpec, GuardSpec, RuleSpec, Spec
from llm_router.spec.read import Reading
from llm_router.spec.refs import Environment, known
from llm_router.spec.source import Path


@dataclass(frozen=True, slots=True)
class Draft:
    """A program under way. `inline` are the deployments that a `use` names in place, with where it first does."""

    spec: Spec
    report: Report
    environment: Environment | None
    names: Names = Names(frozenset(), frozenset(), {})
    inline: Mapping[str, Path] = field(default_factory=dict)
    pools: Mapping[str, Tier] = field(default_factory=dict)
    providers: Mapping[str, Provider] = field(default_factory=dict)
    deployments: Mapping[str, Deployment] = field(default_factory=dict)
    declarations: Declarations = Declarations()
    rules: tuple[Rule, ...] = ()
    guards: tuple[Guard, ...] = ()
    limits: tuple[Limit, ...] = ()
    budgets: tuple[Budget, ...] = ()
    cache: Cache | None = None
    embeddings: Mapping[str, Embedding] = field(default_factory=dict)

    @property
    def read_use(self) -> UseReader:
        """What makes tiers of a `use`."""
        return UseReader(self.names, self.pools)


def compile_spec(
    reading: Reading, environment: Environment | None = None
) -> tuple[Program | None, tuple[Diagnostic, ...]]:
    """The program of a spec that was read, and everything that was found, the reading's own diagnostics included.

    `environment` is the one that the spec was read with; without it references stay symbolic. Never raises; there is
    no program where a diagnostic is an error.
    """
    if reading.spec is None:
        return None, in_order((*reading.diagnostics, *_in_what_is_left(reading, environment)))
    draft = _drafted(reading.spec, reading, environment)
    found = (*reading.diagnostics, *draft.report.found)
    if has_errors(found):
        return None, in_order(found)
    program = _seal(draft)
    return program, in_order((*found, *findings(Subject(program, reading.source))))


def _drafted(spec: Spec, reading: Reading, environment: Environment | None) -> Draft:
    """What all passes make of a spec."""
    draft = Draft(spec, Report(reading.source), environment)
    for step in PASSES:
        draft = step(draft)
    return draft


def _in_what_is_left(reading: Reading, environment: Environment | None) -> Iterator[Diagnostic]:
    """Yields what else is wrong with a spec whose structure is."""
    if reading.partial is not None:
        draft = _drafted(reading.partial.spec, reading, environment)
        yield from draft.report.more_errors(reading.partial.lost)


def bind_names(draft: Draft) -> Draft:
    """Which names there are, and whether each that is used means somebody."""
    spec = draft.spec
    _check_namespace(draft)
    defaults_of = {name: known(provider.default_model) for name, provider in spec.providers.items()}
    names = Names(frozenset(spec.deployments), frozenset(spec.pools), defaults_of)
    inline: dict[str, Path] = {}
    for name, path in uses(spec):
        meant = names.meaning(name)
        if meant is None:
            names.complain(name, path, draft.report)
        elif meant not in names.deployments and meant not in names.pools:
            inline.setdefault(meant, path)
    return replace(draft, names=names, inline=inline)


def flatten_pools(draft: Draft) -> Draft:
    """Each pool as one tier of deployments."""
    return replace(draft, pools=Pools(draft.names, draft.spec.pools, draft.report).flatten())


def resolve_providers(draft: Draft) -> Draft:
    """The spec's providers, and those of the catalogue that a deployment needs."""
    spec = draft.spec
    needed: dict[str, Path] = {name: ("providers", name) for name in spec.providers}
    for name, deployment in spec.deployments.items():
        path: Path = ("deployments", name, "provider")
        if draft.names.knows_provider(deployment.provider):
            needed.setdefault(deployment.provider, path)
        else:
            draft.names.complain_provider(deployment.provider, path, draft.report)
    for name, path in draft.inline.items():
        needed.setdefault(name.partition(":")[0], path)
    providers = {name: provider_of(name, spec.providers.get(name, NOTHING), path) for name, path in needed.items()}
    for provider in providers.values():
        check_provider(provider, spec.providers.get(provider.name, NOTHING), draft.report)
    return replace(draft, providers=providers)


def resolve_deployments(draft: Draft) -> Draft:
    """The spec's deployments, then those named in place; one for each key."""
    spec = draft.spec
    made = Deployments(draft.providers, spec.providers, spec.tasks, draft.read_use, draft.report)
    written = [(name, each, ("deployments", name)) for name, each in spec.deployments.items()]
    entries = [*written, *((name, _in_place(name), path) for name, path in draft.inline.items())]
    found = [
        deployment
        for name, each, path in entries
        if each.provider in draft.providers
        for deployment in made.of(name, each, path)
    ]
    return replace(draft, deployments={deployment.name: deployment for deployment in found})


def compile_rules(draft: Draft) -> Draft:
    """Every rule with its condition and tiers."""
    declared = declarations_of(draft.spec, draft.report)
    reader = ConditionReader(declared, draft.report, draft.environment)
    conditions = [reader.of(rule) for rule in draft.spec.rules]
    rules = tuple(
        _rule(draft, place, rule, condition)
        for place, (rule, condition) in enumerate(zip(draft.spec.rules, conditions, strict=True))
    )
    return replace(draft, declarations=declared, rules=rules)


def compile_guards(draft: Draft) -> Draft:
    """Every guard with its condition and the deployments that it allows."""
    reader = ConditionReader(draft.declarations, draft.report, draft.environment)
    guards = tuple(_guard(draft, place, guard, reader.of(guard)) for place, guard in enumerate(draft.spec.guards))
    conditions = [*(rule.condition for rule in draft.rules), *(guard.condition for guard in guards)]
    return replace(draft, guards=guards, declarations=close_tasks(draft.declarations, conditions))


def compile_accounts(draft: Draft) -> Draft:
    """Every limit and budget, with what it covers."""
    check_names(draft.spec, draft.report)
    conditions = ConditionReader(_covering(draft), draft.report, draft.environment)
    metadata = frozenset(draft.declarations.metadata)
    read = AccountReader(conditions, metadata, draft.deployments, draft.read_use, draft.report)
    return replace(
        draft,
        limits=tuple(read.limit(spec, place) for place, spec in enumerate(draft.spec.limits)),
        budgets=tuple(read.budget(spec, place) for place, spec in enumerate(draft.spec.budgets)),
    )


def compile_memory(draft: Draft) -> Draft:
    """What the cache varies by; and whether the store is one."""
    check_store(draft.spec.state, draft.report)
    return replace(draft, cache=cache_of(draft.spec.cache, draft.declarations, draft.report))


def compile_embeddings(draft: Draft) -> Draft:
    """Every section of `embeddings`, each of one model."""
    reader = EmbeddingReader(draft.read_use, draft.deployments, draft.report)
    return replace(draft, embeddings=reader.all(draft.spec))


def check_timezone(draft: Draft) -> Draft:
    """Nothing new, but a timezone that nobody knows is reported."""
    zone = draft.spec.timezone
    if zone is not None and zone not in zoneinfo.available_timezones():
        advice = _near_zone(zone)
        draft.report.error(UNKNOWN_ZONE, ("timezone",), f"`{zone}` is no timezone", advice)
    return draft


PASSES: tuple[Callable[[Draft], Draft], ...] = (
    check_timezone,
    bind_names,
    flatten_pools,
    resolve_providers,
    resolve_deployments,
    compile_rules,
    compile_guards,
    compile_accounts,
    compile_memory,
    compile_embeddings,
)


def _seal(draft: Draft) -> Program:
    spec, hashed = draft.spec, spec_hash(draft.report.source.tree)
    conditions = [rule.condition for rule in draft.rules]
    guarded = [guard.condition for guard in draft.guards]
    return Program(
        name=spec.name,
        timezone=spec.timezone or "UTC",
        declarations=draft.declarations,
        tasks=draft.declarations.tasks,
        capabilities=draft.declarations.capabilities,
        providers=MappingProxyType(dict(draft.providers)),
        deployments=MappingProxyType(dict(draft.deployments)),
        members=MappingProxyType(_members(draft.deployments)),
        pools=MappingProxyType(dict(draft.pools)),
        rules=draft.rules,
        guards=draft.guards,
        fallback=over(fallback_of(spec.fallback, ("fallback",), draft.read_use), defaults.FALLBACK),
        timeouts=over(timeouts_of(spec.timeouts), defaults.TIMEOUTS),
        settings=settings_of(spec.settings),
        health=health_of(spec.health),
        index=build_index(conditions, draft.declarations),
        reads=frozenset().union(*map(reads, [*conditions, *guarded]), _counted(draft)),
        spec_hash=hashed,
        program_hash=program_hash(hashed),
        limits=draft.limits,
        budgets=draft.budgets,
        cache=draft.cache,
        ledger=ledger_of(spec.ledger),
        state=state_of(spec.state),
        alerts=alerts_of(spec.alerts),
        embeddings=MappingProxyType(dict(draft.embeddings)),
    )


def _counted(draft: Draft) -> frozenset[str]:
    """The features of a request that limits, budgets and the cache read."""
    accounts: tuple[Limit | Budget, ...] = (*draft.limits, *draft.budgets)
    scopes = frozenset(each.per for each in accounts if each.per is not None)
    covered = frozenset().union(*(reads(each.covers) for each in accounts))
    varied = frozenset(draft.cache.vary if draft.cache else ())
    return (covered - Covering().attempt().keys()) | scopes | varied


def _check_namespace(draft: Draft) -> None:
    """Providers, deployments and pools share one namespace."""
    owners: dict[str, str] = {}
    for section, names in (
        ("providers", draft.spec.providers),
        ("deployments", draft.spec.deployments),
        ("pools", draft.spec.pools),
    ):
        for name in names:
            if name in owners:
                message = f"`{name}` is already a name of `{owners[name]}`"
                advice = "providers, deployments and pools share their names: choose another"
                draft.report.error(TWICE, (section, name), message, advice, at_key=True)
            owners.setdefault(name, section)


def _in_place(name: str) -> DeploymentSpec:
    provider, _, model = name.partition(":")
    return DeploymentSpec.model_construct(provider=provider, model=model)


def _rule(draft: Draft, place: int, spec: RuleSpec, condition: Condition) -> Rule:
    path: Path = ("rules", place)
    return Rule(
        place=place,
        name=spec.name or f"rule {place + 1}",
        condition=condition,
        tiers=draft.read_use(spec.use, (*path, "use")) if spec.use is not None else (),
        refuse=None if spec.refuse is None else str(spec.refuse),
        settings=settings_of(spec.settings),
        timeouts=timeouts_of(spec.timeouts),
        fallback=fallback_of(spec.fallback, (*path, "fallback"), draft.read_use),
        sticky=spec.sticky is None,
        cache=spec.cache is None,
    )


def _guard(draft: Draft, place: int, spec: GuardSpec, condition: Condition) -> Guard:
    path: Path = ("guards", place)
    reader = ConditionReader(_placement(draft), draft.report, draft.environment)
    only = reader.tree(spec.only, (*path, "only")) if spec.only is not None else ALWAYS
    never = reader.tree(spec.never, (*path, "never")) if spec.never is not None else None
    return Guard(
        name=spec.name or f"guard {place + 1}",
        condition=condition,
        allowed=allowed_by(only, never, draft.deployments.values()),
        instead=_instead(draft, spec, (*path, "instead")),
    )


def _instead(draft: Draft, spec: GuardSpec, path: Path) -> tuple[Tier, ...] | Literal["refuse"] | None:
    if spec.instead is None:
        return None
    return "refuse" if spec.instead == "refuse" else draft.read_use(spec.instead, path)


def _placement(draft: Draft) -> Placement:
    members = dict.fromkeys(deployment.member for deployment in draft.deployments.values())
    of_providers = (label for provider in draft.providers.values() for label in provider.labels)
    of_deployments = (label for deployment in draft.deployments.values() for label in deployment.labels)
    labels = dict.fromkeys((*of_providers, *of_deployments))
    return Placement(tuple(draft.providers), tuple(members), tuple(labels))


def _covering(draft: Draft) -> Covering:
    declared, members = draft.declarations, dict.fromkeys(each.member for each in draft.deployments.values())
    return Covering(
        declared.tasks,
        declared.metadata,
        declared.capabilities,
        providers=tuple(draft.providers),
        deployments=tuple(members),
        rules=(*(rule.name for rule in draft.rules), *map(rule_name, draft.spec.embeddings)),
    )


def _members(deployments: Mapping[str, Deployment]) -> dict[str, tuple[str, ...]]:
    members: dict[str, tuple[str, ...]] = {}
    for deployment in deployments.values():
        members[deployment.member] = (*members.get(deployment.member, ()), deployment.name)
    return members


def _near_zone(zone: str) -> str:
    advice = did_you_mean(zone, zoneinfo.available_timezones())
    return advice if len(advice) < 80 else "write a name such as `Europe/Berlin`, or `UTC`"
