"""What an attempt is charged to: the limits and budgets that cover it, each as an account.

An account belongs to one limit or budget and one value of its `per` (an absent value is a value, too). Which accounts a
request may charge depends on the request alone, so that all can be looked up at once, before it is decided; which of
them an attempt does charge, and how much, depends on the deployment as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Literal, TypeAlias

from llm_router.policy.features import Features
from llm_router.policy.match import holds
from llm_router.policy.program import Budget, Deployment, Limit, Program, Rule, Window
from llm_router.policy.snapshot import Standing

Kind: TypeAlias = Literal["requests", "tokens", "concurrent", "money"]

UNLIMITED = 2**62
"""The capacity of an account that only counts: what is charged to it never fills it."""


@dataclass(frozen=True, slots=True)
class Account:
    """One limit or budget, for one value of its `per`. `key` is its name in a store, and shows no value of a caller.

    `owner` names the provider or deployment whose own it is; `None` at the top, where `source.covers` decides.
    """

    key: str
    kind: Kind
    source: Limit | Budget = field(repr=False)
    owner: str | None = None

    @property
    def name(self) -> str:
        """What the spec calls it."""
        return self.source.name

    @property
    def window(self) -> Window | None:
        """The time that it looks back on; `None` for what counts while it is under way."""
        return self.source.window

    @property
    def wait_s(self) -> float:
        """How long a request waits for room before the next candidate is asked."""
        return self.source.wait_s if isinstance(self.source, Limit) else 0.0

    def capacity(self, via: str | None) -> int:
        """The most that may count in the window; `via` is the budget whose `use` brought the candidate."""
        source = self.source
        if isinstance(source, Limit) or source.when_spent == "out":
            return source.amount
        if source.when_spent == "warn":
            return UNLIMITED
        if via == source.name:
            return UNLIMITED if source.hard is None else source.hard
        return source.amount


@dataclass(frozen=True, slots=True)
class Charge:
    """What an attempt asks of an account. `amount` is `None` where it can't be bounded."""

    account: Account
    amount: int | None
    capacity: int


def accounts_of(program: Program, features: Features) -> tuple[Account, ...]:
    """All accounts that the request may charge, whoever is asked."""
    shared: tuple[Limit | Budget, ...] = (*program.limits, *program.budgets)
    return (*_own(program), *(_account(source, features) for source in shared))


def budget_account(budget: Budget, value: object = None) -> Account:
    """The account of a budget, for one value of its `per` where it has one."""
    part = "" if budget.per is None else _digest(value)
    return Account(f"budget/{budget.name}/{_window(budget)}/{part}", "money", budget)


def own_accounts(program: Program, deployment: Deployment) -> tuple[Account, ...]:
    """The accounts of the limits that the deployment and its provider have themselves."""
    owners = (_key_of(deployment), deployment.name)
    return tuple(account for account in _own(program) if account.owner in owners)


def spent_of(accounts: tuple[Account, ...], standings: Mapping[str, Standing]) -> Mapping[str, float]:
    """The share of each budget that is gone or held, by its name."""
    found = ((each.source, standings.get(each.key)) for each in accounts)
    return {
        source.name: (standing.settled + standing.open) / source.amount
        for source, standing in found
        if isinstance(source, Budget) and standing is not None
    }


def covering(
    accounts: tuple[Account, ...], features: Features, rule: Rule | None, deployment: Deployment
) -> tuple[Account, ...]:
    """Those of `accounts` that an attempt at the deployment charges."""
    if not accounts:
        return ()
    owners = (_key_of(deployment), deployment.name)
    values = _placed(features.values, rule, deployment)
    return tuple(
        account
        for account in accounts
        if (account.owner in owners if account.owner is not None else holds(account.source.covers, values))
    )


def bounds(accounts: tuple[Account, ...]) -> bool:
    """Whether these need the answer to have a cap."""
    return any(account.kind in ("tokens", "money") for account in accounts)


def spends(accounts: tuple[Account, ...]) -> bool:
    """Whether one of these is a budget."""
    return any(account.kind == "money" for account in accounts)


def charges(
    accounts: tuple[Account, ...],
    features: Features,
    cost_bound: int | None,
    cap: int | None,
    *,
    via: str | None = None,
) -> tuple[Charge, ...]:
    """What an attempt asks of each that may answer with `cap` tokens, and cost `cost_bound` (`None`: nobody knows).

    What is surely free asks nothing of a budget.
    """
    amounts: Mapping[Kind, int | None] = {
        "requests": 1,
        "concurrent": 1,
        "tokens": None if cap is None else features.input_tokens.value + cap,
        "money": cost_bound,
    }
    return tuple(
        Charge(account, amounts[account.kind], account.capacity(via))
        for account in accounts
        if account.kind != "money" or cost_bound != 0
    )


def _own(program: Program) -> Iterator[Account]:
    """Yields the accounts of providers' and deployments' own limits; each key of a provider has its own."""
    seen: set[str] = set()
    for deployment in program.deployments.values():
        owner = _key_of(deployment)
        if owner not in seen:
            seen.add(owner)
            yield from (_of_limit(limit, owner) for limit in deployment.provider.limits)
        yield from (_of_limit(limit, deployment.name) for limit in deployment.limits)


def _of_limit(limit: Limit, owner: str) -> Account:
    number = limit.name.rpartition("/")[2]
    return Account(f"limit/{owner}/{_window(limit)}/{limit.unit}/{number}", limit.unit, limit, owner)


def _key_of(deployment: Deployment) -> str:
    """The provider, or one key of it where it has several."""
    provider = deployment.provider
    return f"{provider.name}#{deployment.key + 1}" if len(provider.api_keys) > 1 else provider.name


def _account(source: Limit | Budget, features: Features) -> Account:
    if isinstance(source, Budget):
        return budget_account(source, None if source.per is None else features.values.get(source.per))
    value = "" if source.per is None else _digest(features.values.get(source.per))
    return Account(f"limit/{source.name}/{_window(source)}/{source.unit}/{value}", source.unit, source)


def _window(source: Limit | Budget) -> str:
    """The part of a key that tells windows apart: another window counts in other buckets, so it begins anew."""
    window = source.window
    if window is None:
        return "under way"
    return window.kind + (f"-{window.length_s:g}" if window.length_s else "")


def _digest(value: object) -> str:
    """A name for a value of `per` that doesn't show it; the absent value has one as well."""
    return blake2b(repr(value).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _placed(values: Mapping[str, object], rule: Rule | None, deployment: Deployment) -> Mapping[str, object]:
    """The features with those of the place: who is asked, under which rule."""
    place: dict[str, object] = {
        "provider": deployment.provider.name,
        "deployment": deployment.member,
        "model": deployment.model,
    }
    if rule is not None:
        place["rule"] = rule.name
    return {**values, **place}
