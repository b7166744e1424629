"""A LangChain chat model whose spec picks, for each request, the provider and model that answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

from langchain_core.callbacks import (
    AsyncCallbackManagerForLLMRun,
    CallbackManagerForLLMRun,
    Callbacks,
)
from langchain_core.language_models import BaseChatModel, LangSmithParams, LanguageModelInput, ModelProfile
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult, LLMResult
from langchain_core.runnables import Runnable, RunnableConfig, ensure_config
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel, Field, PrivateAttr
from typing_extensions import override

from langchain_llm_router.answers import Pieces, last_chunk, to_ai_message
from langchain_llm_router.binding import BoundRouter
from langchain_llm_router.convert import to_message
from langchain_llm_router.errors import model_errors
from langchain_llm_router.hints import Resolved, hints_of_config, resolve, taken
from langchain_llm_router.structured import structured_output
from llm_router import Router
from llm_router.catalog.tokens import count_text
from llm_router.context import merge_hints
from llm_router.engine.answer import Answer
from llm_router.keywords import (
    check_source,
    check_tool_choice,
    read_constructor,
    read_hints,
    read_keywords,
    read_routing,
    read_tool,
)
from llm_router.messages import ChatRequest

SETTINGS = ("temperature", "top_p", "max_tokens", "stop", "seed", "reasoning_effort")
TRACING_ONLY = ("stream", "ls_structured_output_format", "structured_output_format")
"""Keywords that are core's own affair and may still arrive."""


