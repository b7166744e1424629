"""One try at one deployment: send, read, decode, and say what came of it.

A whole answer is bounded by `total`. A streamed one is bounded by `first_token` until its first content and by `stall`
between two pieces of content; after a piece of reasoning or of a call, by the longer of the two: who may think for so
long before the first word may do so between two, and some providers give each argument of a call as one piece
(anthropic: only pings come meanwhile; docs/fine-grained tool streaming, 2025; openai's responses give a summary of
reasoning once it is done). What a consumer does with an event takes nobody's time but its own. In every mode the
request's deadline bounds the time until the answer is committed: its first content where events are passed on at once,
its end where they are held back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from types import TracebackType
from typing import Literal

from typing_extensions import override

from llm_router.engine.effects import Emit, Expired, Lost, Now, Reply, WallTime
from llm_router.engine.results import Answered, Failed
from llm_router.engine.serving.continuing import Joint
from llm_router.engine.serving.course import begin, finish, read_on
from llm_router.errors import FailureClass
from llm_router.messages import (
    CONTENT,
    Assembly,
    ChatResponse,
    Finished,
    ReasoningDelta,
    StreamEvent,
    ToolCallDelta,
)
from llm_router.policy.program import Timeouts
from llm_router.wire.codec import Codec, Decoder, Failure, HttpRequest, WireError
from llm_router.wire.retry_after import quota

Mode = Literal["whole", "held", "passed"]
"""Not streamed; streamed, but passed on only when whole; streamed and passed on as it comes."""

FINISH_GRACE_S = 1.0
"""How long usage may come after the finish reason: an answer that has ended isn't waited for."""

REFUSALS: frozenset[FailureClass] = frozenset(
    {
        "rate_limit",
        "quota_exhausted",
        "authentication",
        "permission",
        "not_found",
        "context_length",
        "bad_request",
    }
)
"""What a provider says that does nothing for the request, even with a status of 200."""

LONGEST_ERROR = 1_000_000
"""Bytes of an error's body that are read."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What one attempt is to do. `timeouts` are complete; `deadline` is an instant.

    `joint` joins its events to what was passed on before by an attempt that broke off.
    """

    http: HttpRequest
    codec: Codec
    mode: Mode
    timeouts: Timeouts
    started: float
    deadline: float
    joint: Joint | None = None

    def connect_until(self) -> float:
        return self._bounded(self.started, self.timeouts.connect_s)

    def head_until(self) -> float:
        limit = self.timeouts.total_s if self.mode == "whole" else self.timeouts.first_token_s
        return self._bounded(self.started, limit)

    def stall_s(self, last: StreamEvent | None) -> float:
        """How long the next content may take after `last`."""
        stall_s = self.timeouts.stall_s or 0.0
        patient = isinstance(last, (ReasoningDelta, ToolCallDelta))
        return max(stall_s, self.timeouts.first_token_s or 0.0) if patient else stall_s

    def stall_until(self, since: float, last: StreamEvent | None) -> float:
        stall_s = self.stall_s(last)
        return since + stall_s if self.mode == "passed" else self._bounded(since, stall_s)

    def _bounded(self, since: float, limit: float | None) -> float:
        return min(since + (limit or 0.0), self.deadline)


async def attempt(trial: Trial) -> Answered | Failed:
    """Make the attempt."""
    progress = _Progress()
    result = await _made(trial, progress)
    return result if progress.limited_until is None else replace(result, limited_until=progress.limited_until)


async def _made(trial: Trial, progress: _Progress) -> Answered | Failed:
    try:
        async with _Exchange(trial) as reply:
            progress.headers = await _dated(reply)
            limited_s = quota(progress.headers).limited_s
            progress.limited_until = None if limited_s is None else await Now() + limited_s
            if reply.status >= 400:
                return await _refused(trial, reply, progress)
            if reply.status >= 300:
                return Failed(_redirected(reply), await Now())
            if trial.mode == "whole":
                return await _read_whole(trial, reply, progress)
            return await _read_stream(trial, reply, progress)
    except WireError as error:
        return progress.failed(error.failure, await Now())
    except Lost as error:
        now, progress.billed = await Now(), not error.unsent
        if error.unsent and now >= trial.deadline:  # the time to connect in was what the deadline left
            return progress.failed(Failure("timeout", _lateness(trial, now, progress)), now)
        kind: FailureClass = "truncated" if progress.begun else "connection_lost"
        return progress.failed(Failure(kind, str(error)), now)
    except Expired:
        now = await Now()
        return progress.failed(Failure("timeout", _lateness(trial, now, progress)), now)


