"""A LlamaIndex LLM whose spec picks, for each request, the provider and model that answer."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Coroutine, Generator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseAsyncGen,
    ChatResponseGen,
    CompletionResponse,
    CompletionResponseAsyncGen,
    CompletionResponseGen,
    LLMMetadata,
    MessageRole,
    ToolCallBlock,
)
from llama_index.core.bridge.pydantic import Field
from llama_index.core.constants import DEFAULT_CONTEXT_WINDOW, DEFAULT_NUM_OUTPUTS
from llama_index.core.llms.callbacks import llm_chat_callback, llm_completion_callback
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.llms.llm import ToolSelection
from llama_index.core.prompts import BasePromptTemplate, PromptTemplate
from llama_index.core.types import Model, PydanticProgramMode, TokenAsyncGen, TokenGen
from llama_index.llms.llm_router.convert import (
    arguments_of,
    to_chat_response,
    to_completion,
    to_messages,
    with_one_call,
)
from llama_index.llms.llm_router.growing import GrowingMessage, afirst_call_of, agrown, first_call_of, grown
from llama_index.llms.llm_router.structured import (
    agrowing_object,
    begun,
    ended,
    growing_object,
    keywords_for,
    read_object,
)
from typing_extensions import override

from llm_router import Router, routing
from llm_router.context import current_hints, merge_hints, only_hints
from llm_router.keywords import (
    check_source,
    check_tool_choice,
    read_constructor,
    read_hints,
    read_keywords,
    read_routing,
    read_tool,
)
from llm_router.messages import ChatRequest, Message, user
from llm_router.tracking import counted

if TYPE_CHECKING:
    from llama_index.core.program.utils import FlexibleModel
    from llama_index.core.tools.types import BaseTool

    from llm_router.engine.answer import Answer
    from llm_router.engine.stream import AsyncStream, Stream

SETTINGS = ("temperature", "top_p", "max_tokens", "stop", "seed", "reasoning_effort")


class LLMRouter(FunctionCallingLLM):
    """An LLM that asks whom its spec says.

    Make one with `LLMRouter.from_file("spec.yaml")`, `LLMRouter(spec=…)` (a mapping, or YAML text), or
    `LLMRouter(router=…)`; `LLMRouter()` takes the keys that are set in the environment.

    Hints are keywords here (`task="code"`), `routing={"task": "code"}` on a call, and
    `metadata={"routing": …}` on a prompt. `context_window` and `num_output` are what LlamaIndex packs prompts for.
    """

    router: Router = Field(exclude=True, repr=False)
    routing: dict[str, Any] = Field(default_factory=dict, repr=False)
    model: str | None = None
    timeout: float | str | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    stop: list[str] | None = None
    seed: int | None = None
    reasoning_effort: str | None = None
    context_window: int | None = None
    num_output: int | None = None

    def __init__(self, *, spec: Mapping[str, Any] | str | None = None, **options: Any) -> None:
        """An LLM for this spec, or, without one, for the keys in the environment (`Router.from_env`).

        Raises SpecError for a wrong spec, RequestError for unknown keywords, or where there is neither spec nor key.
        """
        said = read_constructor(options, type(self).model_fields)
        check_source(spec, said.get("router"))
        super().__init__(**{**said, "router": said.get("router") or _router_of(spec)})

    @classmethod
    def from_file(cls, path: str | Path, **options: Any) -> Self:
        """An LLM for the spec in this file; options are hints and call parameters. Raises SpecError."""
        return cls(router=Router.from_file(path), **options)

    @classmethod
    @override
    def class_name(cls) -> str:
        """The name that LlamaIndex's serialisation uses."""
        return "llm_router"

    @property
    @override
    def metadata(self) -> LLMMetadata:
        """What LlamaIndex packs prompts for: the context window that every deployment of known size has room for."""
        program = self.router.program
        windows = [each.context for each in program.deployments.values() if each.context]
        cap = self.max_tokens or program.settings.max_output_tokens
        return LLMMetadata(
            context_window=self.context_window or min(windows, default=DEFAULT_CONTEXT_WINDOW),
            num_output=self.num_output or cap or DEFAULT_NUM_OUTPUTS,
            is_chat_model=True,
            is_function_calling_model=True,
            model_name=self.model or program.name or "llm-router",
        )

    def _request(self, messages: Sequence[Message], keywords: Mapping[str, Any]) -> tuple[ChatRequest, dict[str, Any]]:
        """The request, and its hints: key by key the first of call, `with routing()`, constructor."""
        read = read_keywords(keywords)
        below = read_keywords({name: getattr(self, name) for name in SETTINGS}).settings
        said = {"model": self.model, "timeout": self.timeout}
        constructor = {**self.routing, **{name: value for name, value in said.items() if value is not None}}
        return read.request(messages, below), merge_hints(read.hints, current_hints(), constructor)

    def _taken(self, keywords: Mapping[str, Any]) -> dict[str, Any]:
        """The keywords of a call that runs later, with the hints that hold now."""
        return {**keywords, "routing": merge_hints(read_hints(keywords), current_hints())}

    def _ask(self, messages: Sequence[Message], keywords: Mapping[str, Any]) -> Answer:
        request, hints = self._request(messages, keywords)
        with only_hints(hints):
            return self.router.chat(request)

    async def _aask(self, messages: Sequence[Message], keywords: Mapping[str, Any]) -> Answer:
        request, hints = self._request(messages, keywords)
        with only_hints(hints):
            return await self.router.achat(request)

    def _open(self, messages: Sequence[Message], keywords: Mapping[str, Any]) -> Stream:
        request, hints = self._request(messages, keywords)
        with only_hints(hints):
            return self.router.stream(request)

    def _aopen(self, messages: Sequence[Message], keywords: Mapping[str, Any]) -> AsyncStream:
        request, hints = self._request(messages, keywords)
        with only_hints(hints):
            return self.router.astream(request)

    # the eight ways to be asked: they take their hints when called, not when awaited or at the first piece

    @llm_chat_callback()
    @override
    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """The answer to a conversation."""
        return to_chat_response(self._ask(to_messages(messages), kwargs))

    @override
    def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> Coroutine[Any, Any, ChatResponse]:
        """The answer to a conversation."""
        answer: Coroutine[Any, Any, ChatResponse] = self._achat(messages, **self._taken(kwargs))
        return counted(answer)

    @llm_chat_callback()
    async def _achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        return to_chat_response(await self._aask(to_messages(messages), kwargs))

    @llm_completion_callback()
    @override
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """The answer to a prompt."""
        return to_completion(self._ask([user(prompt)], kwargs))

    @override
    def acomplete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Coroutine[Any, Any, CompletionResponse]:
        """The answer to a prompt."""
        answer: Coroutine[Any, Any, CompletionResponse] = self._acomplete(prompt, **self._taken(kwargs))
        return counted(answer)

    @llm_completion_callback()
    async def _acomplete(self, prompt: str, **kwargs: Any) -> CompletionResponse:
        return to_completion(await self._aask([user(prompt)], kwargs))

    @llm_chat_callback()
    @override
    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        """The answer to a conversation as it grows."""
        return grown(self._open(to_messages(messages), kwargs), GrowingMessage.chat_response, to_chat_response)

    @override
    def astream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> Coroutine[Any, Any, ChatResponseAsyncGen]:
        """The answer to a conversation as it grows."""
        answer: Coroutine[Any, Any, ChatResponseAsyncGen] = self._astream_chat(messages, **self._taken(kwargs))
        return counted(answer)

    @llm_chat_callback()
    async def _astream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseAsyncGen:
        return agrown(self._aopen(to_messages(messages), kwargs), GrowingMessage.chat_response, to_chat_response)

    @llm_completion_callback()
    @override
    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponseGen:
        """The answer to a prompt as it grows."""
        return grown(self._open([user(prompt)], kwargs), GrowingMessage.completion, to_completion)

    @override
    def astream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> Coroutine[Any, Any, CompletionResponseAsyncGen]:
        """The answer to a prompt as it grows."""
        answer: Coroutine[Any, Any, CompletionResponseAsyncGen] = self._astream_complete(prompt, **self._taken(kwargs))
        return counted(answer)

    @llm_completion_callback()
    async def _astream_complete(self, prompt: str, **kwargs: Any) -> CompletionResponseAsyncGen:
        return agrown(self._aopen([user(prompt)], kwargs), GrowingMessage.completion, to_completion)

    # tools

    @override
    def _prepare_chat_with_tools(  # type: ignore[override]  # core passes `tool_required` by keyword
        self,
        tools: Sequence[BaseTool],
        user_msg: str | ChatMessage | None = None,
        chat_history: list[ChatMessage] | None = None,
        verbose: bool = False,
        allow_parallel_tool_calls: bool = False,
        *,
        tool_required: bool = False,
        tool_choice: str | dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """The keywords of the call that asks for tools.

        Parallel calls aren't forbidden, only cut off afterwards: several providers have no way to say it, and that
        they aren't wanted is what LlamaIndex says unless it is told otherwise.
        """
        described = [tool.metadata.to_openai_tool(skip_length_check=True) for tool in tools]
        choice = tool_choice or ("required" if tool_required else None)
        check_tool_choice(choice, [read_tool(tool) for tool in described])
        asked = ChatMessage(role=MessageRole.USER, content=user_msg) if isinstance(user_msg, str) else user_msg
        return {
            "messages": [*(chat_history or ()), *((asked,) if asked else ())],
            "tools": described,
            "tool_choice": choice,
            "parallel_tool_calls": allow_parallel_tool_calls or None,
            **kwargs,
        }

    @override
    def stream_chat_with_tools(self, *args: Any, **kwargs: Any) -> ChatResponseGen:
        """The answer as it grows, with its first call only where no others are allowed."""
        pieces = super().stream_chat_with_tools(*args, **kwargs)
        return pieces if _allows_several(args, kwargs) else first_call_of(pieces)

    @override
    async def astream_chat_with_tools(self, *args: Any, **kwargs: Any) -> ChatResponseAsyncGen:
        """The answer as it grows, with its first call only where no others are allowed."""
        pieces = await super().astream_chat_with_tools(*args, **kwargs)
        return pieces if _allows_several(args, kwargs) else afirst_call_of(pieces)

    @override
    def _validate_chat_with_tools_response(
        self,
        response: ChatResponse,
        tools: Sequence[BaseTool],
        allow_parallel_tool_calls: bool = False,
        **kwargs: Any,
    ) -> ChatResponse:
        """The response, with its first call only where no others were allowed."""
        return response if allow_parallel_tool_calls else with_one_call(response)

    @override
    def get_tool_calls_from_response(
        self, response: ChatResponse, error_on_no_tool_call: bool = True, **kwargs: Any
    ) -> list[ToolSelection]:
        """The calls that a response asks for; what has come so far of the arguments, while it streams."""
        calls = [block for block in response.message.blocks if isinstance(block, ToolCallBlock)]
        if not calls and error_on_no_tool_call:
            raise ValueError(f"expected at least one tool call, but got {len(calls)}")
        return [
            ToolSelection(tool_id=call.tool_call_id or "", tool_name=call.tool_name, tool_kwargs=arguments_of(call))
            for call in calls
        ]

    # prompts may carry hints: `PromptTemplate(…, metadata={"routing": {"task": "code"}})`

    @override
    def predict(self, prompt: BasePromptTemplate, **prompt_args: Any) -> str:
        """The answer to a prompt template."""
        with routing(**read_routing(prompt.metadata)):
            return super().predict(prompt, **prompt_args)

    @override
    async def apredict(self, prompt: BasePromptTemplate, **prompt_args: Any) -> str:
        """The answer to a prompt template."""
        with routing(**read_routing(prompt.metadata)):
            return await super().apredict(prompt, **prompt_args)

    @override
    def stream(self, prompt: BasePromptTemplate, **prompt_args: Any) -> TokenGen:
        """The answer to a prompt template, token by token."""
        with routing(**read_routing(prompt.metadata)):
            return super().stream(prompt, **prompt_args)

    @override
    async def astream(self, prompt: BasePromptTemplate, **prompt_args: Any) -> TokenAsyncGen:
        """The answer to a prompt template, token by token."""
        with routing(**read_routing(prompt.metadata)):
            return await super().astream(prompt, **prompt_args)

    # objects are asked for by their schema; a `pydantic_program_mode` that says another way is core's to follow

    @override
    def structured_predict(
        self,
        output_cls: type[Model],
        prompt: PromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Model:
        """An object of `output_cls`. Raises InvalidOutput where the answer is none."""
        routed = _routed(prompt, llm_kwargs)
        if self.pydantic_program_mode != PydanticProgramMode.DEFAULT:
            found: Model = super().structured_predict(output_cls, prompt, routed, **prompt_args)
            return found
        messages = self._begun(output_cls, prompt, prompt_args)
        return ended(read_object(output_cls, self.chat(messages, **keywords_for(output_cls, routed))))

    @override
    async def astructured_predict(
        self,
        output_cls: type[Model],
        prompt: PromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Model:
        """An object of `output_cls`. Raises InvalidOutput where the answer is none."""
        routed = _routed(prompt, llm_kwargs)
        if self.pydantic_program_mode != PydanticProgramMode.DEFAULT:
            found: Model = await super().astructured_predict(output_cls, prompt, routed, **prompt_args)
            return found
        messages = self._begun(output_cls, prompt, prompt_args)
        return ended(read_object(output_cls, await self.achat(messages, **keywords_for(output_cls, routed))))

    @override
    def stream_structured_predict(
        self,
        output_cls: type[Model],
        prompt: PromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Generator[Model | FlexibleModel, None, None]:
        """An object of `output_cls` as it grows. Raises InvalidOutput at its end where the answer is none."""
        routed = _routed(prompt, llm_kwargs)
        if self.pydantic_program_mode != PydanticProgramMode.DEFAULT:
            return super().stream_structured_predict(output_cls, prompt, routed, **prompt_args)
        messages = self._begun(output_cls, prompt, prompt_args)
        return growing_object(output_cls, self.stream_chat(messages, **keywords_for(output_cls, routed)))

    @override
    async def astream_structured_predict(
        self,
        output_cls: type[Model],
        prompt: PromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> AsyncGenerator[Model | FlexibleModel, None]:
        """An object of `output_cls` as it grows. Raises InvalidOutput at its end where the answer is none."""
        routed = _routed(prompt, llm_kwargs)
        if self.pydantic_program_mode != PydanticProgramMode.DEFAULT:
            return await super().astream_structured_predict(output_cls, prompt, routed, **prompt_args)
        messages = self._begun(output_cls, prompt, prompt_args)
        return agrowing_object(output_cls, await self.astream_chat(messages, **keywords_for(output_cls, routed)))

    def _begun(
        self, output_cls: type[Model], prompt: BasePromptTemplate, prompt_args: dict[str, Any]
    ) -> list[ChatMessage]:
        """What is to be said for an object, once LlamaIndex's observers were told that it is asked for."""
        begun(output_cls, prompt, prompt_args)
        return self._extend_messages(prompt.format_messages(llm=self, **prompt_args))


def _routed(prompt: BasePromptTemplate, llm_kwargs: dict[str, Any] | None) -> dict[str, Any]:
    """Keywords of a structured call with the hints that hold now: said, the prompt's, and those of `with routing()`."""
    said = llm_kwargs or {}
    return {**said, "routing": merge_hints(read_routing(said), read_routing(prompt.metadata), current_hints())}


def _allows_several(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    """Whether a call with tools allows several: the fifth of core's arguments, which is `False` unless it is said."""
    return bool(kwargs.get("allow_parallel_tool_calls", args[4] if len(args) > 4 else False))


def _router_of(spec: Mapping[str, Any] | str | None) -> Router:
    if spec is None:
        return Router.from_env()
    return Router.from_text(spec) if isinstance(spec, str) else Router.from_spec(spec)
