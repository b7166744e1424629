"""The front door: a router answers requests as one spec says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from llm_router.messages import ChatRequest, Message

if TYPE_CHECKING:
    import httpx

    from llm_router.diagnostics import Diagnostic
    from llm_router.engine.answer import Answer
    from llm_router.engine.events import Observer
    from llm_router.engine.stream import AsyncStream, Stream
    from llm_router.policy.explain import Explanation
    from llm_router.policy.program import Program
    from llm_router.spec.refs import Environment

Conversation = str | Message | Iterable[Message] | ChatRequest


class Router:
    """Answers requests as a spec says. Threads, event loops and tasks may share one; routers share nothing."""

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
        raise NotImplementedError

    @property
    def program(self) -> Program:
        """The compiled spec that new requests follow."""
        raise NotImplementedError

    def chat(self, conversation: Conversation, /, **hints: object) -> Answer:
        """The answer. Blocks; inside a running event loop, use `achat`."""
        raise NotImplementedError

    async def achat(self, conversation: Conversation, /, **hints: object) -> Answer:
        """The answer."""
        raise NotImplementedError

    def stream(self, conversation: Conversation, /, **hints: object) -> Stream:
        """The answer's events as they come."""
        raise NotImplementedError

    def astream(self, conversation: Conversation, /, **hints: object) -> AsyncStream:
        """The answer's events as they come; no coroutine: `async for event in router.astream(…)`."""
        raise NotImplementedError

    def explain(self, conversation: Conversation, /, **hints: object) -> Explanation:
        """Who would be asked for this request, and why; nothing is sent."""
        raise NotImplementedError

    def reload(self, path: str | Path | None = None) -> tuple[Diagnostic, ...]:
        """Take the spec anew. The diagnostics tell whether it compiles; if not, the last good program stays."""
        raise NotImplementedError

    def close(self) -> None:
        """End requests under way with RouterClosed, and close all connections."""
        raise NotImplementedError

    async def aclose(self) -> None:
        """As `close`, and wait for what cancelled requests still have to tidy up."""
        raise NotImplementedError

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


def load(path: str | Path, environment: Environment | None = None) -> tuple[Program | None, tuple[Diagnostic, ...]]:
    """The compiled spec of this file, if it compiles, and all diagnostics. Never raises."""
    raise NotImplementedError
