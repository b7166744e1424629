"""The front door: a router answers requests as one spec says.

Importing it is cheap. What reads a spec and what serves requests is imported where a router is made.
"""

from __future__ import annotations

import logging
import uuid
import weakref
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from typing_extensions import override

from llm_router.context import current_hints, merge_hints
from llm_router.diagnostics import Diagnostic, SpecError
from llm_router.engine.answer import Answer
from llm_router.engine.drive import run, run_async
from llm_router.engine.loading import OF_THE_ENVIRONMENT, Loaded, NotLoaded, Origin, compiled, loaded
from llm_router.engine.stream import AsyncStream, Stream
from llm_router.errors import RequestError
from llm_router.messages import ChatRequest, Message
from llm_router.spec.refs import Environment

if TYPE_CHECKING:
    import httpx

    from llm_router.engine.effects import Script
    from llm_router.engine.events import Observer
    from llm_router.engine.request import Job
    from llm_router.engine.runtime import Runtime
    from llm_router.policy.explain import Explanation
    from llm_router.policy.program import Program

Conversation = str | Message | Iterable[Message] | ChatRequest

logger = logging.getLogger("llm_router")


class Router:
    """Answers requests as a spec says. Threads, event loops and tasks may share one; routers share nothing.

    Hints are keywords of each call, checked when the method is called: `task, cost, speed, capability, model,
    provider, prefer, max_cost, timeout, user, session, run, tags, metadata`. `with routing(…)` and the constructor's
    `hints` stand in where a call is silent. A pickled router is its spec: it is bound to the environment where it is
    loaded, and has neither observers nor clients.
    """

    def __init__(
        self,
        origin: Origin,
        *,
        environment: Environment | None = None,
        hints: Mapping[str, object] | None = None,
        observers: Sequence[Observer] = (),
        http_client: httpx.Client | None = None,
        async_http_client: httpx.AsyncClient | None = None,
    ) -> None:
        """Use `from_file`, `from_text` or `from_spec`."""
        self._environment = environment
        self._hints = dict(hints or {})
        self._loaded = self._load(origin)
        self._runtime = _runtime(http_client, async_http_client, observers)
        _check_hints(self._hints, self._loaded.program)
        import_module("llm_router.engine.request")  # here, so that no event loop waits for it at the first request

    @classmethod
    def from_file(
        cls,
        path: str | Path,
        *,
        environment: Environment | None = None,
        hints: Mapping[str, object] | None = None,
        observers: Sequence[Observer] = (),
        http_client: httpx.Client | None = None,
        async_http_client: httpx.AsyncClient | None = None,
    ) -> Self:
        """A router for the spec in this file. Raises SpecError with all diagnostics."""
        return cls(
            Origin.of_path(path),
            environment=environment,
            hints=hints,
            observers=observers,
            http_client=http_client,
            async_http_client=async_http_client,
        )

    @classmethod
    def from_text(
        cls,
        text: str,
        *,
        file: str = "<text>",
        environment: Environment | None = None,
        hints: Mapping[str, object] | None = None,
        observers: Sequence[Observer] = (),
        http_client: httpx.Client | None = None,
        async_http_client: httpx.AsyncClient | None = None,
    ) -> Self:
        """A router for this YAML; `file` is its name in diagnostics. Raises SpecError with all diagnostics."""
        return cls(
            Origin(file, text=text),
            environment=environment,
            hints=hints,
            observers=observers,
            http_client=http_client,
            async_http_client=async_http_client,
        )

    @classmethod
    def from_spec(
        cls,
        spec: Mapping[str, object],
        *,
        environment: Environment | None = None,
        hints: Mapping[str, object] | None = None,
        observers: Sequence[Observer] = (),
        http_client: httpx.Client | None = None,
        async_http_client: httpx.AsyncClient | None = None,
    ) -> Self:
        """A router for a spec that a program made, as YAML would be read. Raises SpecError with all diagnostics."""
        return cls(
            Origin.of_mapping(spec),
            environment=environment,
            hints=hints,
            observers=observers,
            http_client=http_client,
            async_http_client=async_http_client,
        )

    @property
    def program(self) -> Program:
        """The compiled spec that new requests follow."""
        return self._loaded.program

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """The warnings that the program in use came with."""
        return self._loaded.diagnostics

    def chat(self, conversation: Conversation, /, **hints: object) -> Answer:
        """The answer. Blocks its thread, also inside a running event loop: use `achat` there.

        Raises RequestError, Refused, NoCandidate, RouterClosed, and ProviderError when nobody who was asked answered.
        """
        return run(self._script(conversation, hints), self._runtime.perform)

    def achat(self, conversation: Conversation, /, **hints: object) -> Coroutine[Any, Any, Answer]:
        """The answer, to be awaited; hints are taken now. Raises what `chat` raises."""
        script = self._script(conversation, hints)
        return run_async(script, self._runtime.perform_async, self._runtime.detach)

    def stream(self, conversation: Conversation, /, **hints: object) -> Stream:
        """The answer's events as they come. Decides at once; raises what `chat` raises, from here on."""
        return Stream(self._script(conversation, hints, stream=True), self._runtime)

    def astream(self, conversation: Conversation, /, **hints: object) -> AsyncStream:
        """The answer's events as they come; no coroutine: `async for event in router.astream(…)`."""
        return AsyncStream(self._script(conversation, hints, stream=True), self._runtime)

    def explain(self, conversation: Conversation, /, **hints: object) -> Explanation:
        """Who would be asked for this request, and why; nothing is sent."""
        from llm_router.engine.request import explained

        return run(explained(self._job(conversation, hints)), self._runtime.perform)

    def reload(self, path: str | Path | None = None) -> tuple[Diagnostic, ...]:
        """Take the spec anew, from where it came or from `path`; the diagnostics say what was found.

        If one of them is an error, the last good program stays. Requests under way keep the program that they began
        with; what is known of a deployment's health stays with it.
        """
        origin = _fresh(self._loaded.origin) if path is None else Origin.of_path(path)
        fresh = loaded(origin, self._environment_for(origin))
        if isinstance(fresh, NotLoaded):
            first = fresh.diagnostics[0]
            place = f"{first.code} at line {first.span.line}"
            logger.error("%s doesn't compile (%s first): the last good program stays", origin.file, place)
            return fresh.diagnostics
        self._loaded = fresh
        _log_warnings(fresh)
        return fresh.diagnostics

    def close(self) -> None:
        """End requests under way with RouterClosed, and close all connections. Once is enough, twice does no harm."""
        self._runtime.close()

    async def aclose(self) -> None:
        """As `close`, and wait for what cancelled requests still have to tidy up."""
        await self._runtime.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    @override
    def __repr__(self) -> str:
        program = self._loaded.program
        name = program.name or self._loaded.origin.file
        return f"<Router {name!r}: {len(program.rules)} rules, {len(program.deployments)} deployments>"

    @override
    def __reduce__(self) -> tuple[Callable[..., Router], tuple[type[Router], Origin, Mapping[str, object]]]:
        return _unpickled, (type(self), replace(self._loaded.origin, text=self._loaded.text), self._hints)

    def _load(self, origin: Origin) -> Loaded:
        fresh = loaded(origin, self._environment_for(origin))
        if isinstance(fresh, NotLoaded):
            raise SpecError(fresh.diagnostics, {origin.file: fresh.text})
        _log_warnings(fresh)
        return fresh

    def _environment_for(self, origin: Origin) -> Environment:
        return self._environment or Environment.of_process(origin.directory)

    def _script(
        self, conversation: Conversation, hints: Mapping[str, object], *, stream: bool = False
    ) -> Script[Answer]:
        from llm_router.engine.request import serve

        return serve(self._job(conversation, hints, stream=stream))

    def _job(self, conversation: Conversation, hints: Mapping[str, object], *, stream: bool = False) -> Job:
        """The request as it was called, with everything that is taken now and not when it is first driven."""
        from llm_router.engine.request import Job
        from llm_router.policy.hints import Hints

        self._runtime.check_open()
        self._runtime.drain()
        now = self._loaded
        said = Hints.read(merge_hints(hints, current_hints(), self._hints), now.program)
        return Job(now.program, now.wiring, _request(conversation), said, uuid.uuid4().hex, stream)


