"""When a budget passes the share that it warns at, or is spent: told once for each account and window.

The store says who is first, so with a shared one a warning is told by one process only. Until it is told, an attempt
that charged a budget looks how full it is: another look at the store for each, and none from then on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import ceil

from llm_router.engine.asking import asked
from llm_router.engine.effects import Tell, WallTime
from llm_router.engine.events import BudgetSpent, BudgetWarning
from llm_router.engine.storing import Look, Once
from llm_router.policy.charges import Account, Charge
from llm_router.policy.decision import Candidate
from llm_router.policy.program import Budget
from llm_router.policy.snapshot import Standing
from llm_router.state.accounts import Accounts
from llm_router.state.frames import frame
from llm_router.state.store import Frame


@dataclass(frozen=True, slots=True)
class Threshold:
    """So much of an account (picodollars), from which on `kind` is told."""

    account: Account
    budget: Budget
    kind: type[BudgetWarning] | type[BudgetSpent]
    amount: int

    @property
    def mark(self) -> str:
        """What a store knows it by. The amount is in it: where the spec's changes, it is told anew."""
        return f"alert/{self.account.key}/{self.kind.__name__}/{self.amount}"

    def event(self, settled: int, window: Frame) -> BudgetWarning | BudgetSpent:
        """What is told of it."""
        ends = None if self.budget.window.kind == "rolling" else window.ends
        return self.kind(self.budget.name, settled, self.budget.amount, ends, self.account.key.rpartition("/")[2])


async def tell_passed(accounts: Accounts, timezone: str, charges: Iterable[Charge]) -> None:
    """Tell which thresholds the accounts of these charges have passed. Raises StoreDown."""
    await _tell(accounts, timezone, [each for charge in charges for each in _thresholds(charge.account)])


async def tell_left_out(accounts: Accounts, timezone: str, candidates: Iterable[Candidate]) -> None:
    """Tell which budgets are spent, as these candidates are kept back for want of room in them. Raises StoreDown."""
    spent = {
        charge.account.key: charge.account
        for each in candidates
        if each.deferral is not None and each.deferral.code == "budget"
        for charge in each.charges
        if charge.account.kind == "money" and charge.account.name == each.deferral.name
    }
    await _tell(accounts, timezone, [each for account in spent.values() for each in _thresholds(account)], spent=True)


def _thresholds(account: Account) -> Iterator[Threshold]:
    budget = account.source
    if not isinstance(budget, Budget):
        return
    if budget.warn_at is not None:
        yield Threshold(account, budget, BudgetWarning, ceil(budget.amount * budget.warn_at))
    yield Threshold(account, budget, BudgetSpent, budget.amount)


async def _tell(accounts: Accounts, timezone: str, thresholds: list[Threshold], *, spent: bool = False) -> None:
    """Tell those that are passed and that nobody has told; `spent` ones count as passed, whatever is left in them."""
    now = await WallTime() if thresholds else 0.0
    news = [each for each in thresholds if not accounts.told.has(each.mark, now)]
    if not news:
        return
    frames = {each.account.key: frame(each.account.window, timezone, now) for each in news}
    standings = await asked(Look(accounts, frames, now))
    for each in news:
        standing, window = standings[each.account.key], frames[each.account.key]
        if _is_passed(each, standing, spent=spent) and await asked(Once(accounts, each.mark, window.ends, now)):
            await Tell(each.event(standing.settled, window))


def _is_passed(threshold: Threshold, standing: Standing, *, spent: bool) -> bool:
    return standing.settled >= threshold.amount or (spent and threshold.kind is BudgetSpent)
