"""What a script may ask for: effects, values that say what is to be done and are awaited for the result.

A script is an `async def` that awaits nothing but effects. It is ordinary code, typed and with ordinary `try`; yet it
does nothing itself: a driver steps it, performs each effect, and sends the result in (or throws what went wrong). So
the order of a request is written once for threads and for asyncio, and is tested with a clock of the test's own.

All instants are seconds on the performer's monotonic clock.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Coroutine, Generator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeAlias, TypeVar

from typing_extensions import override

if TYPE_CHECKING:
    from fractions import Fraction

    from llm_router.engine.events import Event
    from llm_router.messages import StreamEvent
    from llm_router.policy.decision import Decision
    from llm_router.policy.program import Health
    from llm_router.policy.snapshot import Snapshot
    from llm_router.state.health import Admission, HealthBook, Outcome, StateChange
    from llm_router.state.sessions import SessionKey
    from llm_router.wire.codec import HttpRequest

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Effect(Generic[T_co]):
    """A value asking for an act whose result is a `T_co`: `now = await Now()`.

    One that `concludes` takes note of what is over, and begins nothing.
    """

    concludes: ClassVar[bool] = False

    def __await__(self) -> Generator[Effect[Any], Any, T_co]:
        result: T_co = yield self  # INVARIANT: performers send what the effect's type promises
        return result

    def drop(self) -> None:
        """Let go of what it holds: nobody performs it."""
        return


Script: TypeAlias = Coroutine[Effect[Any], Any, T]
"""A script that returns a `T`."""


class Cancelled(BaseException):
    """Thrown into a script whose consumer is gone; what it still awaits is its own cleaning up."""


class Expired(Exception):
    """The instant by which an exchange was to go on has passed."""


class Lost(Exception):
    """No connection could be made, or it broke; the message says how. `unsent` ones surely reached nobody."""

    def __init__(self, message: str, *, unsent: bool = False) -> None:
        super().__init__(message)
        self.unsent = unsent


@dataclass(frozen=True, slots=True)
class Now(Effect[float]):
    """The instant it is."""

    concludes = True


@dataclass(frozen=True, slots=True)
class WallTime(Effect[float]):
    """Seconds since the epoch, for what people call the time."""

    concludes = True


@dataclass(frozen=True, slots=True)
class Sleep(Effect[None]):
    """Nothing, once the instant `until` has come."""

    until: float


@dataclass(frozen=True, slots=True)
class Reply:
    """The head of an HTTP response. Header names are lower case; `body` is the performer's own handle.

    `home` says that it is read on the router's own event loop.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: Any = field(repr=False)
    home: bool = False


@dataclass(frozen=True, slots=True)
class Open(Effect[Reply]):
    """The head of the response to `request`. Raises Lost, also when not connected by `connect_until`; Expired."""

    request: HttpRequest
    connect_until: float | None = None
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Read(Effect[bytes]):
    """The next bytes of the body, decompressed; `b""` at its end. Raises Lost, and Expired at `until`."""

    reply: Reply
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Close(Effect[None]):
    """Nothing, once the connection is free for others or closed. Never raises.

    `whole` says that the answer was read to its end, so that the end of the body can't be far.
    """

    concludes = True

    reply: Reply
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Decided(Effect[None]):
    """Nothing, once the consumer knows who is to be asked. A stream that was only just made stops here."""

    decision: Decision


@dataclass(frozen=True, slots=True)
class Emit(Effect[None]):
    """Nothing, once the consumer of the stream has taken the event and wants the next."""

    event: StreamEvent


@dataclass(frozen=True, slots=True)
class Tell(Effect[None]):
    """Nothing, once the observers have heard of the event."""

    concludes = True

    event: Event


@dataclass(frozen=True, slots=True)
class StoreEffect(Effect[T_co]):
    """An effect on what is known of deployments beyond this request.

    Atomic: a driver that is cancelled meanwhile finishes it and sends its result in.
    """

    @abstractmethod
    def act(self, book: HealthBook) -> T_co:
        """Perform it on what is kept in memory."""


@dataclass(frozen=True, slots=True)
class Observe(StoreEffect["Snapshot"]):
    """What is known of all deployments at `now`; the snapshot's own instants are on the clock of `wall`.

    It also tells who answered last in `session`.
    """

    now: float
    wall: float
    session: SessionKey | None = None

    @override
    def act(self, book: HealthBook) -> Snapshot:
        return book.observe(self.now, self.wall, self.session)


@dataclass(frozen=True, slots=True)
class Remember(StoreEffect[None]):
    """Nothing, once it is remembered that the deployment of this name answered in the session."""

    session: SessionKey
    deployment: str

    @override
    def act(self, book: HealthBook) -> None:
        book.answered(self.session, self.deployment)


@dataclass(frozen=True, slots=True)
class TakeTurns(StoreEffect[bool]):
    """Whether the turns that a decision uses up could be taken: not if one was taken since `seen` was observed."""

    names: tuple[str, ...]
    seen: Mapping[str, int]

    @override
    def act(self, book: HealthBook) -> bool:
        return book.take_turns(self.names, self.seen)


@dataclass(frozen=True, slots=True)
class ReturnTurns(StoreEffect[None]):
    """Nothing, once the turns are given back that a decision took when they were as `seen`, unless more were taken."""

    names: tuple[str, ...]
    seen: Mapping[str, int]

    @override
    def act(self, book: HealthBook) -> None:
        book.return_turns(self.names, self.seen)


@dataclass(frozen=True, slots=True)
class Admit(StoreEffect["Admission"]):
    """Whether the deployment may be asked now. `force` asks it although it cools, but never before its time."""

    identity: str
    now: float
    health: Health
    force: bool = False

    @override
    def act(self, book: HealthBook) -> Admission:
        return book.admit(self.identity, self.now, self.health, force=self.force)


@dataclass(frozen=True, slots=True)
class CountAttempt(StoreEffect[bool]):
    """Whether an attempt that costs so much (picodollars, `None`: unknown) may begin, by what hedges may amount to.

    `share` is that of the hedge to begin; without it, it is none, and may.
    """

    cost: int | None
    share: Fraction | None = None

    @override
    def act(self, book: HealthBook) -> bool:
        return book.hedges.count(self.cost, self.share)


@dataclass(frozen=True, slots=True)
class FirstToken(StoreEffect["float | None"]):
    """Seconds to the first token that so many percent of a deployment's streams didn't exceed; `None`: unknown.

    `whole`: to the end of answers that weren't streamed, which show nothing before.
    """

    identity: str
    percent: int
    whole: bool = False

    @override
    def act(self, book: HealthBook) -> float | None:
        return book.first_token_s(self.identity, self.percent, whole=self.whole)


@dataclass(frozen=True, slots=True)
class Report(StoreEffect["StateChange | None"]):
    """The change of state that the end of an admitted attempt brings, if any."""

    concludes = True

    identity: str
    now: float
    health: Health
    outcome: Outcome

    @override
    def act(self, book: HealthBook) -> StateChange | None:
        return book.report(self.identity, self.now, self.health, self.outcome)
