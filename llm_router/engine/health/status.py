"""How all deployments of a router do at one moment: a value, with its text for people and its JSON for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from typing_extensions import override

from llm_router.engine.asking import asked
from llm_router.engine.effects import Now, StoreEffect, WallTime
from llm_router.engine.health.sharing import hear
from llm_router.engine.storing import Look
from llm_router.engine.wiring import Wiring
from llm_router.errors import StoreDown
from llm_router.messages import Json
from llm_router.policy.charges import Account, own_accounts
from llm_router.policy.program import Health, Program
from llm_router.policy.snapshot import Standing
from llm_router.state.frames import frame
from llm_router.state.health import HealthBook, Record
from llm_router.units import format_wait


@dataclass(frozen=True, slots=True)
class LimitLeft:
    """What a limit leaves at the moment: `left` of `amount`, in requests, tokens or concurrent requests."""

    name: str
    unit: str
    left: int
    amount: int


@dataclass(frozen=True, slots=True)
class DeploymentStatus:
    """One deployment. `record` counts since the router was made; `unbound` is why it has no key or address."""

    deployment: str
    provider: str
    model: str
    record: Record
    unbound: str | None = None
    limits: tuple[LimitLeft, ...] = ()

    @property
    def state(self) -> str:
        """In a word: `ok`, `degraded`, `cooling`, `limited` or `unbound`."""
        if self.unbound is not None:
            return "unbound"
        limited = self.record.limited_s is not None and self.record.condition != "cooling"
        return "limited" if limited else self.record.condition

    @property
    def why(self) -> str:
        """What stands behind a state that isn't `ok`, in words."""
        return self.unbound or "; ".join(_reasons(self.record))

    def json(self) -> Mapping[str, Json]:
        """The deployment as one JSON object: durations in seconds."""
        record = self.record
        return {
            "deployment": self.deployment,
            "provider": self.provider,
            "model": self.model,
            "state": self.state,
            "why": self.why,
            "cooling_s": record.cooling_s,
            "limited_s": record.limited_s,
            "last_failure": record.failure,
            "attempts": record.attempts,
            "answered": record.answered,
            "failed": dict(record.failed.items()),
            "in_flight": record.in_flight,
            "first_token_median_s": record.first_token_median_s,
            "first_token_p95_s": record.first_token_p95_s,
            "tokens_per_second_median": record.tokens_per_second_median,
            "limits": [
                {"name": each.name, "unit": each.unit, "left": each.left, "amount": each.amount} for each in self.limits
            ],
        }


@dataclass(frozen=True, slots=True)
class Status:
    """All deployments of the program, in its order, at `now` (seconds since the epoch)."""

    now: float
    program_hash: str
    deployments: tuple[DeploymentStatus, ...]

    def text(self, *, counts: bool = True) -> str:
        """A table as people read it; the reasons stand below it. `counts`: with what this process counted."""
        shown = len(_HEADS) if counts else _UNCOUNTED
        rows = [row[:shown] for row in (_HEADS, *map(_row, self.deployments))]
        widths = [max(len(row[column]) for row in rows) for column in range(shown)]
        table = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        notes = [f"{each.deployment}: {each.why}" for each in self.deployments if each.why]
        notes += [f"{each.deployment}: {note}" for each in self.deployments for note in map(_limit_note, each.limits)]
        return "\n".join([*table, *(["", *notes] if notes else [])]) + "\n"

    def json(self) -> Mapping[str, Json]:
        """The status as one JSON object."""
        deployments: list[Json] = [each.json() for each in self.deployments]
        return {"now": self.now, "program_hash": self.program_hash, "deployments": deployments}


@dataclass(frozen=True, slots=True)
class Records(StoreEffect[Mapping[str, Record]]):
    """What is known of these deployments, by identity."""

    identities: tuple[str, ...]
    now: float
    health: Health

    @override
    def act(self, book: HealthBook) -> Mapping[str, Record]:
        return {identity: book.record(identity, self.now, self.health) for identity in self.identities}


async def look(program: Program, wiring: Wiring) -> Status:
    """How the program's deployments do."""
    await hear(wiring.accounts)
    now, wall = await Now(), await WallTime()
    deployments = program.deployments.values()
    records = await Records(tuple({each.identity for each in deployments}), now, program.health)
    left = await _limits_left(program, wiring, wall)
    return Status(
        wall,
        program.program_hash,
        tuple(
            DeploymentStatus(
                each.name,
                each.provider.name,
                each.model,
                records[each.identity],
                wiring.unbound.get(each.name),
                left[each.name],
            )
            for each in deployments
        ),
    )


async def _limits_left(program: Program, wiring: Wiring, wall: float) -> Mapping[str, tuple[LimitLeft, ...]]:
    """What the limits of providers and deployments leave, by deployment; nothing while the store can't be reached."""
    accounts = {name: own_accounts(program, each) for name, each in program.deployments.items()}
    frames = {each.key: frame(each.window, program.timezone, wall) for own in accounts.values() for each in own}
    try:
        standings = await asked(Look(wiring.accounts, frames, wall)) if frames else {}
    except StoreDown:
        standings = {}
    return {name: tuple(_left_of(own, standings)) for name, own in accounts.items()}


def _left_of(accounts: Iterable[Account], standings: Mapping[str, Standing]) -> Iterator[LimitLeft]:
    for each in accounts:
        if (standing := standings.get(each.key)) is not None:
            left = max(0, each.source.amount - standing.settled - standing.open)
            yield LimitLeft(each.name, each.kind, left, each.source.amount)


_HEADS = (
    "deployment", "state", "asked", "answered", "failed", "in flight", "first token", "p95", "tokens/s"
)  # fmt: skip


_UNCOUNTED = 2
"""How many of the columns say what needn't be counted."""


def _row(status: DeploymentStatus) -> tuple[str, ...]:
    record = status.record
    return (
        status.deployment,
        status.state,
        str(record.attempts),
        str(record.answered),
        str(sum(record.failed.values())),
        str(record.in_flight),
        _seconds(record.first_token_median_s),
        _seconds(record.first_token_p95_s),
        "-" if record.tokens_per_second_median is None else f"{record.tokens_per_second_median:.0f}",
    )


def _reasons(record: Record) -> Iterator[str]:
    after = f" after `{record.cooled_by}`" if record.cooled_by else ""
    if record.cooling_s:
        yield f"cools for another {_left(record.cooling_s)}{after}"
    elif record.cooling_s is not None:
        yield f"may be tried again{after}"
    if record.limited_s is not None:
        yield f"its provider asks to wait for another {_left(record.limited_s)}"
    if record.failed:
        yield "failed: " + ", ".join(f"{kind} {count}" for kind, count in sorted(record.failed.items()))


def _limit_note(limit: LimitLeft) -> str:
    return f"{limit.left} of {limit.amount} {limit.unit} left of the limit `{limit.name}`"


def _seconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.2f}s"


def _left(seconds: float) -> str:
    return format_wait(seconds)
