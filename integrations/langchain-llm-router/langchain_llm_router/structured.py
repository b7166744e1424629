"""Answers in the form of a schema: what the model is asked for, and what reads its answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.output_parsers import JsonOutputParser, PydanticOutputParser
from langchain_core.output_parsers.openai_tools import JsonOutputKeyToolsParser, PydanticToolsParser
from langchain_core.runnables import Runnable, RunnableMap, RunnablePassthrough
from langchain_core.utils.function_calling import convert_to_json_schema, convert_to_openai_tool
from langchain_core.utils.pydantic import is_basemodel_subclass

from langchain_llm_router.errors import RequestError
from llm_router.diagnostics import did_you_mean
from llm_router.keywords import schema_name

if TYPE_CHECKING:
    from langchain_llm_router.chat import ChatLLMRouter

Schema = dict[str, Any] | type
Model = Runnable[LanguageModelInput, AIMessage]


def structured_output(
    model: ChatLLMRouter,
    schema: Schema,
    *,
    include_raw: bool = False,
    method: str = "json_schema",
    strict: bool | None = None,
    **kwargs: Any,
) -> Runnable[LanguageModelInput, Any]:
    """The model followed by what reads its answer. With `include_raw`, a dict of `raw`, `parsed`, `parsing_error`."""
    if method not in METHODS:
        raise RequestError(f"unknown method `{method}`", help=did_you_mean(method, METHODS))
    asked, parser = METHODS[method](model, schema, strict)
    asked = asked.bind(
        **kwargs, ls_structured_output_format={"kwargs": {"method": method, "strict": strict}, "schema": schema}
    )
    return _with_raw(asked, parser) if include_raw else asked | parser


def _json_schema(model: ChatLLMRouter, schema: Schema, strict: bool | None) -> tuple[Model, Runnable[AIMessage, Any]]:
    wanted = convert_to_json_schema(schema, strict=strict)
    described = {"name": schema_name(wanted["title"]), "schema": wanted, "strict": strict}
    return model.bind(response_format={"type": "json_schema", "json_schema": described}), _text_parser(schema)


def _json_mode(model: ChatLLMRouter, schema: Schema, _strict: bool | None) -> tuple[Model, Runnable[AIMessage, Any]]:
    return model.bind(response_format={"type": "json_object"}), _text_parser(schema)


def _function_calling(
    model: ChatLLMRouter, schema: Schema, strict: bool | None
) -> tuple[Model, Runnable[AIMessage, Any]]:
    """One tool that must be called. Parallel calls aren't forbidden: some providers can't, and the first is read."""
    name = convert_to_openai_tool(schema)["function"]["name"]
    asked = model.bind_tools([schema], tool_choice=name, strict=strict)
    if isinstance(schema, type) and is_basemodel_subclass(schema):
        return asked, PydanticToolsParser(tools=[schema], first_tool_only=True)
    return asked, JsonOutputKeyToolsParser(key_name=name, first_tool_only=True)


Method = Callable[["ChatLLMRouter", Schema, bool | None], tuple[Model, Runnable[AIMessage, Any]]]
METHODS: Mapping[str, Method] = {
    "json_schema": _json_schema,
    "function_calling": _function_calling,
    "json_mode": _json_mode,
}
"""The ways to ask for a form, by LangChain's names."""


def _text_parser(schema: Schema) -> Runnable[AIMessage, Any]:
    if isinstance(schema, type) and is_basemodel_subclass(schema):
        return PydanticOutputParser(pydantic_object=schema)
    return JsonOutputParser()


def _with_raw(asked: Model, parser: Runnable[AIMessage, Any]) -> Runnable[LanguageModelInput, Any]:
    parsed = RunnablePassthrough.assign(parsed=itemgetter("raw") | parser, parsing_error=lambda _: None)
    unparsed = RunnablePassthrough.assign(parsed=lambda _: None)
    return RunnableMap(raw=asked) | parsed.with_fallbacks([unparsed], exception_key="parsing_error")
