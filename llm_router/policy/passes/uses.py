"""Every place of a spec where a name is used, and the tiers that a `use` makes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal, TypeAlias, get_args

from llm_router.policy.passes.layers import or_else
from llm_router.policy.passes.names import Names
from llm_router.policy.passes.report import CYCLE, Report
from llm_router.policy.program import Balance, By, Next, Part, Tier
from llm_router.spec.model import (
    AfterSpec,
    FailuresSpec,
    FallbackSpec,
    FollowSpec,
    GroupSpec,
    PartsSpec,
    PoolSpec,
    Spec,
    Use,
    WhenSpentSpec,
)
from llm_router.spec.model_providers import Pool
from llm_router.spec.refs import known
from llm_router.spec.source import Path

Named: TypeAlias = tuple[str, Path]


def uses(spec: Spec) -> Iterator[Named]:
    """Yields each name that a spec asks for somebody by, and where, in the order of the sections."""
    for name, provider in spec.providers.items():
        yield from _of_failures(_failures(provider.fallback), ("providers", name, "fallback", "after"))
    for name, deployment in spec.deployments.items():
        yield from _of_failures(_failures(deployment.fallback), ("deployments", name, "fallback", "after"))
    for name, pool in spec.pools.items():
        yield from pool_members(name, pool)
    for place, rule in enumerate(spec.rules):
        yield from _of_use(rule.use, ("rules", place, "use"))
        yield from _of_fallback(rule.fallback, ("rules", place, "fallback"))
    for place, guard in enumerate(spec.guards):
        if guard.instead != "refuse":
            yield from _of_use(guard.instead, ("guards", place, "instead"))
    yield from _of_fallback(spec.fallback, ("fallback",))
    for name, embedding in spec.embeddings.items():
        yield from _of_use(embedding.use, ("embeddings", name, "use"))
    for place, budget in enumerate(spec.budgets):
        if isinstance(budget.when_spent, WhenSpentSpec):
            yield from _of_use(budget.when_spent.use, ("budgets", place, "when_spent", "use"))


def pool_members(name: str, pool: Pool) -> Iterator[Named]:
    """Yields a pool's members and where they stand: below `of`, or in the list that is all of the pool."""
    members, path = (pool.of, ("pools", name, "of")) if isinstance(pool, PoolSpec) else (pool, ("pools", name))
    if isinstance(members, str):
        yield members, path
        return
    for place, member in enumerate(members):
        yield member, (*path, member if isinstance(members, dict) else place)


def _failures(spec: FollowSpec | None) -> FailuresSpec | None:
    return spec.after if spec else None


def _of_use(use: Use | None, path: Path) -> Iterator[Named]:
    if isinstance(use, str):
        yield use, path
    elif isinstance(use, GroupSpec):
        yield from group_members(use, path)
    elif use is not None:
        for place, item in enumerate(use):
            yield from _of_use(item, (*path, place))


def group_members(group: GroupSpec, path: Path) -> Iterator[Named]:
    """Yields the names in a group's `from`, and where they stand."""
    if isinstance(group.from_, str):
        yield group.from_, (*path, "from")
        return
    for place, name in enumerate(group.names):
        yield name, (*path, "from", place)


def _of_fallback(fallback: FallbackSpec | Literal["none"] | None, path: Path) -> Iterator[Named]:
    if isinstance(fallback, FallbackSpec):
        yield from _of_failures(fallback.after, (*path, "after"))


def _of_failures(failures: FailuresSpec | None, path: Path) -> Iterator[Named]:
    for failure, after in (failures.by_class if failures else {}).items():
        if isinstance(after, AfterSpec) and after.next not in get_args(Next):
            yield from _of_use(after.next, (*path, failure, "next"))