class ChatLLMRouter(BaseChatModel):
    """A chat model that asks whom its spec says.

    Make one with `ChatLLMRouter.from_file("spec.yaml")`, `ChatLLMRouter(spec=…)` (a mapping, or YAML text), or
    `ChatLLMRouter(router=…)`; `ChatLLMRouter()` takes the keys that are set in the environment.

    Hints are keywords here (`task="code"`), and `routing={"task": "code"}` on a call, on `bind` and in a
    RunnableConfig's metadata.
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
    streaming: bool | None = None
    """Whether `invoke` streams as well; unless said, it does where a handler listens to the pieces."""
    _bound: Mapping[str, object] = PrivateAttr(default_factory=dict)

    def __init__(self, *, spec: Mapping[str, Any] | str | None = None, **options: Any) -> None:
        """A model for this spec, or, without one, for the keys in the environment (`Router.from_env`).

        Raises SpecError for a wrong spec, RequestError for unknown keywords, or where there is neither spec nor key.
        """
        with model_errors():
            said = read_constructor(options, type(self).model_fields)
            check_source(spec, said.get("router"))
        super().__init__(**{**said, "router": said.get("router") or _router_of(spec)})

    @classmethod
    def from_file(cls, path: str | Path, **options: Any) -> Self:
        """A model for the spec in this file; options are hints and call parameters. Raises SpecError."""
        return cls(router=Router.from_file(path), **options)

    # who this is

    @property
    @override
    def _llm_type(self) -> str:
        return "llm-router"

    @property
    def model_name(self) -> str:
        """The name that was asked for, or the spec's."""
        return self.model or self.router.program.name or "llm-router"

    @property
    @override
    def _identifying_params(self) -> Mapping[str, Any]:
        """What tells this model from others: tracing and core's cache look at it."""
        said = {name: getattr(self, name) for name in SETTINGS}
        return {
            "model": self.model_name,
            "program_hash": self.router.program.program_hash,
            **{name: value for name, value in said.items() if value is not None},
        }

    @override
    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        params = super()._get_ls_params(stop=stop, **kwargs)
        params["ls_provider"] = "llm-router"
        params["ls_model_name"] = str(kwargs.get("model") or self.model_name)
        return params

    @override
    def _resolve_model_profile(self) -> ModelProfile | None:
        """The context window that every deployment has room for."""
        windows = [each.context for each in self.router.program.deployments.values() if each.context]
        return ModelProfile(max_input_tokens=min(windows)) if windows else None

    @override
    def get_num_tokens(self, text: str) -> int:
        """An estimate of the tokens of `text`."""
        return count_text(text, self.model).value

    # hints: the entry points resolve them when they are called

    def with_routing(self, routing: Mapping[str, Any]) -> Self:
        """This model with hints bound to it, before those that it has already."""
        bound = self.model_copy()
        bound._bound = merge_hints(read_routing({"routing": routing}), self._bound)
        return bound

    @override
    def bind(self, **kwargs: Any) -> BoundRouter:  # type: ignore[override]  # core's class is private
        """This model with keywords bound to it."""
        return BoundRouter(bound=self, kwargs={}, config={}).bind(**kwargs)

    @override
    def with_config(self, config: RunnableConfig | None = None, **kwargs: Any) -> BoundRouter:
        """This model with configuration bound to it."""
        merged = RunnableConfig(**{**(config or {}), **kwargs})  # type: ignore[typeddict-item]  # as core does
        return BoundRouter(bound=self, kwargs={}, config=merged)

    def _routed(
        self, keywords: dict[str, Any], metadata: Mapping[str, Any] | None, tags: Sequence[str] | None
    ) -> dict[str, Any]:
        """The keywords of a call with all its hints under `routing`."""
        if isinstance(keywords.get("routing"), Resolved):
            return keywords
        with model_errors():
            call = read_hints(keywords)
            config = hints_of_config(metadata, tags, self.router.program)
        said = {"model": self.model, "timeout": self.timeout}
        below = {**self.routing, **{name: value for name, value in said.items() if value is not None}}
        return {**keywords, "routing": resolve(call, self._bound, config, below)}

    def _configured(self, keywords: dict[str, Any], config: RunnableConfig | None) -> dict[str, Any]:
        whole = ensure_config(config)
        routed = self._routed(keywords, whole.get("metadata"), whole.get("tags"))
        if (run_id := whole.get("run_id")) is not None:
            routed["routing"].run_id = str(run_id)
        return routed

    @override
    def generate(
        self,
        messages: list[list[BaseMessage]],
        stop: list[str] | None = None,
        callbacks: Callbacks = None,
        *,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> LLMResult:
        """Answers to several conversations; `invoke` and `batch` come through here as well."""
        routed = self._routed(kwargs, metadata, tags)
        return super().generate(messages, stop, callbacks, tags=tags, metadata=metadata, **routed)

    @override
    def agenerate(
        self,
        messages: list[list[BaseMessage]],
        stop: list[str] | None = None,
        callbacks: Callbacks = None,
        *,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Coroutine[Any, Any, LLMResult]:
        """Answers to several conversations, side by side."""
        routed = self._routed(kwargs, metadata, tags)
        return super().agenerate(messages, stop, callbacks, tags=tags, metadata=metadata, **routed)

    @override
    def ainvoke(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> Coroutine[Any, Any, AIMessage]:
        """The answer. Hints are taken now, not when the coroutine begins to run."""
        return super().ainvoke(input, config, stop=stop, **self._configured(kwargs, config))

    @override
    def stream(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> Iterator[AIMessageChunk]:
        """The answer piece by piece. Hints are taken now, not at the first piece."""
        config = _named(config)
        return super().stream(input, config, stop=stop, **self._configured(kwargs, config))

    @override
    def astream(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[AIMessageChunk]:
        """The answer piece by piece. Hints are taken now, not at the first piece."""
        config = _named(config)
        return super().astream(input, config, stop=stop, **self._configured(kwargs, config))

    @override
    def stream_events(self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """The events of a call, as core defines them. Hints are taken now."""
        return super().stream_events(input, config, **self._configured(kwargs, config))

    @override
    def astream_events(self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """The events of a call, as core defines them. Hints are taken now."""
        return super().astream_events(input, config, **self._configured(kwargs, config))

    # the four ways to be asked

    def _request(
        self, messages: Sequence[BaseMessage], stop: list[str] | None, keywords: dict[str, Any]
    ) -> tuple[ChatRequest, Resolved]:
        routed = self._routed(keywords, None, None)
        read = read_keywords({name: value for name, value in routed.items() if name not in TRACING_ONLY})
        below = read_keywords({name: getattr(self, name) for name in SETTINGS}).settings
        if stop is not None:
            below = read_keywords({"stop": stop}).settings.over(below)
        return read.request(map(to_message, messages), below), routed["routing"]

    def _provider(self, answer: Answer) -> str:
        """The name that LangChain knows the provider by: its kind, or its own name where any server may be meant."""
        provider = self.router.program.providers.get(answer.provider)
        return answer.provider if provider is None or provider.kind == "openai-compatible" else provider.kind

    def _result(self, answer: Answer) -> ChatResult:
        message = to_ai_message(answer, self._provider(answer), blocks=self.output_version == "v1")
        return ChatResult(generations=[ChatGeneration(message=message)])

    @override
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        with model_errors():
            request, hints = self._request(messages, stop, kwargs)
            with taken(hints, run_manager.run_id if run_manager else None):
                return self._result(self.router.chat(request))

    @override
    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        with model_errors():
            request, hints = self._request(messages, stop, kwargs)
            with taken(hints, run_manager.run_id if run_manager else None):
                return self._result(await self.router.achat(request))

    @override
    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        with model_errors():
            request, hints = self._request(messages, stop, kwargs)
            with taken(hints, run_manager.run_id if run_manager else None):
                events = self.router.stream(request)
            blocks = self.output_version == "v1"
            pieces = Pieces(blocks=blocks)
            with events:
                for event in events:
                    if (chunk := pieces.chunk(event)) is not None:
                        yield ChatGenerationChunk(message=chunk)
                last = last_chunk(events.answer, self._provider(events.answer), blocks=blocks)
                yield ChatGenerationChunk(message=last)

    @override
    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        with model_errors():
            request, hints = self._request(messages, stop, kwargs)
            with taken(hints, run_manager.run_id if run_manager else None):
                events = self.router.astream(request)
            blocks = self.output_version == "v1"
            pieces = Pieces(blocks=blocks)
            async with events:
                async for event in events:
                    if (chunk := pieces.chunk(event)) is not None:
                        yield ChatGenerationChunk(message=chunk)
                last = last_chunk(events.answer, self._provider(events.answer), blocks=blocks)
                yield ChatGenerationChunk(message=last)

    # tools and structured output

    @override
    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | dict[str, Any] | bool | None = None,
        strict: bool | None = None,
        **kwargs: Any,
    ) -> BoundRouter:
        """This model with tools that it may call.

        `tool_choice` is `auto`, `none`, `required` (or `any`, `True`), or the name of the tool that must be called.
        Raises RequestError for tools that run at one provider only.
        """
        formatted = [_described(tool, strict=strict) for tool in tools]
        with model_errors():
            check_tool_choice(tool_choice, [read_tool(tool) for tool in formatted])
        chosen = {} if tool_choice is None else {"tool_choice": tool_choice}
        return self.bind(tools=formatted, **chosen, **kwargs)

    @override
    def with_structured_output(
        self, schema: dict[str, Any] | type, *, include_raw: bool = False, **kwargs: Any
    ) -> Runnable[LanguageModelInput, dict[str, Any] | BaseModel]:
        """This model, answering in the form of `schema` (pydantic, TypedDict, JSON Schema or a tool's schema).

        `method` is `json_schema` (default), `function_calling` or `json_mode`; `strict` is handed to providers that
        can hold a model to a schema. Each method works with every deployment that can do it.
        """
        return structured_output(self, schema, include_raw=include_raw, **kwargs)


def _router_of(spec: Mapping[str, Any] | str | None) -> Router:
    if spec is None:
        return Router.from_env()
    return Router.from_text(spec) if isinstance(spec, str) else Router.from_spec(spec)


def _named(config: RunnableConfig | None) -> RunnableConfig:
    """The configuration with a run id: core makes one up all the same, and tells `_stream` of none."""
    return {"run_id": uuid4(), **(config or {})}


def _described(tool: dict[str, Any] | type | Callable[..., Any] | BaseTool, *, strict: bool | None) -> dict[str, Any]:
    """The tool in OpenAI's form, with the cache mark that its `extras` or its own mapping bear."""
    said = convert_to_openai_tool(tool, strict=strict)
    bearer = tool.extras if isinstance(tool, BaseTool) else tool if isinstance(tool, dict) else None
    mark = (bearer or {}).get("cache_control")
    return said if mark is None else {**said, "cache_control": mark}
