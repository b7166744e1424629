"""The emulator: speaks the providers' dialects without a network, a key or a bill.

It is strict about what it is asked, answers what its script says (by default, who was asked what), injects faults,
and keeps a log. `Emulator.answer` does no I/O; `llm_router.testing.serve` puts it behind HTTP.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal

from llm_router.messages import ChatResponse, Json
from llm_router.testing.dialects.anthropic import Anthropic
from llm_router.testing.dialects.azure import AZURE
from llm_router.testing.dialects.cohere import Cohere
from llm_router.testing.dialects.dialect import Dialect, House, Moment, json_reply
from llm_router.testing.dialects.embedding_forms import EMBEDDINGS
from llm_router.testing.dialects.gemini import Gemini
from llm_router.testing.dialects.ollama import Ollama
from llm_router.testing.dialects.openai import OpenAI
from llm_router.testing.dialects.replicate import Replicate
from llm_router.testing.dialects.responses import Responses
from llm_router.testing.faults import Fault, inflict
from llm_router.testing.question import Problem, Question, Rejected
from llm_router.testing.reply import Asked, Reply
from llm_router.testing.script import DEFAULT, On, Say, Script, answer, read_script, read_turn

DIALECTS: tuple[Dialect, ...] = (
    *EMBEDDINGS,
    Anthropic(),
    Gemini(),
    Cohere(),
    Replicate(),
    *AZURE,
    Responses(),
    OpenAI(),
    Ollama(),
)

_SECRET_HEADERS = frozenset({"authorization", "api-key", "x-api-key", "x-goog-api-key", "cookie"})


@dataclass(slots=True)
class LogEntry:
    """One request as it arrived and what became of it.

    `headers` are without credentials; `key` is the start of the SHA-256 of the credential, enough to tell keys apart.
    `body` is the JSON that was sent, None where it was none. `answered` is `ok`, the name of the fault, or `rejected`
    for a request that a strict provider turns down. `deployment` is whom the path names, if it does. `time` is by the
    emulator's clock. `ending` tells whether the reply was sent whole or its reader went away first; it changes when
    that is known.
    """

    number: int
    time: float
    method: str
    path: str
    headers: Mapping[str, str]
    key: str | None
    body: Json
    model: str | None = None
    deployment: str | None = None
    answered: str = "rejected"
    status: int | None = None
    stream: bool = False
    ending: Literal["pending", "sent", "abandoned"] = "pending"


@dataclass(slots=True)
class _Counts:
    """How often each entry of the script was used, by deployment and model."""

    used: Counter[tuple[int, str | None, str]] = field(default_factory=Counter)

    def next(self, place: int, question: Question) -> int:
        key = (place, question.deployment, question.model)
        self.used[key] += 1
        return self.used[key] - 1


class Emulator:
    """Answers requests as a provider would; threads may share one.

    `script` says who answers what: `{"gpt-4o": ["rate_limit", "ok"], "*": Say("hello")}` by model, deployment or glob,
    or a list of `On` entries, of which the first that matches speaks. `models` are those that exist (default: every
    name), `keys` those that are accepted (default: any). `also` names body fields to accept beyond the dialect's own.
    `dimensions` tells by deployment or model how many numbers its vectors have, where no card does. `pace_s` is the
    pause before each piece of a stream, in seconds. `clock` gives seconds since the epoch.
    """

    def __init__(
        self,
        script: Script = (),
        *,
        models: Collection[str] | None = None,
        keys: Collection[str] | None = None,
        also: Collection[str] = (),
        dimensions: Mapping[str, int] = MappingProxyType({}),
        pace_s: float = 0.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._entries = read_script(script)
        self._house = House(models, keys, frozenset(also), dimensions)
        self._pace_s = pace_s
        self._clock = clock
        self._lock = threading.Lock()
        self._counts = _Counts()
        self._log: list[LogEntry] = []

    @property
    def log(self) -> tuple[LogEntry, ...]:
        """Everything it was asked, in order of arrival."""
        with self._lock:
            return tuple(self._log)

    def script(self, script: Script) -> None:
        """Take another script, from its beginning."""
        entries = read_script(script)
        with self._lock:
            self._entries, self._counts = entries, _Counts()

    def answer(self, asked: Asked) -> Reply:
        """What goes back. Never raises for what was asked, only for a script that can't be followed."""
        now = self._clock()
        entry = self._note(asked, now)
        reply = self._reply(asked, entry)
        entry.status = reply.status
        return replace(reply, number=entry.number)

    def ended(self, number: int, ending: Literal["sent", "abandoned"]) -> None:
        """Note in the log how the reply `number` ended."""
        with self._lock:
            self._log[number - 1].ending = ending

    def _note(self, asked: Asked, now: float) -> LogEntry:
        shown = {name: value for name, value in asked.headers.items() if name not in _SECRET_HEADERS}
        secret = next((asked.headers[name] for name in sorted(_SECRET_HEADERS) if name in asked.headers), None)
        key = hashlib.sha256(secret.rpartition(" ")[2].encode()).hexdigest()[:8] if secret else None
        with self._lock:
            number = len(self._log) + 1
            entry = LogEntry(number, now, asked.method, asked.path, shown, key, _json(asked.body))
            self._log.append(entry)
        return entry

    def _reply(self, asked: Asked, entry: LogEntry) -> Reply:
        path = asked.path.partition("?")[0]
        dialect = next((one for one in DIALECTS if one.claims(path)), None)
        if dialect is None:
            return _unknown_path(asked)
        try:
            other = dialect.other(asked, self._house)
            if other is not None:
                entry.answered = "ok" if other.status == 200 else "rejected"
                return other
            question = dialect.question(asked, self._house)
        except Rejected as rejected:
            return dialect.problem(rejected.problem)
        entry.model, entry.deployment, entry.stream = question.model, question.deployment, question.stream
        return self._scripted(question, dialect, entry)

    def _scripted(self, question: Question, dialect: Dialect, entry: LogEntry) -> Reply:
        turn = self._turn(question)
        moment = Moment(entry.time, entry.number)
        if isinstance(turn, ChatResponse):
            entry.answered = "ok"
            return dialect.answer(question, turn, moment).paced(self._pace_s)
        fault = turn if isinstance(turn, Fault) else None
        entry.answered = fault.name if fault else "ok"
        said = turn if isinstance(turn, Say) else _missaid(fault, question)
        reply = dialect.answer(_misread(fault, question), answer(question, said, entry.number), moment)
        if fault:
            reply = inflict(fault, reply, dialect, question)
        return replace(reply.paced(self._pace_s), head_after_s=reply.head_after_s + said.delay_s)

    def _turn(self, question: Question) -> Say | Fault | ChatResponse:
        with self._lock:
            found = enumerate((*self._entries, DEFAULT))
            place, entry = next((place, entry) for place, entry in found if entry.matches(question))
            count = self._counts.next(place, question)
        turns = entry.turns if isinstance(entry.turns, tuple) else (entry.turns,)
        turn = turns[min(count, len(turns) - 1)]
        return read_turn(turn(question) if callable(turn) else turn)


