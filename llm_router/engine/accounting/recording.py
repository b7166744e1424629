"""Calls that were made outside of the router, written into its ledger so that totals are whole.

One that names a deployment is charged to the budgets that cover it, and never stopped by them: the money is gone
already. Limits aren't charged: they pace what the router sends.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import TypedDict

from typing_extensions import override

from llm_router.catalog.price import Price
from llm_router.catalog.prices import find_price
from llm_router.catalog.providers import PROVIDERS
from llm_router.diagnostics import did_you_mean
from llm_router.engine.accounting.booking import claims
from llm_router.engine.accounting.meter import Listener
from llm_router.engine.effects import WallTime
from llm_router.engine.storing import AccountEffect
from llm_router.engine.wiring import Wiring
from llm_router.errors import RequestError
from llm_router.messages import ChatRequest, Usage
from llm_router.policy.charges import UNLIMITED, Charge, accounts_of, covering
from llm_router.policy.features import Call, compute
from llm_router.policy.hints import Hints
from llm_router.policy.program import Deployment, Program
from llm_router.state.entry import Basis, Entry
from llm_router.state.owed import charge_in_full
from llm_router.state.store import Claim
from llm_router.units import PICODOLLARS_PER_DOLLAR, UnitError, parse_money

WHO = ("user", "session", "run", "tags", "metadata")
"""The hints that say whose a call was; the others ask for something, and there is nothing to ask for any more."""


class Said(TypedDict, total=False):
    """What is said of a call: at whom (a deployment, or a provider and its model), and what it came to."""

    deployment: str | None
    provider: str | None
    model: str | None
    usage: Usage | Mapping[str, int] | None
    cost: str | Decimal | None
    at: datetime.datetime | None
    duration_s: float | None


@dataclass(frozen=True, slots=True)
class Outside:
    """A call that was made outside."""

    program: Program
    wiring: Wiring
    said: Said
    hints: Hints
    id: str
    listeners: tuple[Listener, ...] = ()


@dataclass(frozen=True, slots=True)
class Charged(AccountEffect[None]):
    """Nothing, once the claims are charged in full and the entry is in the ledger. Raises StoreDown."""

    claims: tuple[Claim, ...]
    entry: Entry
    now: float

    @override
    def act(self) -> None:
        with self.accounts.reach.asking(self.now, urgent=True):
            charge_in_full(self.accounts.store, self.claims, self.entry, self.now)


async def record(outside: Outside) -> Entry:
    """The entry that was written. Raises RequestError for what can't be, StoreDown."""
    now = await WallTime()
    entry = _entry(outside, now)
    await Charged(outside.wiring.accounts, _claims(outside, entry), entry, now)
    for listener in outside.listeners:
        listener(entry)
    return entry


def whose(said: Mapping[str, object], around: Mapping[str, object], program: Program) -> Hints:
    """Whose a call was, by what was `said` of it and by the hints that hold `around` it. Raises RequestError."""
    for name in said:
        if name not in WHO:
            raise RequestError(f"`{name}` says nothing of a call that was made", help=did_you_mean(name, WHO))
    return Hints.read({name: around[name] for name in WHO if name in around}, program)


def _entry(outside: Outside, now: float) -> Entry:
    said, hints = outside.said, outside.hints
    deployment = _deployment(outside.program, said)
    at, usage = _moment(said.get("at"), now), _usage(said.get("usage"))
    cost, basis = _cost(said, usage, _price(outside.program, said, deployment), at)
    return Entry(
        at=at,
        decision_id=outside.id,
        program_hash=outside.program.program_hash,
        provider=deployment.provider.name if deployment else said.get("provider") or "",
        deployment=deployment.name if deployment else "",
        model=deployment.model if deployment else said.get("model") or "",
        outcome="recorded",
        usage=usage,
        cost=cost,
        basis=basis,
        duration_s=said.get("duration_s"),
        user=hints.user,
        session=hints.session,
        run=hints.run,
        tags=tuple(sorted(hints.tags)),
        metadata=dict(hints.metadata),
    )


def _deployment(program: Program, said: Said) -> Deployment | None:
    name = said.get("deployment")
    if name is None:
        _check_place(said)
        return None
    if said.get("provider") or said.get("model"):
        raise RequestError(f"the spec says provider and model of `{name}`", help="leave them out")
    if name not in program.deployments:
        advice = did_you_mean(name, program.deployments)
        raise RequestError(f"no deployment `{name}` in the spec", help=advice)
    return program.deployments[name]


def _check_place(said: Said) -> None:
    """Nothing. Raises RequestError for a call that was made nowhere."""
    if not said.get("provider") or not said.get("model"):
        raise RequestError("a call is made somewhere", help="say `deployment`, or `provider` and `model`")


def _price(program: Program, said: Said, deployment: Deployment | None) -> Price | None:
    if deployment is not None:
        return deployment.price
    provider, model = said.get("provider") or "", said.get("model") or ""
    kind = program.providers[provider].kind if provider in program.providers else provider
    return find_price(kind, model) if kind in PROVIDERS else None


def _cost(said: Said, usage: Usage, price: Price | None, at: float) -> tuple[int | None, Basis]:
    stated = said.get("cost")
    if stated is not None:
        return _money(stated), "reported"
    cost = None if price is None else price.cost(usage, datetime.datetime.fromtimestamp(at, datetime.UTC))
    if cost is None:
        return None, "unknown"
    return cost.total, "reported" if cost.total else "free"


def _money(stated: object) -> int:
    """Picodollars of a stated cost. Raises RequestError."""
    if isinstance(stated, str):
        try:
            return parse_money(stated)
        except UnitError as error:
            raise RequestError(error.message, help=error.help) from None
    exact = stated * PICODOLLARS_PER_DOLLAR if isinstance(stated, Decimal) else Decimal(-1)
    if exact < 0 or exact != exact.to_integral_value():
        raise RequestError(f"`{stated}` is no cost", help='say it as `"0.25 USD"`, or as a Decimal of US dollars')
    return int(exact)


def _usage(said: Usage | Mapping[str, int] | None) -> Usage:
    """The usage that is meant. Raises RequestError."""
    if isinstance(said, Usage):
        return said
    for kind, count in (said or {}).items():
        _check_count(kind, count)
    return Usage(**(said or {}))


def _check_count(kind: str, count: object) -> None:
    kinds = tuple(each.name for each in fields(Usage))
    if kind not in kinds:
        raise RequestError(f"`{kind}` is no kind of token", help=did_you_mean(kind, kinds))
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        raise RequestError(f"`{kind}` is a count of tokens, not `{count!r}`")


def _moment(said: datetime.datetime | None, now: float) -> float:
    if said is not None and said.tzinfo is None:
        raise RequestError("`at` has no timezone", help="say one, as datetime.now(datetime.UTC)")
    return now if said is None else said.timestamp()


def _claims(outside: Outside, entry: Entry) -> tuple[Claim, ...]:
    """What the budgets are charged that cover the call, by what was said of it."""
    program = outside.program
    if not entry.deployment or not entry.cost:
        return ()
    call = Call(ChatRequest.of(""), outside.hints, outside.id, entry.at)
    features = compute(program, call, variables=outside.wiring.variables)
    covered = covering(accounts_of(program, features), features, None, program.deployments[entry.deployment])
    budgets = (Charge(each, entry.cost, UNLIMITED) for each in covered if each.kind == "money")
    return claims(program, tuple(budgets), entry.at)
