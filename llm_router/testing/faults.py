"""The faults that can be injected: the failure classes by name, and finer ones.

A fault acts in one of three places: on what is answered (`invalid_output`), instead of the answer (an error in the
dialect's own shape), or on how the reply goes over the wire (cut, stalled, reset, garbled).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Protocol

from llm_router.diagnostics import closest
from llm_router.errors import FailureClass
from llm_router.messages import Json
from llm_router.testing.question import Problem, Question
from llm_router.testing.reply import Pause, Reply, Step


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `after` counts the pieces of the answer that come through before a stream breaks.

    `pause_s` is how long `slow_first_token` waits; `retry_after_s` is what `rate_limit` asks for; `status` and
    `message` replace the error's own. Raises ValueError, with the nearest name, for an unknown one.
    """

    name: str
    after: int = 2
    pause_s: float = 20.0
    retry_after_s: float = 1.0
    status: int | None = None
    message: str | None = None

    def __post_init__(self) -> None:
        """Hold the name to what is known."""
        if self.name not in FAULTS and not _is_status(self.name):
            near = closest(self.name, (*FAULTS, "ok"))
            raise ValueError(f"there is no fault `{self.name}`" + (f"; did you mean `{near}`?" if near else ""))


class Voice(Protocol):
    """How a dialect tells failures: what faults need of it."""

    def problem(self, problem: Problem) -> Reply:
        """The error as a whole reply."""

    def frame(self, problem: Problem) -> bytes:
        """The error as an event of a stream."""

    def failure(self, kind: FailureClass, question: Question, fault: Fault) -> Problem:
        """How this provider says a failure class."""

    def status_problem(self, status: int, message: str) -> Problem:
        """An error of this status, without more to it."""