class _Exchange(AbstractAsyncContextManager[Reply]):
    """An open exchange; leaving it frees the connection."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        self._reply: Reply | None = None

    @override
    async def __aenter__(self) -> Reply:
        self._reply = await begin(self._trial)
        return self._reply

    @override
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._reply is not None and kind is not GeneratorExit:  # a script that is thrown away can't await
            await finish(self._reply, whole=kind is None)


@dataclass(slots=True)
class _Progress:
    """How far an attempt has come; `last` is the last content, `raw` what was read of an answer that isn't streamed,
    `headers` those of the reply, with a date."""

    assembly: Assembly = field(default_factory=Assembly)
    waiting: list[StreamEvent] = field(default_factory=list)
    first_content: float | None = None
    last: StreamEvent | None = None
    passed_on: bool = False
    begun: bool = False
    billed: bool = True
    consumed_s: float = 0.0
    limited_until: float | None = None
    raw: bytearray = field(default_factory=bytearray)
    headers: Mapping[str, str] = field(default_factory=dict)

    def failed(self, failure: Failure, now: float) -> Failed:
        partial = self.assembly.response() if self.first_content is not None else None
        first = self.first_content
        billed = self.billed and (first is not None or failure.kind not in REFUSALS)
        return Failed(
            failure,
            now,
            partial,
            committed=self.passed_on,
            billed=billed,
            first_content=first,
            body=_text(self.raw),
        )

    def answered(self, now: float) -> Answered:
        first = self.first_content
        writing = None if first is None else now - first - self.consumed_s
        return Answered(self.assembly.response(), now, first, writing, tuple(self.waiting))


async def _dated(reply: Reply) -> Mapping[str, str]:
    """The headers: what they say of other instants counts from their own date, or else from when they came."""
    if "date" in reply.headers:
        return reply.headers
    return {**reply.headers, "date": formatdate(await WallTime(), usegmt=True)}


async def _refused(trial: Trial, reply: Reply, progress: _Progress) -> Failed:
    """What an error status says; a body that breaks off still has a status."""
    body = bytearray()
    try:
        while len(body) < LONGEST_ERROR and (chunk := await read_on(reply, trial.head_until())):
            body += chunk
    except (Lost, Expired):
        pass
    failure = trial.codec.decode_error(reply.status, progress.headers, bytes(body))
    return Failed(failure, await Now(), body=_text(body))


def _text(body: bytearray) -> str:
    return body[:LONGEST_ERROR].decode("utf-8", "replace")


def _redirected(reply: Reply) -> Failure:
    place = reply.headers.get("location", "elsewhere")
    return Failure("not_found", f"the provider redirects to `{place}`: set `base_url` to where it is", reply.status)


async def _read_whole(trial: Trial, reply: Reply, progress: _Progress) -> Answered | Failed:
    while chunk := await read_on(reply, trial.head_until()):
        progress.begun = True
        progress.raw += chunk
    response = trial.codec.decode(progress.headers, bytes(progress.raw))
    filtered, now = _filtered(response), await Now()
    return Answered(response, now) if filtered is None else Failed(filtered, now, response, billed=True)


async def _read_stream(trial: Trial, reply: Reply, progress: _Progress) -> Answered | Failed:
    """The answer, once it is whole. What breaks after the finish reason breaks nothing."""
    decoder = trial.codec.decoder(progress.headers)
    until = trial.head_until()
    try:
        while not decoder.done:
            chunk = await read_on(reply, until)
            until = await _read_on(trial, decoder, chunk, progress, until)
            if not chunk:
                break
    except (Lost, Expired, WireError):
        if progress.assembly.finish_reason is None:
            raise
    filtered, now = _filtered(progress.assembly.response()), await Now()
    return progress.answered(now) if filtered is None else progress.failed(filtered, now)


async def _read_on(trial: Trial, decoder: Decoder, chunk: bytes, progress: _Progress, until: float) -> float:
    """Take the events of these bytes, or of their end; a failure among them comes after those before it."""
    progress.begun = progress.begun or bool(chunk)
    try:
        events = decoder.feed(chunk) if chunk else decoder.close()
    except WireError as error:
        await _take(trial, error.events, progress, until)
        raise
    return await _take(trial, events, progress, until)


async def _take(trial: Trial, events: Sequence[StreamEvent], progress: _Progress, until: float) -> float:
    """Add and pass on the events; the instant until which the next content may take."""
    content = next((event for event in reversed(events) if isinstance(event, CONTENT)), None)
    for event in events:
        progress.assembly.add(event)
        progress.waiting += [event] if trial.joint is None else trial.joint.fit(event)
    if content and progress.first_content is None:
        progress.first_content = await Now()
    if trial.mode == "passed" and progress.first_content is not None:
        await _pass_on(progress)
    if content:
        progress.last = content
        until = trial.stall_until(await Now(), content)
    if any(isinstance(event, Finished) for event in events):
        until = min(until, await Now() + FINISH_GRACE_S)
    return until


async def _pass_on(progress: _Progress) -> None:
    """Give what waits to the consumer. The end is kept back until it is known to be one."""
    events = [event for event in progress.waiting if not isinstance(event, Finished)]
    progress.waiting = [event for event in progress.waiting if isinstance(event, Finished)]
    progress.passed_on = True
    before = await Now()
    for event in events:
        await Emit(event)
    progress.consumed_s += await Now() - before


def _filtered(response: ChatResponse) -> Failure | None:
    """The failure of an answer that the provider's filter cut: that is no whole answer."""
    if response.finish_reason != "content_filter":
        return None
    message = "the provider's content filter stopped the answer"
    return Failure("content_filter", message, provider_request_id=response.provider_request_id)


def _lateness(trial: Trial, now: float, progress: _Progress) -> str:
    if now >= trial.deadline and not progress.passed_on:
        return "the request's deadline passed"
    if trial.mode == "whole":
        return f"no whole answer within {trial.timeouts.total_s:g}s"
    if progress.first_content is None:
        return f"no first token within {trial.timeouts.first_token_s:g}s"
    return f"the stream stalled for {trial.stall_s(progress.last):g}s"
