"""What an attempt is written down as: opened before it is made, closed when it is known what it came to.

What is opened is the worst that the attempt can come to, and stays so if nobody closes it. An attempt that surely
reached nobody, or was refused, is charged nothing; where no usage was reported, the worst is what it came to.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from llm_router.catalog.tokens import count_request
from llm_router.engine.results import Answered, Failed
from llm_router.errors import AttemptReport
from llm_router.messages import ChatRequest, Text, ToolResult, Usage
from llm_router.policy.charges import UNLIMITED, Charge, Kind, charges
from llm_router.policy.decision import Candidate, Decision
from llm_router.policy.features import Features
from llm_router.policy.hints import Hints
from llm_router.policy.program import Deployment, Program
from llm_router.policy.rank import estimate
from llm_router.policy.snapshot import Snapshot
from llm_router.state.entry import Basis, Entry
from llm_router.state.frames import frame
from llm_router.state.store import Claim

Result = Answered | Failed | None
"""What came of an attempt; `None` where nobody wanted it any more."""


@dataclass(frozen=True, slots=True)
class Booking:
    """An attempt that is paid for in advance: `ticket` settles it; `None` where the store was down, and that may be."""

    opening: Entry
    charges: tuple[Charge, ...] = ()
    ticket: str | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose attempts are booked."""

    program: Program
    decision: Decision
    hints: Hints
    request: ChatRequest = field(repr=False)
    features: Features = field(repr=False)
    snapshot: Snapshot = field(repr=False)

    def grown(self, candidate: Candidate, tokens: int) -> Candidate:
        """The candidate for a request that has grown by so many tokens at most since it was decided."""
        if not tokens or not candidate.charges:
            return candidate
        more = self.features.grown(tokens)
        deployment = self.program.deployments[candidate.deployment]
        known = estimate(deployment, more, self.snapshot, candidate.cap, closely=candidate.estimate.closely)
        accounts = tuple(charge.account for charge in candidate.charges)
        asked = charges(accounts, more, known.cost_bound, candidate.cap, via=candidate.relieves)
        return replace(candidate, estimate=known, charges=asked)


def growth(request: ChatRequest, since: ChatRequest) -> int:
    """How many tokens more a request may have than the one that it was made from."""
    return max(0, count_request(request).upper - count_request(since).upper)


def opened(subject: Subject, candidate: Candidate, number: int, at: float) -> Entry:
    """The entry of an attempt that is about to be made, at the worst that it can come to."""
    program, hints = subject.program, subject.hints
    deployment = program.deployments[candidate.deployment]
    return Entry(
        at=at,
        decision_id=subject.decision.id,
        program_hash=program.program_hash,
        rule=subject.decision.rule or "",
        provider=candidate.provider,
        deployment=candidate.deployment,
        model=deployment.model,
        attempt=number,
        outcome="lost",
        cost=candidate.estimate.cost_bound,
        basis=_basis_of_worst(deployment, candidate.estimate.cost_bound),
        user=hints.user,
        session=hints.session,
        run=hints.run,
        tags=tuple(sorted(hints.tags)),
        metadata={key: hints.metadata[key] for key in program.declarations.metadata if key in hints.metadata},
        framework_run_id=hints.framework_run_id,
        prompt=_prompt(subject.request) if program.ledger.keep_prompts else None,
    )


def claims(program: Program, asked: tuple[Charge, ...], now: float) -> tuple[Claim, ...]:
    """What these charges ask of a store at `now` (epoch seconds)."""
    return tuple(
        Claim(
            charge.account.key,
            charge.amount or 0,
            charge.capacity,
            frame(charge.account.window, program.timezone, now),
            held=charge.account.kind == "concurrent",
        )
        for charge in asked
    )


def closed(booking: Booking, deployment: Deployment, report: AttemptReport, result: Result) -> Entry:
    """The entry of an attempt that is over, and was reported so."""
    response = result.response if isinstance(result, Answered) else result.partial if result else None
    entry = replace(
        booking.opening,
        attempt=report.number,
        outcome=report.outcome,
        failure=report.failure,
        duration_s=report.duration_s,
        first_token_s=report.first_content_s,
        served=response.model if response else None,
        usage=response.usage if response else Usage(),
        mark="hedge" if report.mark == "hedge" else "",
    )
    if not reached(result):
        return replace(entry, cost=0, basis="free")
    return _priced(entry, deployment) if _is_whole(result) else entry


def amounts(booking: Booking, entry: Entry, result: Result) -> Mapping[str, int]:
    """What each account of a booking is charged, now that it is closed: the worst where nothing better is known."""
    asked = reached(result)
    actual: Mapping[Kind, int | None] = {
        "requests": 1 if asked or _was_refused(result) else 0,
        "concurrent": 0,
        "tokens": 0 if not asked else entry.usage.total if _is_whole(result) else None,
        "money": entry.cost if entry.basis in ("reported", "free") else None,
    }
    charged = {charge.account.key: (actual[charge.account.kind], charge.amount or 0) for charge in booking.charges}
    return {key: worst if came_to is None else came_to for key, (came_to, worst) in charged.items()}


def uncapped(program: Program, booking: Booking, entry: Entry, result: Result) -> tuple[Claim, ...]:
    """What an attempt that wasn't paid for in advance charges afterwards, whatever the capacities are."""
    charged = amounts(booking, entry, result)
    asked = (replace(each, amount=charged[each.account.key], capacity=UNLIMITED) for each in booking.charges)
    return claims(program, tuple(each for each in asked if each.amount), entry.at)


def reached(result: Result) -> bool:
    """Whether a provider may have worked for the attempt: it got there, and wasn't refused."""
    return not isinstance(result, Failed) or result.billed


def _priced(entry: Entry, deployment: Deployment) -> Entry:
    """The entry with its cost: of the reported usage, else the worst."""
    price = deployment.price
    if price is None:
        return replace(entry, cost=None, basis="unknown")
    cost = price.cost(entry.usage, datetime.datetime.fromtimestamp(entry.at, datetime.UTC))
    if cost is None:
        return entry
    basis: Basis = "free" if cost.total == 0 and entry.basis == "free" else "reported"
    return replace(entry, cost=cost.total, cost_by_kind=cost, basis=basis)


def _basis_of_worst(deployment: Deployment, bound: int | None) -> Basis:
    if deployment.price is None or bound is None:
        return "unknown"
    return "free" if bound == 0 else "reserved"


def _is_whole(result: Result) -> bool:
    """Whether the answer came to its end, so that its usage is the last word."""
    return isinstance(result, Answered) or (
        isinstance(result, Failed) and result.failure.kind in ("invalid_output", "content_filter")
    )


def _was_refused(result: Result) -> bool:
    return isinstance(result, Failed) and result.failure.status is not None


def _prompt(request: ChatRequest) -> str:
    """All text of the request, each message under its role."""
    return "\n\n".join(f"{message.role}: {''.join(_texts(message.parts))}" for message in request.messages)


def _texts(parts: object) -> list[str]:
    found: list[str] = []
    for part in parts if isinstance(parts, tuple) else ():
        if isinstance(part, Text):
            found.append(part.text)
        elif isinstance(part, ToolResult):
            found += _texts(part.parts)
    return found
