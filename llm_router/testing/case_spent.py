"""What budgets have spent before a spec's test begins: `given: {spent.x: 90%}` charges the account of its request."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import ceil

from llm_router.engine.job import Job
from llm_router.policy.charges import UNLIMITED, accounts_of
from llm_router.policy.features import Call, compute
from llm_router.state.accounts import Accounts
from llm_router.state.entry import Entry
from llm_router.state.frames import frame
from llm_router.state.store import Claim, Reserved
from llm_router.units import parse_share


def accounts_before(job: Job, world: Mapping[str, object], now: float) -> Accounts:
    """Accounts of the test's own, charged as `world` says at `now` (epoch seconds). Raises RequestError."""
    accounts, program = Accounts(), job.program
    call = Call(job.request, job.hints, job.request_id, now, job.stream)
    features = compute(program, call, variables=job.wiring.variables, given=job.given)
    for account in accounts_of(program, features):
        if account.kind == "money" and (said := world.get(f"spent.{account.name}")) is not None:
            amount = ceil(Fraction(parse_share(str(said))) * account.source.amount)
            window = frame(account.window, program.timezone, now)
            _charge(accounts, Claim(account.key, amount, UNLIMITED, window), now)
    return accounts


def _charge(accounts: Accounts, claim: Claim, now: float) -> None:
    made = accounts.store.reserve((claim,), Entry(at=now, decision_id=""), now=now, expires=now + 1)
    assert isinstance(made, Reserved)  # INVARIANT: nothing else was charged
    accounts.store.settle(made.ticket, {}, None, now=now)