def load(path: str | Path, environment: Environment | None = None) -> tuple[Program | None, tuple[Diagnostic, ...]]:
    """The compiled spec of this file, if it compiles, and all diagnostics. Never raises.

    Without an environment, references stay as they are written, so the result is the same on every machine.
    """
    return compiled(Origin.of_path(path), environment)


def _request(conversation: Conversation) -> ChatRequest:
    if isinstance(conversation, Mapping):
        raise RequestError("a conversation is made of messages, not of mappings", help="use `llm_router.user(…)`")
    request = ChatRequest.of(conversation)
    if not request.messages:
        raise RequestError("a conversation needs a message at least")
    strangers: list[object] = [each for each in request.messages if type(each) is not Message]
    for stranger in strangers:
        if not isinstance(stranger, Message):
            kind = type(stranger).__name__
            raise RequestError(f"a conversation is made of messages, not of `{kind}`", help="use `llm_router.user(…)`")
    return request


def _runtime(
    http_client: httpx.Client | None, async_http_client: httpx.AsyncClient | None, observers: Sequence[Observer]
) -> Runtime:
    """A runtime on the caller's clients, or on connections of its own; garbage closes its sockets."""
    from llm_router.engine.runtime import Runtime
    from llm_router.engine.transport.blocking import BlockingTransport
    from llm_router.engine.transport.injected import InjectedAsyncTransport, InjectedTransport
    from llm_router.engine.transport.looped import LoopedTransport

    blocking = BlockingTransport() if http_client is None else InjectedTransport(http_client)
    looped = LoopedTransport() if async_http_client is None else InjectedAsyncTransport(async_http_client)
    runtime = Runtime(blocking, looped, observers)
    weakref.finalize(runtime, blocking.release)
    weakref.finalize(runtime, looped.release)
    return runtime


def _check_hints(hints: Mapping[str, object], program: Program) -> None:
    """Nothing. Raises RequestError for hints that no request could be made with."""
    from llm_router.policy.hints import Hints

    Hints.read(hints, program)


def _log_warnings(fresh: Loaded) -> None:
    """Log what the program came with: what the environment lacks as a warning, what a lint found as information."""
    for each in fresh.diagnostics:
        level = logging.WARNING if each.code.startswith(OF_THE_ENVIRONMENT) else logging.INFO
        logger.log(level, "%s: %s at line %d of %s", each.code, each.message, each.span.line, each.span.file)


def _fresh(origin: Origin) -> Origin:
    """The origin, with a file's text to be read anew."""
    return origin if origin.path is None else replace(origin, text=None)


def _unpickled(kind: type[Router], origin: Origin, hints: Mapping[str, object]) -> Router:
    return kind(origin, hints=hints)