def _missaid(fault: Fault | None, question: Question) -> Say:
    """What is said under a fault of the answer itself; otherwise the usual answer."""
    if fault is not None and fault.name == "invalid_output":
        wanted = (question.schema or {}).get("type")
        return Say(
            '{"unexpected": "this is not what was asked for"}' if wanted == "array" else '["not what was asked"]'
        )
    if fault is not None and fault.name == "filtered_answer":
        return Say("This answer was", finish_reason="content_filter")
    return Say()


def _misread(fault: Fault | None, question: Question) -> Question:
    """The question that is answered: for vectors that shall not fit, one of a dimension less."""
    if fault is None or fault.name != "invalid_output" or not question.texts:
        return question
    wanted = question.dimensions or question.own_dimensions
    return replace(question, dimensions=0, own_dimensions=wanted - 1)


def _unknown_path(asked: Asked) -> Reply:
    path = asked.path.partition("?")[0]
    problem = Problem(404, f"Invalid URL ({asked.method} {path})", "invalid_request_error")
    told = {"message": problem.message, "type": problem.type, "param": None, "code": None}
    return json_reply(404, {"error": told})


def _json(body: bytes) -> Json:
    try:
        content: Json = json.loads(body)
    except ValueError:
        return None
    return content


__all__ = ["Emulator", "LogEntry", "On"]
