"""The front door: a router answers requests as one spec says.

Importing it is cheap. What reads a spec and what serves requests is imported where a router is made.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypedDict, Unpack

from typing_extensions import override

from llm_router.context import current_hints, merge_hints
from llm_router.diagnostics import Diagnostic
from llm_router.engine.answer import Answer
from llm_router.engine.conversation import Conversation, request_of
from llm_router.engine.driving.drive import run, run_new
from llm_router.engine.loading import Origin, compiled
from llm_router.engine.stream import AsyncStream, Stream
from llm_router.lifecycle import Lifecycle
from llm_router.spec.refs import Environment
from llm_router.tracking import current_run, current_tracks

if TYPE_CHECKING:
    import httpx

    from llm_router.catalog.known import KnownModel
    from llm_router.engine.accounting.bill import RequestCost
    from llm_router.engine.accounting.elsewhere import Elsewhere
    from llm_router.engine.accounting.recording import Said
    from llm_router.engine.accounting.spans import Instant, Period
    from llm_router.engine.accounting.spending import Spending
    from llm_router.engine.driving.runtime import Runtime
    from llm_router.engine.effects import Script
    from llm_router.engine.embedding.answers import Embeddings
    from llm_router.engine.embedding.call import EmbedOptions, Texts
    from llm_router.engine.embedding.work import Work
    from llm_router.engine.estimates import CostEstimate
    from llm_router.engine.events import Observer
    from llm_router.engine.health.listing import Finding
    from llm_router.engine.health.status import Status
    from llm_router.engine.job import Job
    from llm_router.engine.loading import Loaded
    from llm_router.policy.explain import Explanation
    from llm_router.policy.program import Program
    from llm_router.state.cache import CacheStats
    from llm_router.wire.embedding import Purpose


class Options(TypedDict, total=False):
    """What a router takes beside its spec.

    `environment` is what references are read from (default: the process's), `hints` those that hold where a call is
    silent, `observers` what hears every event. Clients are used instead of the router's own connections, and are not
    closed by it.
    """

    environment: Environment | None
    hints: Mapping[str, object] | None
    observers: Sequence[Observer]
    http_client: httpx.Client | None
    async_http_client: httpx.AsyncClient | None


class Router:
    """Answers requests as a spec says. Threads, event loops and tasks may share one; routers share nothing.

    A conversation is a text (the user's), a message, several, or a whole `ChatRequest` with tools and settings.

    Hints are keywords of each call, checked when it is made; those of `with routing(…)`, then the constructor's, stand
    in where a call is silent:
      task                         one of the spec's `tasks`
      cost, speed                  low, medium, high; slow, normal, fast, critical
      capability                   what whoever answers must be able to do, a word or several
      model, provider              whom to ask: a deployment, a pool, `provider:model`; only this provider
      prefer                       deployments to try first
      max_cost, timeout            at most so much ("0.25 USD"), at most so long ("30s", or seconds)
      user, session, run, tags     whom the call is counted for
      metadata                     values of the keys that the spec declares
      fresh                        True: an answer that isn't from the cache, nor kept there

    Constructors take further `options`: `environment` (where keys are read, by default the process's), `hints`,
    `observers` (each hears every event), and `http_client` and `async_http_client` (of httpx; used, never closed).
    A pickled router is its spec, bound where it is loaded, without observers and clients.
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
        """Use `from_file`, `from_text`, `from_spec` or `from_env`."""
        self._hints = dict(hints or {})
        self._life = Lifecycle(
            origin, environment, observers, http_client=http_client, async_http_client=async_http_client
        )
        _check_hints(self._hints, self._loaded.program)
        import_module("llm_router.engine.request")  # here, so that no event loop waits for it at the first request

    @classmethod
    def from_file(cls, path: str | Path, **options: Unpack[Options]) -> Self:
        """A router for the spec in this file. Raises SpecError with all diagnostics."""
        return cls(Origin.of_path(path), **options)

    @classmethod
    def from_text(cls, text: str, *, file: str = "<text>", **options: Unpack[Options]) -> Self:
        """A router for this YAML; `file` is its name in diagnostics. Raises SpecError with all diagnostics."""
        return cls(Origin(file, text=text), **options)

    @classmethod
    def from_spec(cls, spec: Mapping[str, object], **options: Unpack[Options]) -> Self:
        """A router for a spec that a program made, as YAML would be read. Raises SpecError with all diagnostics."""
        return cls(Origin.of_mapping(spec), **options)

    @classmethod
    def from_env(cls, **options: Unpack[Options]) -> Self:
        """A router for the keys in the environment, by the spec that `llm-router init` would write for them.

        Raises RequestError where there is no key.
        """
        from llm_router.policy.starter import starter_spec

        here = options.get("environment") or Environment.of_process()
        return cls(Origin("<the keys found>", text=starter_spec(here.variables)), **options)

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
        return run(_served(self._job(conversation, hints)), self._runtime.perform)

    def achat(self, conversation: Conversation, /, **hints: object) -> Coroutine[Any, Any, Answer]:
        """The answer, to be awaited; hints are taken now. Raises what `chat` raises."""
        make = partial(_served, self._job(conversation, hints))
        return run_new(make, self._runtime.perform_async, self._runtime.detach)

    def stream(self, conversation: Conversation, /, **hints: object) -> Stream:
        """The answer's events as they come. Decides at once; raises what `chat` raises, from here on."""
        job = self._job(conversation, hints, stream=True)
        return Stream(_served(job), self._runtime, job.meter)

    def astream(self, conversation: Conversation, /, **hints: object) -> AsyncStream:
        """The answer's events as they come; no coroutine: `async for event in router.astream(…)`."""
        job = self._job(conversation, hints, stream=True)
        return AsyncStream(_served(job), self._runtime, job.meter)

    def embed(
        self,
        texts: Texts,
        /,
        *,
        name: str | None = None,
        dimensions: int | None = None,
        purpose: Purpose | None = None,
        **hints: object,
    ) -> Embeddings:
        """One vector for each text, in their order; split into as few requests as the providers take.

        `name` is that of the spec's `embeddings`, where it has several. `dimensions` is how many numbers a vector
        shall have, where spec and model leave a choice; `purpose` tells models that make other vectors of a question
        than of a document which it is. Blocks its thread; raises what `chat` raises.
        """
        said: EmbedOptions = {"name": name, "dimensions": dimensions, "purpose": purpose}
        return run(self._embedding(texts, hints, **said)(), self._runtime.perform)

    def aembed(
        self,
        texts: Texts,
        /,
        *,
        name: str | None = None,
        dimensions: int | None = None,
        purpose: Purpose | None = None,
        **hints: object,
    ) -> Coroutine[Any, Any, Embeddings]:
        """As `embed`, to be awaited; texts and hints are taken now."""
        said: EmbedOptions = {"name": name, "dimensions": dimensions, "purpose": purpose}
        make = self._embedding(texts, hints, **said)
        return run_new(make, self._runtime.perform_async, self._runtime.detach)

    def explain_embed(self, texts: Texts, /, *, name: str | None = None, **hints: object) -> Explanation:
        """Who would be asked to embed these texts (the first batch of them), and why; nothing is sent."""
        from llm_router.engine.embedding.work import explained_embedding

        return run(explained_embedding(self._work(texts, hints, name=name)), self._runtime.perform)

    def explain(self, conversation: Conversation, /, **hints: object) -> Explanation:
        """Who would be asked for this request, and why; nothing is sent."""
        from llm_router.engine.request import explained

        return run(explained(self._job(conversation, hints)), self._runtime.perform)

    def estimate(self, conversation: Conversation, /, **hints: object) -> tuple[CostEstimate, ...]:
        """What this request would cost at each candidate, in the order in which they would be asked; nothing is sent.

        `explain` says why it is these.
        """
        from llm_router.engine.estimates import estimated

        return run(estimated(self._job(conversation, hints)), self._runtime.perform)

    def elsewhere(self, answer: Answer, *names: str) -> tuple[Elsewhere, ...]:
        """What the same call would have cost at other deployments, or at `provider:model` of the catalogue.

        Of no names, at all other deployments of the spec. Raises RequestError for a name that nobody has.
        """
        from llm_router.engine.accounting.elsewhere import elsewhere

        return elsewhere(self.program, answer, names, time.time())

    def record(self, hints: Mapping[str, object] | None = None, /, **said: Unpack[Said]) -> RequestCost:
        """Write a call that was made outside into the ledger, and count it; what it cost.

        Say `deployment`, or `provider` and `model`; `usage` (of which the cost is computed) or `cost` (`"0.25 USD"` or
        a Decimal); `at` and `duration_s`. `hints` say whose it was: `user, session, run, tags, metadata`. The budgets
        that cover a named deployment are charged, and never stand in the way. Blocks its thread where the store takes
        input and output. Raises RequestError, StoreDown.
        """
        from llm_router.engine.accounting.bill import RequestCost
        from llm_router.engine.accounting.recording import Outside, record, whose

        self._runtime.check_open()
        now = self._loaded
        named = whose(hints or {}, merge_hints(hints, current_hints(), self._hints), now.program)
        listeners = tuple(each.add for each in current_tracks())
        outside = Outside(now.program, now.wiring, said, named, uuid.uuid4().hex, listeners)
        return RequestCost.of([run(record(outside), self._runtime.perform)])

    def spend(
        self,
        period: Period | None = None,
        *,
        since: Instant | None = None,
        until: Instant | None = None,
        by: str | Iterable[str] = (),
        where: Mapping[str, str | Iterable[str]] | None = None,
        usual: bool = False,
    ) -> Spending:
        """What was spent `today` (unless said otherwise), this `week` or `month`, or from `since` up to `until`.

        Groups are `by` one or several of `provider, deployment, model, rule, user, session, run, tag, outcome, day,
        hour` and `metadata.<declared>`; `where` filters by the same. `usual` compares with the same span before. Days
        are those of the spec's `timezone`. Of entries that `ledger: {keep}` dropped, what their daily totals say.
        Raises RequestError, StoreDown.
        """
        from llm_router.engine.accounting.spending import Question, spent

        now = self._loaded
        question = Question.of(period, (since, until), by, where, usual=usual)
        return run(spent(now.program, now.wiring.accounts, question), self._runtime.perform)

    def report(
        self, path: str | Path | None = None, *, since: Instant | None = None, until: Instant | None = None
    ) -> str:
        """A page of HTML on what the days from `since` up to `until` cost (the last 30), also written to `path`.

        Blocks its thread, for seconds where there are millions of entries. Raises RequestError, StoreDown, OSError.
        """
        from llm_router.report.make import make_for

        return make_for(self._loaded, time.time(), path, since=since, until=until)

    def cache_stats(self) -> CacheStats:
        """Hits and misses since the router was made, what they saved, and what this process holds in memory."""
        return self._loaded.wiring.accounts.answers.stats()

    def purge_cache(self, user: str | None = None) -> int:
        """Drop the kept answers of this user, or all; how many. Raises StoreDown.

        Other processes on the same store give none of them any more after 10 seconds.
        """
        from llm_router.engine.caching.lookup import purged

        return run(purged(self._loaded.wiring.accounts, user), self._runtime.perform)

    def models(self, provider: str | None = None, *, live: bool = False) -> tuple[KnownModel, ...]:
        """What is known of the models of the spec's providers, or of one of them by its name.

        `live` asks the providers for their lists, which costs nothing: models that they list and the catalogue doesn't
        know come in, and `listed` tells what the keys here can see. Raises RequestError for another name; a provider
        that can't be asked is left as the catalogue knows it.
        """
        from llm_router.engine.health.models import models

        now = self._loaded
        self._runtime.check_open()
        return run(models(now.program, now.wiring, provider, live=live), self._runtime.perform)

    def prove(self) -> tuple[Finding, ...]:
        """Whether each key and each model of the spec is right: one finding for each provider and key.

        The providers are asked for their lists of models, which costs nothing. Raises nothing for what they answer.
        """
        from llm_router.engine.health.models import survey

        now = self._loaded
        self._runtime.check_open()
        return run(survey(now.program, now.wiring, now.program.providers), self._runtime.perform)

    def status(self) -> Status:
        """How every deployment does: state and why, what limits leave, counts since the router was made, speed.

        Blocks its thread where limits are kept in a store that others share.
        """
        from llm_router.engine.health.status import look

        now = self._loaded
        return run(look(now.program, now.wiring), self._runtime.perform)

    def reload(self, path: str | Path | None = None) -> tuple[Diagnostic, ...]:
        """Take the spec anew, from where it came or from `path`; the diagnostics say what was found.

        If one of them is an error, the last good program stays. Requests under way keep the program that they began
        with; what is known of a deployment's health stays with it.
        """
        return self._life.reload(path)

    def close(self) -> None:
        """End requests under way with RouterClosed, and close all connections. Once is enough, twice does no harm."""
        self._life.close()

    async def aclose(self) -> None:
        """As `close`, and wait for what cancelled requests still have to tidy up."""
        await self._life.aclose()

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
        _check_portable(self._loaded.program)
        return _unpickled, (type(self), self._life.as_read(), self._hints)

    def __deepcopy__(self, memo: object) -> Self:
        return type(self)(self._life.as_read(), hints=self._hints)

    @property
    def _loaded(self) -> Loaded:
        """What new requests run on."""
        return self._life.loaded

    @property
    def _runtime(self) -> Runtime:
        """What all requests share while they run."""
        return self._life.runtime

    def _embedding(
        self, texts: Texts, hints: Mapping[str, object], **said: Unpack[EmbedOptions]
    ) -> Callable[[], Script[Embeddings]]:
        from llm_router.engine.embedding.work import embed

        return partial(embed, self._work(texts, hints, **said))

    def _work(self, texts: Texts, hints: Mapping[str, object], **said: Unpack[EmbedOptions]) -> Work:
        """The texts as they were given, with everything that is taken now."""
        from llm_router.engine.embedding import call
        from llm_router.engine.embedding.work import Work
        from llm_router.policy.hints import Hints

        now, purpose = self._life.taken(), said.get("purpose")
        call.check_purpose(purpose)
        embedding = call.embedding_named(now.program, said.get("name"))
        read = Hints.read(merge_hints(hints, *call.around(current_hints(), self._hints)), now.program)
        dimensions = call.dimensions_of(embedding, said.get("dimensions"))
        listed, request_id = call.read_texts(texts), uuid.uuid4().hex
        listeners = tuple(each.add for each in current_tracks())
        return Work(now.program, now.wiring, embedding, listed, read, request_id, dimensions, purpose, listeners)

    def _job(self, conversation: Conversation, hints: Mapping[str, object], *, stream: bool = False) -> Job:
        """The request as it was called, with everything that is taken now and not when it is first driven."""
        from llm_router.engine.accounting.meter import Meter
        from llm_router.engine.job import Job
        from llm_router.policy.hints import Hints

        now = self._life.taken()
        said = Hints.read(merge_hints(hints, current_hints(), self._hints), now.program)
        said = replace(said, framework_run_id=current_run())
        meter = Meter(tuple(each.add for each in current_tracks()))
        return Job(now.program, now.wiring, request_of(conversation), said, uuid.uuid4().hex, stream, meter=meter)


def load(path: str | Path, environment: Environment | None = None) -> tuple[Program | None, tuple[Diagnostic, ...]]:
    """The compiled spec of this file, if it compiles, and all diagnostics. Never raises.

    Without an environment, references stay as they are written, so the result is the same on every machine.
    """
    return compiled(Origin.of_path(path), environment)


def _served(job: Job) -> Script[Answer]:
    from llm_router.engine.request import serve

    return serve(job)


def _check_hints(hints: Mapping[str, object], program: Program) -> None:
    """Nothing. Raises RequestError for hints that no request could be made with."""
    from llm_router.policy.hints import Hints

    Hints.read(hints, program)


def _check_portable(program: Program) -> None:
    """Nothing. Raises TypeError for a program with a key that is written out: its spec would carry the key along."""
    if any(key.is_literal for provider in program.providers.values() for key in provider.api_keys):
        raise TypeError("a router whose spec has a key written out can't be pickled; write `${env:NAME}` there")


def _unpickled(kind: type[Router], origin: Origin, hints: Mapping[str, object]) -> Router:
    return kind(origin, hints=hints)
