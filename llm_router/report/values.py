"""What a report says, as values: charts and page are functions of these. Money is picodollars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from llm_router.report.days import Day, Days
from llm_router.state.totals import Spread, Total

BudgetState = Literal["ok", "warning", "spent"]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the whole, as one provider's: its cost by step, and attempts (answers from the cache among them)."""

    name: str
    costs: tuple[int, ...] = ()
    attempts: int = 0
    unknown: int = 0

    @property
    def cost(self) -> int:
        """Over all steps."""
        return sum(self.costs)


@dataclass(frozen=True, slots=True)
class Answerer:
    """How a deployment answered: attempts, failures by class (most first), and how long answers took."""

    name: str
    attempts: int
    failures: tuple[tuple[str, int], ...] = ()
    first_token: Spread = Spread()
    duration: Spread = Spread()

    @property
    def failed(self) -> int:
        """Attempts that failed."""
        return sum(count for _, count in self.failures)


@dataclass(frozen=True, slots=True)
class Course:
    """Money day by day through a window, and where it heads.

    `spent` is by day up to today; `pace` is the mean of the last full days, at most seven (`None` before the first is
    over), `ahead` what is expected by the end of the window.
    """

    first: Day
    days: int
    spent: tuple[int, ...]
    pace: int | None = None
    ahead: int | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """How a budget stands now: what is spent, what requests under way hold, when the window ends (epoch seconds).

    One that is counted apart `per` a feature has no sum, but `fullest` accounts: value and money. `course` is there
    where the ledger knows what the budget covers, and its window is longer than a day.
    """

    name: str
    amount: int
    window: str
    ends: float
    per: str | None = None
    spent: int = 0
    held: int = 0
    warn_at: float | None = None
    fullest: tuple[tuple[str, int], ...] = ()
    course: Course | None = None

    @property
    def state(self) -> BudgetState:
        """In a word; what is held counts."""
        gone = max([self.spent + self.held, *(money for _, money in self.fullest)])
        if gone >= self.amount:
            return "spent"
        return "warning" if self.warn_at is not None and gone >= self.warn_at * self.amount else "ok"


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a page says. `steps` are sums of each step of `days`, `before` those of as many days before.

    Parts are sorted by cost. `moves` counts, by step, how often a request was asked of one more deployment. Without
    `caches` the cache is off. A `passing` store has nothing of other processes. `month` and `budgets` are there where
    the days reach today.
    """

    name: str
    days: Days
    made_at: float
    steps: tuple[Total, ...]
    before: Total = Total()
    providers: tuple[Part, ...] = ()
    rules: tuple[Part, ...] = ()
    models: tuple[Part, ...] = ()
    answerers: tuple[Answerer, ...] = ()
    moves: tuple[int, ...] = ()
    month: Course | None = None
    budgets: tuple[Standing, ...] = ()
    current: bool = True
    caches: bool = False
    passing: bool = False
