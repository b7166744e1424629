"""A streamed answer as LlamaIndex shows it: every piece comes with all that came before."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing, closing
from typing import Protocol, TypeVar

from llama_index.core.base.llms.types import ChatResponse, CompletionResponse
from llama_index.llms.llm_router.convert import from_parts, with_one_call

from llm_router.engine.answer import Answer
from llm_router.engine.stream import AsyncStream, Stream
from llm_router.messages import CONTENT, Assembly, ReasoningDelta, StreamEvent, TextDelta

T_co = TypeVar("T_co", covariant=True)


class Whole(Protocol[T_co]):
    """What makes the response that closes a stream."""

    def __call__(self, answer: Answer, delta: str | None = None) -> T_co: ...


class GrowingMessage:
    """The answer so far, and what its last event added."""

    def __init__(self) -> None:
        self._assembly = Assembly()
        self._delta = ""
        self._thought = ""

    def add(self, event: StreamEvent) -> bool:
        """Take one more event; tells whether it shows something of the answer."""
        self._assembly.add(event)
        self._delta = event.text if isinstance(event, TextDelta) else ""
        self._thought = event.text if isinstance(event, ReasoningDelta) else ""
        return isinstance(event, CONTENT)

    def chat_response(self) -> ChatResponse:
        """The message so far; agents show `thinking_delta` while a model thinks."""
        message = from_parts(self._assembly.response().message.parts)
        thought = {"thinking_delta": self._thought} if self._thought else {}
        return ChatResponse(message=message, delta=self._delta, additional_kwargs=thought)

    def completion(self) -> CompletionResponse:
        """The text so far."""
        return CompletionResponse(text=self._assembly.text, delta=self._delta)


def grown(events: Stream, piece: Callable[[GrowingMessage], T_co], whole: Whole[T_co]) -> Generator[T_co, None, None]:
    """The answer so far after each event that shows something, and at last the whole answer."""
    growing = GrowingMessage()
    with events:
        for event in events:
            if growing.add(event):
                yield piece(growing)
        yield whole(events.answer, delta="")


async def agrown(
    events: AsyncStream, piece: Callable[[GrowingMessage], T_co], whole: Whole[T_co]
) -> AsyncGenerator[T_co, None]:
    """The answer so far after each event that shows something, and at last the whole answer."""
    growing = GrowingMessage()
    async with events:
        async for event in events:
            if growing.add(event):
                yield piece(growing)
        yield whole(events.answer, delta="")


def first_call_of(pieces: Generator[ChatResponse, None, None]) -> Generator[ChatResponse, None, None]:
    """A streamed answer without its calls after the first."""
    with closing(pieces):
        for piece in pieces:
            yield with_one_call(piece)


async def afirst_call_of(pieces: AsyncGenerator[ChatResponse, None]) -> AsyncGenerator[ChatResponse, None]:
    """A streamed answer without its calls after the first."""
    async with aclosing(pieces):
        async for piece in pieces:
            yield with_one_call(piece)