SAID: Mapping[str, tuple[FailureClass, str]] = {
    "rate_limit": ("rate_limit", "429, with Retry-After: `retry_after_s`, 1 second unless said otherwise."),
    "rate_limit_without_retry_after": ("rate_limit", "429 that doesn't say when to come back."),
    "quota_exhausted": ("quota_exhausted", "The account is empty: no waiting cures it."),
    "unavailable": ("unavailable", "500: the provider failed on its side."),
    "overloaded": ("overloaded", "503: the provider has too much to do."),
    "authentication": ("authentication", "401: the key is not accepted."),
    "permission": ("permission", "403: the key may not do this."),
    "not_found": ("not_found", "404: there is no such model."),
    "context_length": ("context_length", "400: the request doesn't fit into the context window."),
    "content_filter": ("content_filter", "400: the provider's filter stops the request."),
    "bad_request": ("bad_request", "400: the request is wrong."),
}
"""Faults that are told as an error in the dialect's own shape: the class that each stands for, and what it is."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A good reply, about to be spoilt."""

    reply: Reply
    fault: Fault
    voice: Voice
    question: Question

    @property
    def begun(self) -> tuple[Step, ...]:
        """What comes through before a break: `after` pieces, never the end; of a whole body its first half."""
        reply = self.reply
        if not reply.streamed:
            return (reply.body[: len(reply.body) // 2],)
        return reply.steps[: min(reply.lead + self.fault.after, len(reply.steps) - reply.tail)]

    @property
    def error(self) -> Problem:
        """An outage in the dialect's words."""
        return self.voice.failure("unavailable", self.question, self.fault)


def _reset_after_headers(scene: Scene) -> Reply:
    """The connection is reset after the status line and the headers."""
    return replace(scene.reply, steps=(), ending="reset")


def _slow_first_token(scene: Scene) -> Reply:
    """The answer comes whole, but its first token only after `pause_s`; a stream shows its headers at once."""
    reply, pause_s = scene.reply, scene.fault.pause_s
    if not reply.streamed:
        return replace(reply, head_after_s=reply.head_after_s + pause_s)
    return replace(reply, steps=(*reply.steps[: reply.lead], Pause(pause_s), *reply.steps[reply.lead :]))


def _cut(scene: Scene) -> Reply:
    """The connection is closed in the middle of the body."""
    return replace(scene.reply, steps=scene.begun, ending="cut")


def _ends_early(scene: Scene) -> Reply:
    """HTTP ends as it should, but the answer has no end: no finish reason, no end marker."""
    shortened = replace(scene.reply, steps=scene.begun)
    return shortened if shortened.streamed else sized(shortened)


def _stall(scene: Scene) -> Reply:
    """The answer begins, then nothing more ever comes."""
    return replace(scene.reply, steps=scene.begun, ending="silence")


def _malformed(scene: Scene) -> Reply:
    """One event of the stream, or the whole body, can't be read."""
    reply = scene.reply
    if not reply.streamed:
        return sized(replace(reply, steps=scene.begun))
    place = min(reply.lead + scene.fault.after, max(reply.lead, len(reply.steps) - reply.tail - 1))
    event = reply.steps[place]
    assert isinstance(event, bytes)
    line, end = event.rstrip(), event[len(event.rstrip()) :]
    return replace(reply, steps=(*reply.steps[:place], line[: len(line) // 2] + end, *reply.steps[place + 1 :]))


def _error_body(scene: Scene) -> Reply:
    """Status 200, but an error where the answer should be."""
    if scene.reply.streamed:
        return replace(scene.reply, steps=(scene.voice.frame(scene.error),))
    return replace(scene.voice.problem(scene.error), status=200)


def _error_in_stream(scene: Scene) -> Reply:
    """The stream begins well and then carries an error; an answer that isn't streamed is all error."""
    if not scene.reply.streamed:
        return _error_body(scene)
    return replace(scene.reply, steps=(*scene.begun, scene.voice.frame(scene.error)))


def _no_end_marker(scene: Scene) -> Reply:
    """The answer is whole, but its end marker never comes and the connection stays open."""
    reply = scene.reply
    return replace(reply, steps=reply.steps[:-1], ending="silence") if reply.streamed else reply


TWISTS: Mapping[str, Callable[[Scene], Reply]] = {
    "reset_after_headers": _reset_after_headers,
    "slow_first_token": _slow_first_token,
    "truncated": _cut,
    "cut": _cut,
    "ends_early": _ends_early,
    "stall": _stall,
    "malformed": _malformed,
    "error_body": _error_body,
    "error_in_stream": _error_in_stream,
    "no_end_marker": _no_end_marker,
}
"""Faults of the wire, by name."""

_RESET = (Reply(None, ending="reset"), "The connection is reset before a byte is sent.")
_SILENCE = (Reply(None, ending="silence"), "The connection is taken and nothing ever comes.")
_PAGE = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\r\n"

INSTEAD: Mapping[str, tuple[Reply, str]] = {
    "connection_lost": _RESET,
    "reset": _RESET,
    "timeout": _SILENCE,
    "silence": _SILENCE,
    "html_error": (
        Reply(502, {"content-type": "text/html", "content-length": str(len(_PAGE))}, (_PAGE,)),
        "A proxy's page instead of the provider's error.",
    ),
}
"""Faults that leave nothing of the answer, by name."""

MISSAID: Mapping[str, str] = {
    "invalid_output": "The answer is whole, but doesn't fit the schema, or is no JSON.",
    "filtered_answer": "The answer begins, then ends with the finish reason content_filter.",
}
"""Faults of the answer itself, by name, with what they do."""

FAULTS: Mapping[str, str] = {
    **{name: told for name, (_, told) in SAID.items()},
    **{name: told for name, (_, told) in INSTEAD.items()},
    **{name: twist.__doc__ or "" for name, twist in TWISTS.items()},
    **MISSAID,
}
"""Every fault by name, with what it does. A status such as `503` is a fault as well."""


def read_fault(name: str, options: Mapping[str, Json] | None = None) -> Fault:
    """The fault of this name with these options. Raises ValueError for a name or an option that can't be read."""
    known = {field.name: field for field in fields(Fault) if field.name != "name"}
    for option, value in (options or {}).items():
        if option not in known:
            near = closest(option, tuple(known))
            raise ValueError(f"`{option}` is no option of a fault" + (f"; did you mean `{near}`?" if near else ""))
        if isinstance(value, str) != (option == "message") or isinstance(value, bool):
            raise ValueError(f"`{option}: {value}` is of the wrong type")
    return Fault(name, **(options or {}))  # type: ignore[arg-type]  # checked just above


def inflict(fault: Fault, reply: Reply, voice: Voice, question: Question) -> Reply:
    """The reply with the fault in it."""
    if fault.name in INSTEAD:
        return INSTEAD[fault.name][0]
    if fault.name in TWISTS:
        return TWISTS[fault.name](Scene(reply, fault, voice, question))
    if fault.name in SAID:
        return voice.problem(_overridden(voice.failure(SAID[fault.name][0], question, fault), fault))
    if _is_status(fault.name):
        return voice.problem(
            voice.status_problem(int(fault.name), fault.message or f"status {fault.name}, as scripted")
        )
    return reply


def sized(reply: Reply) -> Reply:
    """The reply with the length of its body in its headers."""
    return replace(reply, headers={**reply.headers, "content-length": str(len(reply.body))})


def _overridden(problem: Problem, fault: Fault) -> Problem:
    return replace(problem, status=fault.status or problem.status, message=fault.message or problem.message)


def _is_status(name: str) -> bool:
    return name.isdigit() and 400 <= int(name) <= 599
