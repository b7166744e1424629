"""Performs the several exchanges of one answer within one attempt, so that they read like the body of one reply.

What an attempt opens is the first exchange; where the codec has a course, the bytes that are read from it are those
that the course gives. A course that is left before its end ends what the provider still does, within a second.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from llm_router.engine.effects import Close, Expired, Lost, Now, Open, Read, Reply, Sleep
from llm_router.wire.codec import HttpRequest
from llm_router.wire.course import Ask, Course, Coursed, Give, Play, Rest, Step, Told

if TYPE_CHECKING:
    from llm_router.engine.serving.attempt import Trial

LEAVING_S = 1.0
"""How long the request may take by which a course is left."""
LONGEST_TOLD = 32 * 1024 * 1024
"""Bytes of an exchange's body that are told."""


async def begin(trial: Trial) -> Reply:
    """The head of the reply, once the first exchange was taken. Raises what its effects raise, and WireError."""
    reply = await Open(trial.http, trial.connect_until(), trial.head_until())
    if not isinstance(trial.codec, Coursed) or reply.status >= 300:
        return reply
    try:
        told = Told(reply.status, reply.headers, await _rest_of(reply, trial.head_until()))
    except BaseException as error:
        if not isinstance(error, GeneratorExit):
            await Close(reply)
        raise
    await Close(reply, whole=True)
    course = trial.codec.course(trial.http, told, stream=trial.mode != "whole")
    return Reply(reply.status, reply.headers, _Playing(course, course.steps(), trial.timeouts.connect_s))


async def read_on(reply: Reply, until: float | None) -> bytes:
    """The next bytes of the answer, `b""` at its end. Raises Lost, Expired, and WireError for a course's failure."""
    if isinstance(reply.body, _Playing):
        return await reply.body.read(until)
    return await Read(reply, until)


async def finish(reply: Reply, *, whole: bool) -> None:
    """Nothing, once connections are free and, where a course is left, the provider was told. Never raises."""
    if isinstance(reply.body, _Playing):
        await reply.body.close()
    else:
        await Close(reply, whole=whole)


@dataclass(slots=True)
class _Playing:
    """A course under way. `over` belongs to the exchange that is passed on, `due` is what the next step is sent."""

    course: Course
    steps: Generator[Step, Told | None, None]
    connect_s: float | None
    open: Reply | None = None
    over: Callable[[bytes], bool] | None = None
    due: Told | None = None
    ended: bool = field(default=False)

    async def read(self, until: float | None) -> bytes:
        while not self.ended:
            if self.over is not None and (chunk := await self._play_on(until)):
                return chunk
            try:
                step = self.steps.send(self.due)
            except StopIteration:
                self.ended = True
                break
            self.due = None
            if isinstance(step, Give) and step.body:
                return step.body
            await self._perform(step, until)
        return b""

    async def close(self) -> None:
        await self._shut(whole=False)
        self.steps.close()
        request = self.course.leave
        if request is not None:
            await _tell(request)

    async def _perform(self, step: Step, until: float | None) -> None:
        match step:
            case Ask(request):
                await self._begin(request, until)
                await self._tell_all(until)
            case Play(request, over):
                reply = await self._begin(request, until)
                if reply.status >= 300:
                    await self._tell_all(until)
                else:
                    self.over = over
            case Rest(seconds):
                await _pause(seconds, until)
            case Give():
                pass

    async def _begin(self, request: HttpRequest, until: float | None) -> Reply:
        connect_until = until if self.connect_s is None else await Now() + self.connect_s
        self.open = await Open(request, connect_until, until)
        return self.open

    async def _tell_all(self, until: float | None) -> None:
        """Read the open exchange to its end: that is what the course is told."""
        reply = self.open
        assert reply is not None
        self.due = Told(reply.status, reply.headers, await _rest_of(reply, until))
        await self._shut(whole=True)

    async def _play_on(self, until: float | None) -> bytes:
        """The next piece of the exchange that is passed on; it ends with the last."""
        reply = self.open
        assert reply is not None
        assert self.over is not None
        chunk = await Read(reply, until)
        if not chunk or self.over(chunk):
            self.over, self.due = None, Told(reply.status, reply.headers)
            await self._shut(whole=not chunk)
        return chunk

    async def _shut(self, *, whole: bool) -> None:
        if self.open is not None:
            reply, self.open = self.open, None
            await Close(reply, whole=whole)


async def _rest_of(reply: Reply, until: float | None) -> bytes:
    body = bytearray()
    while len(body) < LONGEST_TOLD and (chunk := await Read(reply, until)):
        body += chunk
    return bytes(body)


async def _pause(seconds: float, until: float | None) -> None:
    """Let time pass. Raises Expired at `until`."""
    now = await Now()
    if until is not None and now + seconds >= until:
        await Sleep(until)
        raise Expired
    await Sleep(now + seconds)


async def _tell(request: HttpRequest) -> None:
    """Send a request whose answer nobody needs; that it fails is no harm."""
    until = await Now() + LEAVING_S
    try:
        reply = await Open(request, until, until)
    except (Lost, Expired):
        return
    await Close(reply)
