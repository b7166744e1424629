"""Answers that take several exchanges: a small door beside `Codec`, for dialects that need it.

A codec with a `course` is asked, once its first request was taken, how it goes on: it gives the exchanges one by one,
as values, and is told what came of each. It does no I/O; whoever performs it keeps deadlines, pauses and cancellation.
All of them are one attempt, and the bytes that they give are read by the codec's decoder as one answer.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias, runtime_checkable

from llm_router.wire.codec import HttpRequest


@dataclass(frozen=True, slots=True)
class Told:
    """What came of an exchange. Header names are lower case; the body of one that was passed on is empty."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Ask:
    """Make this exchange, and say what came of it."""

    request: HttpRequest


@dataclass(frozen=True, slots=True)
class Rest:
    """Let so many seconds pass."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Play:
    """Make this exchange, and pass its body on as it comes; a status of 300 and above is told with its body instead.

    `over` is given each piece and tells whether nothing more need be read.
    """

    request: HttpRequest
    over: Callable[[bytes], bool]


@dataclass(frozen=True, slots=True)
class Give:
    """These bytes are the next ones of the answer."""

    body: bytes = field(repr=False)


Step: TypeAlias = Ask | Rest | Play | Give


class Course(Protocol):
    """What follows the first exchange of one answer."""

    def steps(self) -> Generator[Step, Told | None, None]:
        """The steps in order: `Ask` and `Play` are sent what came of them. Raises WireError for a failure."""

    @property
    def leave(self) -> HttpRequest | None:
        """The request that ends what the provider still does, if anything: sent where an attempt is left early."""


@runtime_checkable
class Coursed(Protocol):
    """A codec whose answers take several exchanges."""

    def course(self, asked: HttpRequest, told: Told, *, stream: bool) -> Course:
        """The course that follows the first request, taken with a status below 300. Raises WireError."""
