"""Whether a structured answer is what was asked for, and how it is asked for again where it isn't.

There are two ways to ask for one: by a response format, and by a tool that must be called.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from itertools import islice
from json import dumps, loads
from typing import TYPE_CHECKING

from llm_router.errors import RequestError
from llm_router.messages import (
    ChatRequest,
    ChatResponse,
    JsonFormat,
    JsonObject,
    NamedTool,
    Refusal,
    assistant,
    user,
)
from llm_router.wire.codec import Failure

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError
    from jsonschema.protocols import Validator

COMPLAINTS = 5
"""How many faults of an answer are told to who wrote it."""

LONGEST_COMPLAINT = 500
"""Characters of one of them: a validator quotes the value, which may be the whole answer."""


def check_output(response: ChatResponse, wanted: JsonFormat | None) -> Failure | None:
    """Why the answer isn't the JSON that was asked for; `None` where it is, or where it isn't meant to be.

    A call of tools and a refusal in the model's own words are no structured answers. No text of the answer is shown.
    """
    if wanted is None or response.tool_calls or _refuses(response):
        return None
    try:
        value = response.json()
    except ValueError as error:
        return _invalid(response, f"the answer is no JSON: {_place(error)}")
    wrong = next(_validator(wanted.schema).iter_errors(value), None) if wanted.schema is not None else None
    if wrong is None:
        return None
    return _invalid(response, f"the answer doesn't fit the schema: `{wrong.validator}` fails at `{wrong.json_path}`")


def check_calls(response: ChatResponse, request: ChatRequest) -> Failure | None:
    """Why the answer isn't the call of a tool that had to be made; `None` where it is, or none had to be.

    A refusal in the model's own words is no call. Whether the arguments are right is for the tool to judge; that they
    are JSON isn't. Nothing of them is shown.
    """
    forced = request.tool_choice == "required" or isinstance(request.tool_choice, NamedTool)
    if not forced or not request.tools or _refuses(response):
        return None
    if not response.tool_calls:
        return _invalid(response, "no tool was called, though one had to be")
    for call in response.tool_calls:
        try:
            loads(call.arguments or "{}")
        except ValueError as error:
            return _invalid(response, f"the call's arguments are no JSON: {_place(error)}")
    return None


def repaired(request: ChatRequest, response: ChatResponse) -> ChatRequest:
    """The request for the same answer, mended: it shows who wrote it the answer and what is wrong with it.

    Where there is no text to show it is the request itself. What the complaint quotes goes to the provider alone.
    """
    wanted, text = request.response_format, response.text
    if wanted is None or not text.strip():
        return request
    complaint = (
        f"This answer can't be used: {_complaint(response, wanted)}. Answer again: only the corrected JSON, whole."
    )
    return replace(request, messages=(*request.messages, assistant(text), user(complaint)))


def _complaint(response: ChatResponse, wanted: JsonFormat) -> str:
    try:
        value = response.json()
    except ValueError as error:
        return f"it is no JSON: {_place(error)}"
    wrong = _validator(wanted.schema or {}).iter_errors(value)
    return "it doesn't fit the schema: " + "; ".join(map(_fault, islice(wrong, COMPLAINTS)))


def _fault(wrong: ValidationError) -> str:
    return f"at `{wrong.json_path}`: {wrong.message[:LONGEST_COMPLAINT]}"


def check_schema(wanted: JsonFormat | None) -> None:
    """Nothing, if the wanted schema is a JSON Schema. Raises RequestError where it is none, before anything is sent."""
    if wanted is None or wanted.schema is None:
        return
    from jsonschema.exceptions import SchemaError

    try:
        _validator(wanted.schema)
    except SchemaError as error:
        message = f"the response format's schema is no JSON Schema: {error.message[:200]}"
        raise RequestError(message, help="see https://json-schema.org") from error


def _refuses(response: ChatResponse) -> bool:
    return any(isinstance(part, Refusal) for part in response.message.parts)


def _invalid(response: ChatResponse, message: str) -> Failure:
    return Failure("invalid_output", message, provider_request_id=response.provider_request_id)


def _place(error: ValueError) -> str:
    """Where reading stopped: a JSON error's message without the text around it."""
    line, column = getattr(error, "lineno", 1), getattr(error, "colno", 1)
    return f"{getattr(error, 'msg', 'unreadable').lower()} (line {line}, column {column})"


def _validator(schema: JsonObject) -> Validator:
    return _validator_of(dumps(schema, sort_keys=True, default=str))


@lru_cache(maxsize=64)
def _validator_of(text: str) -> Validator:
    from jsonschema.validators import Draft202012Validator, validator_for

    schema = loads(text)
    kind = validator_for(schema, default=Draft202012Validator)
    kind.check_schema(schema)
    return kind(schema)
