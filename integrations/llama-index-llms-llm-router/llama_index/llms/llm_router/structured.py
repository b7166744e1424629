"""Objects of a class as answers: asked for by the class's JSON Schema, and read from the text, also while it grows.

Core would force a call of a tool instead, which not every provider can. How a schema is asked for is the router's
matter; it checks the answer, and has it mended, before it is read here.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Iterator, Mapping
from contextlib import aclosing, closing
from typing import TYPE_CHECKING, Any, Generic

import llama_index.core.instrumentation as instrument
from llama_index.core.base.llms.types import ChatResponse, ToolCallBlock
from llama_index.core.instrumentation.events.llm import (
    LLMStructuredPredictEndEvent,
    LLMStructuredPredictInProgressEvent,
    LLMStructuredPredictStartEvent,
)
from llama_index.core.program.utils import FlexibleModel, create_flexible_model
from llama_index.core.types import Model
from pydantic import ValidationError
from pydantic_core import from_json

from llm_router.errors import InvalidOutput

if TYPE_CHECKING:
    from llama_index.core.prompts import BasePromptTemplate

dispatcher = instrument.get_dispatcher(__name__)  # type: ignore[attr-defined]  # core's own way, not re-exported

OF_FORCED_CALLS = frozenset({"tool_required", "allow_parallel_tool_calls"})
"""Keywords that core takes out of a structured call: they are for its own way to ask."""


def keywords_for(output_cls: type[Model], said: Mapping[str, Any]) -> dict[str, Any]:
    """The keywords of a call that answers with such an object; a caller's own `response_format` goes first."""
    known = {name: value for name, value in said.items() if name not in OF_FORCED_CALLS}
    return {**known, "response_format": known.get("response_format") or output_cls}


def begun(output_cls: type[Model], prompt: BasePromptTemplate, prompt_args: dict[str, Any]) -> None:
    """Tell LlamaIndex's observers that an object is asked for."""
    dispatcher.event(LLMStructuredPredictStartEvent(output_cls=output_cls, template=prompt, template_args=prompt_args))


def ended(found: Model) -> Model:
    """The object, of which LlamaIndex's observers are told."""
    dispatcher.event(LLMStructuredPredictEndEvent(output=found))
    return found


def read_object(output_cls: type[Model], response: ChatResponse) -> Model:
    """The object that an answer spells. Raises InvalidOutput, with the answer's text as its `partial_text`."""
    extra = response.message.additional_kwargs
    if refusal := extra.get("refusal"):
        raise _invalid(response, "it refused", str(refusal))
    if any(isinstance(block, ToolCallBlock) for block in response.message.blocks):
        raise _invalid(response, "it called tools instead of answering", _text(response))
    try:
        return output_cls.model_validate_json(_text(response))
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        told = "; ".join(f"at `{'.'.join(map(str, each['loc']))}`: {each['msg']}" for each in faults)
        raise _invalid(response, f"the answer is no `{output_cls.__name__}`: {told}", _text(response)) from None


def _text(response: ChatResponse) -> str:
    return response.message.content or ""


def _invalid(response: ChatResponse, message: str, text: str) -> InvalidOutput:
    routing = response.additional_kwargs["routing"]
    return InvalidOutput(
        f"`{routing['deployment']}` failed: {message}",
        provider=routing["provider"],
        deployment=routing["deployment"],
        provider_request_id=(response.raw or {}).get("id"),
        partial_text=text,
        decision_id=routing["decision"],
    )


class GrowingObject(Generic[Model]):
    """What can be read of an object whose text is still being written."""

    def __init__(self, output_cls: type[Model]) -> None:
        self._output_cls = output_cls
        self._partial_cls = create_flexible_model(output_cls)
        self._names = {field.alias: name for name, field in output_cls.model_fields.items() if field.alias}
        self._shown: Model | FlexibleModel | None = None
        self._last: ChatResponse | None = None

    def grow(self, response: ChatResponse) -> Iterator[Model | FlexibleModel]:
        """Yields the object so far, where that is news: of its class as soon as it can be, and partial before."""
        self._last = response
        try:
            said = from_json(_text(response), allow_partial="trailing-strings")
        except ValueError:
            return
        if isinstance(said, dict):
            yield from self._news(self._read(said))

    def end(self) -> Iterator[Model | FlexibleModel]:
        """Yields the whole object, where it wasn't shown yet. Raises InvalidOutput."""
        assert self._last is not None  # INVARIANT: a stream that ends has told the whole answer
        found = read_object(self._output_cls, self._last)
        yield from self._news(found)
        ended(found)

    def _read(self, said: dict[str, Any]) -> Model | FlexibleModel:
        try:
            return self._output_cls.model_validate(said)
        except Exception:  # not only ValidationError: a class's own validators may stumble over half a value
            return self._partial_cls.model_validate({self._names.get(name, name): said[name] for name in said})

    def _news(self, found: Model | FlexibleModel) -> Iterator[Model | FlexibleModel]:
        if found != self._shown:
            self._shown = found
            dispatcher.event(LLMStructuredPredictInProgressEvent(output=found))
            yield found


def growing_object(
    output_cls: type[Model], pieces: Generator[ChatResponse, None, None]
) -> Generator[Model | FlexibleModel, None, None]:
    """The object as it grows, and at last as a whole. Raises InvalidOutput."""
    growing: GrowingObject[Model] = GrowingObject(output_cls)
    with closing(pieces):
        for piece in pieces:
            yield from growing.grow(piece)
    yield from growing.end()


async def agrowing_object(
    output_cls: type[Model], pieces: AsyncGenerator[ChatResponse, None]
) -> AsyncGenerator[Model | FlexibleModel, None]:
    """The object as it grows, and at last as a whole. Raises InvalidOutput."""
    growing: GrowingObject[Model] = GrowingObject(output_cls)
    async with aclosing(pieces):
        async for piece in pieces:
            for found in growing.grow(piece):
                yield found
    for found in growing.end():
        yield found