@dataclass(frozen=True, slots=True)
class Pools:
    """The pools of a spec, each flattened to one tier."""

    names: Names
    specs: Mapping[str, Pool]
    report: Report

    def flatten(self) -> Mapping[str, Tier]:
        """One tier for each pool. Pools that contain themselves are reported, and contain what is left."""
        return {name: self._tier(name, pool) for name, pool in self.specs.items()}

    def _tier(self, name: str, pool: Pool) -> Tier:
        weights: dict[str, Fraction] = {}
        for member, weight in self._members(name, (name,)):
            weights.setdefault(member, weight)
        shared = bool(_shares(pool))
        said = pool.balance if isinstance(pool, PoolSpec) else None
        balance: Balance = "weighted" if shared else said or "order"
        sticky = not (isinstance(pool, PoolSpec) and pool.sticky)
        return Tier(tuple(weights), balance=balance, weights=weights if shared else {}, name=name, sticky=sticky)

    def _members(self, name: str, above: tuple[str, ...]) -> Iterator[tuple[str, Fraction]]:
        """Yields a pool's deployments with their weights; a pool in a pool shares its weight out evenly."""
        pool = self.specs[name]
        for member, path in pool_members(name, pool):
            weight = _shares(pool).get(member, Fraction(1))
            meant = self.names.meaning(member)
            if meant is None:
                continue
            if meant in above:
                self._complain(meant, path, above)
            elif meant in self.specs:
                inner = [each for each, _ in self._members(meant, (*above, meant))]
                yield from ((each, weight / len(inner)) for each in inner)
            else:
                yield meant, weight

    def _complain(self, member: str, path: Path, above: tuple[str, ...]) -> None:
        """Report a circle once: when it is walked from that of its pools which is written first."""
        if member != above[0] or member != next(name for name in self.specs if name in above):
            return
        way = " → ".join(f"`{name}`" for name in (*above, member))
        self.report.error(CYCLE, path, f"the pool `{member}` contains itself", f"take it out: {way}")


@dataclass(frozen=True, slots=True)
class UseReader:
    """Makes tiers of what a spec writes under `use`, `instead` and `next`. Names that mean nothing are passed over."""

    names: Names
    pools: Mapping[str, Tier]

    def __call__(self, use: Use, path: Path) -> tuple[Tier, ...]:
        """The tiers in order; a name met twice keeps its first place."""
        if isinstance(use, str):
            return _distinct([self._named(use)])
        if isinstance(use, GroupSpec):
            return _distinct([self._group(use, path)])
        return _distinct(
            [
                self._named(item) if isinstance(item, str) else self._group(item, (*path, place))
                for place, item in enumerate(use)
            ]
        )

    def _named(self, name: str) -> Tier:
        meant = self.names.meaning(name)
        if meant is None:
            return Tier(())
        return self.pools.get(meant) or Tier((meant,), name=meant)

    def _group(self, group: GroupSpec, path: Path) -> Tier:
        members = dict.fromkeys(member for name in group.names for member in self._named(name).members)
        by, score = _ranking(group)
        return Tier(
            tuple(members),
            by=by,
            balance=or_else(group.balance, "order"),
            score=score,
            max_cost=known(group.max_cost),
            max_latency_s=known(group.max_latency),
            name="/".join(str(part) for part in path),
        )


def _shares(pool: Pool) -> Mapping[str, Fraction]:
    return pool.shares if isinstance(pool, PoolSpec) else {}


def _ranking(group: GroupSpec) -> tuple[By, Mapping[Part, Fraction]]:
    if not isinstance(group.by, PartsSpec):
        return group.by or "auto", {}
    return "weights", {part: share for part, share in group.by.parts.items() if share}


def _distinct(tiers: list[Tier]) -> tuple[Tier, ...]:
    """The tiers without the names that an earlier one has, and without those that are empty then."""
    met: set[str] = set()
    found: list[Tier] = []
    for tier in tiers:
        members = tuple(name for name in tier.members if name not in met)
        met.update(members)
        if members:
            found.append(tier if members == tier.members else _only(tier, members))
    return tuple(found)


def _only(tier: Tier, members: tuple[str, ...]) -> Tier:
    weights = {name: weight for name, weight in tier.weights.items() if name in members}
    return replace(tier, members=members, weights=weights)
