"""A streamed answer, as the caller holds it."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self

from llm_router.messages import StreamEvent

if TYPE_CHECKING:
    from llm_router.engine.answer import Answer
    from llm_router.policy.decision import Decision


class Stream:
    """The events of one answer, as they come. Leave it early with `close`, or by leaving its `with` block."""

    @property
    def decision(self) -> Decision:
        """Who is asked, and why; known before the first event."""
        raise NotImplementedError

    @property
    def answer(self) -> Answer:
        """The whole answer, once the last event has come. Raises RuntimeError before that."""
        raise NotImplementedError

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> StreamEvent:
        raise NotImplementedError

    def close(self) -> None:
        """Stop, and close the connection unless the answer is whole."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncStream:
    """The events of one answer, as they come. Leave it early with `aclose`, or by leaving its `async with` block."""

    @property
    def decision(self) -> Decision:
        """Who is asked, and why; known before the first event."""
        raise NotImplementedError

    @property
    def answer(self) -> Answer:
        """The whole answer, once the last event has come. Raises RuntimeError before that."""
        raise NotImplementedError

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> StreamEvent:
        raise NotImplementedError

    async def aclose(self) -> None:
        """Stop, and close the connection unless the answer is whole."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
