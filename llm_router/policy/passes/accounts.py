"""What a spec says of limits and budgets, as the program's values, with the names in it checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from llm_router.catalog.price import Price
from llm_router.diagnostics import closest
from llm_router.policy.passes.conditions import ConditionReader
from llm_router.policy.passes.layers import ReadUse, or_else
from llm_router.policy.passes.report import HARD_BELOW, NOT_FREE, TWICE, Report
from llm_router.policy.program import Budget, Deployment, Limit, Tier, Unit, Window
from llm_router.spec.conditions.condition import ALWAYS, Condition
from llm_router.spec.conditions.literals import METADATA_KEY
from llm_router.spec.model import BudgetSpec, LimitSpec, NamedLimitSpec, Spec, WhenSpentSpec
from llm_router.spec.source import Path
from llm_router.units import format_money

_MANY_TOKENS = 10**7
"""So many tokens that whatever costs anything costs something."""


def own_limits(owner: str, specs: Iterable[LimitSpec]) -> tuple[Limit, ...]:
    """The limits of a provider or deployment, numbered from 1."""
    return tuple(_limit(spec, f"{owner}/{number}") for number, spec in enumerate(specs, 1))


def check_names(spec: Spec, report: Report) -> None:
    """Report the names that two budgets or limits share."""
    owners: dict[str, str] = {}
    budgets, limits = [each.name for each in spec.budgets], [each.name for each in spec.limits]
    for section, names in (("budgets", budgets), ("limits", limits)):
        for place, name in enumerate(names):
            if name in owners:
                message = f"`{name}` is already a name in `{owners[name]}`"
                advice = "budgets and limits share their names: choose another"
                report.error(TWICE, (section, place, "name"), message, advice)
            owners.setdefault(name, section)


def is_free(price: Price | None) -> bool:
    """Whether nothing that is asked there costs anything; an unknown price may."""
    return price is not None and price.upper_bound(_MANY_TOKENS, _MANY_TOKENS) == 0


@dataclass(frozen=True, slots=True)
class AccountReader:
    """Makes limits and budgets. `conditions` reads `for`, `metadata` are the declared keys."""

    conditions: ConditionReader
    metadata: frozenset[str]
    deployments: Mapping[str, Deployment]
    read_use: ReadUse
    report: Report

    def limit(self, spec: NamedLimitSpec, place: int) -> Limit:
        """One limit of the top."""
        covers, per = self._scope(spec, ("limits", place))
        return _limit(spec, spec.name, covers, per)

    def budget(self, spec: BudgetSpec, place: int) -> Budget:
        """One budget; what is asked when it is spent must be free, or bounded itself."""
        path: Path = ("budgets", place)
        covers, per = self._scope(spec, path)
        self._check_hard(spec, path)
        return Budget(
            name=spec.name,
            amount=spec.amount,
            window=window_of(spec.every, spec.within),
            covers=covers,
            per=per,
            warn_at=spec.warn_at,
            when_spent=self._when_spent(spec, path),
            hard=spec.hard,
        )

    def _scope(self, spec: BudgetSpec | NamedLimitSpec, path: Path) -> tuple[Condition, str | None]:
        covers = ALWAYS if spec.for_ is None else self.conditions.tree(spec.for_, (*path, "for"))
        _, _, key = (spec.per or "").partition(".")
        if key and key not in self.metadata:
            near = closest(key, self.metadata)
            advice = (
                f"did you mean `metadata.{near}`?" if near else f"declare it at the top: `metadata: {{{key}: text}}`"
            )
            self.report.error(METADATA_KEY, (*path, "per"), f"`{spec.per}` isn't declared", advice)
        return covers, spec.per

    def _check_hard(self, spec: BudgetSpec, path: Path) -> None:
        if spec.hard is not None and spec.hard < spec.amount:
            message = f"`hard` is less than the `amount` of {format_money(spec.amount)}"
            advice = "write what may be spent in all, what `use` costs included"
            self.report.error(HARD_BELOW, (*path, "hard"), message, advice)

    def _when_spent(self, spec: BudgetSpec, path: Path) -> Literal["out", "warn"] | tuple[Tier, ...]:
        if not isinstance(spec.when_spent, WhenSpentSpec):
            return spec.when_spent or "out"
        where: Path = (*path, "when_spent", "use")
        tiers = self.read_use(spec.when_spent.use, where)
        billed = [] if spec.hard is not None else list(dict.fromkeys(self._billed(tiers)))
        if billed:
            names = ", ".join(f"`{name}`" for name in billed)
            verb = "isn't" if len(billed) == 1 else "aren't"
            message = f"{names} {verb} known to be free, so the budget `{spec.name}` would hold nothing"
            advice = "add `hard:` with the most that may be spent, or use what has `price: free`"
            self.report.error(NOT_FREE, where, message, advice)
        return tiers

    def _billed(self, tiers: tuple[Tier, ...]) -> Iterator[str]:
        """Yields the names of these tiers that aren't known to be free."""
        free = {each.member for each in self.deployments.values() if is_free(each.price)}
        known = {each.member for each in self.deployments.values()}
        return (name for tier in tiers for name in tier.members if name in known and name not in free)


def window_of(every: str | float | None, within: float | None) -> Window:
    """The window that `every` or `within` writes; one of them is there."""
    match every:
        case "day" | "week" | "month":
            return Window(every)
        case float() | int():
            return Window("duration", float(every))
    return Window("rolling", within or 0.0)


def _limit(spec: LimitSpec, name: str, covers: Condition = ALWAYS, per: str | None = None) -> Limit:
    unit, amount = _amount(spec)
    window = None if unit == "concurrent" else window_of(spec.every, spec.within)
    return Limit(name, unit, amount, window, or_else(spec.wait, 0.0), covers, per)


def _amount(spec: LimitSpec) -> tuple[Unit, int]:
    said: tuple[tuple[Unit, int | None], ...] = (
        ("requests", spec.requests),
        ("tokens", spec.tokens),
        ("concurrent", spec.concurrent),
    )
    return next((unit, amount) for unit, amount in said if amount is not None)
