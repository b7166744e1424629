"""What OpenAI's responses accept. Wording, codes and params follow errors of api.openai.com, told or recorded."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from llm_router.messages import Json, JsonObject
from llm_router.testing.dialects.dialect import objects
from llm_router.testing.dialects.openai_rules import NAME, bad_request, misfit_problem, readable_image, strict_schema
from llm_router.testing.question import Problem
from llm_router.testing.shapes import (
    Anything,
    Array,
    Either,
    Flag,
    Misfit,
    Number,
    Object,
    Shape,
    String,
    Tagged,
    find_misfit,
)

SEALED = "gAAAAA"
"""How encrypted thoughts begin."""
_NAME = String(pattern=NAME, short=1, long=64)
_DETAIL = String(("low", "high", "auto", "original"))
_PARTS = Tagged(
    "type",
    {
        "input_text": Object({"text": String()}, ("text",)),
        "input_image": Object({"image_url": String(), "file_id": String(), "detail": _DETAIL}),
        "input_file": Object(
            {"file_data": String(), "file_url": String(), "file_id": String(), "filename": String(), "detail": _DETAIL}
        ),
    },
)
_ANSWERED = Tagged(
    "type",
    {
        "output_text": Object({"text": String(), "annotations": Array(Anything()), "logprobs": Anything()}, ("text",)),
        "refusal": Object({"refusal": String()}, ("refusal",)),
    },
)
_PHASE = String(("commentary", "final_answer"))
_STATUS = String(("in_progress", "completed", "incomplete"))
_ID = {"id": String(), "type": String(), "status": _STATUS}


def _message(part: Shape) -> Object:
    content = Either((String(), Array(part)))
    return Object({**_ID, "role": String(), "content": content, "phase": _PHASE}, ("role", "content"))


_MESSAGES: Mapping[str, Object] = {
    **dict.fromkeys(("user", "system", "developer"), _message(_PARTS)),
    "assistant": _message(_ANSWERED),
}
_ITEMS: Mapping[str, Object] = {
    "function_call": Object(
        {**_ID, "call_id": String(short=1, long=64), "name": _NAME, "arguments": String()},
        ("call_id", "name", "arguments"),
    ),
    "function_call_output": Object(
        {**_ID, "call_id": String(short=1, long=64), "output": Either((String(), Array(_PARTS)))}, ("call_id", "output")
    ),
    "reasoning": Object(
        {
            **_ID,
            "summary": Array(Tagged("type", {"summary_text": Object({"text": String()}, ("text",))})),
            "content": Array(Tagged("type", {"reasoning_text": Object({"text": String()}, ("text",))})),
            "encrypted_content": String(),
        },
        ("id", "summary"),
    ),
}


def _item(value: Json, path: str) -> Misfit | None:
    """What is wrong with an input item: one without a type is a message."""
    if not isinstance(value, Mapping):
        return Misfit("type", path, "an object", "something else")
    kind = str(value.get("type") or "message")
    if kind != "message" and kind not in _ITEMS:
        return Misfit("value", f"{path}.type", "'message', 'reasoning', 'function_call' and others", kind)
    role = str(value.get("role"))
    if kind == "message" and role not in _MESSAGES:
        return Misfit("value", f"{path}.role", "'assistant', 'system', 'developer', and 'user'", role)
    return find_misfit(_MESSAGES[role] if kind == "message" else _ITEMS[kind], value, path)


_TOOL = Tagged(
    "type",
    {
        "function": Object(
            {"name": _NAME, "description": String(), "parameters": Object(open=True), "strict": Flag()}, ("name",)
        ),
        **dict.fromkeys(("web_search", "file_search", "code_interpreter", "mcp", "custom"), Object(open=True)),
    },
)
_FORMAT = Tagged(
    "type",
    {
        "text": Object(),
        "json_object": Object(),
        "json_schema": Object(
            {"name": _NAME, "description": String(), "schema": Object(open=True), "strict": Flag()}, ("name", "schema")
        ),
    },
)
_INCLUDED = String(
    (
        "file_search_call.results",
        "web_search_call.results",
        "web_search_call.action.sources",
        "message.input_image.image_url",
        "computer_call_output.output.image_url",
        "code_interpreter_call.outputs",
        "reasoning.encrypted_content",
        "message.output_text.logprobs",
    )
)
_EFFORT = String(("none", "minimal", "low", "medium", "high", "xhigh", "max"))
_OPEN = (
    "metadata",
    "moderation",
    "prompt",
    "prompt_cache_options",
    "stream_options",
    "conversation",
    "access_programs",
)
FIELDS: Mapping[str, Shape] = {
    **dict.fromkeys((*_OPEN, "image"), Anything()),
    "model": String(),
    "input": Either((String(), Array(Anything(_item), short=1))),
    "instructions": String(),
    "background": Flag(),
    "context_management": Array(Anything()),
    "include": Array(_INCLUDED),
    "max_output_tokens": Number(16, integer=True),
    "max_tool_calls": Number(1, integer=True),
    "parallel_tool_calls": Flag(),
    "previous_response_id": String(),
    "prompt_cache_key": String(),
    "prompt_cache_retention": String(("in_memory", "24h")),
    "reasoning": Object(
        {
            "effort": _EFFORT,
            "summary": String(("auto", "concise", "detailed")),
            "generate_summary": String(),
            "context": String(("auto", "current_turn", "all_turns")),
            "mode": String(),
        }
    ),
    "safety_identifier": String(long=64),
    "service_tier": String(("auto", "default", "flex", "scale", "priority", "fast")),
    "store": Flag(),
    "stream": Flag(),
    "temperature": Number(0, 2),
    "text": Object({"format": _FORMAT, "verbosity": String(("low", "medium", "high"))}),
    "tool_choice": Either((String(("none", "auto", "required")), Object({"type": String(), "name": _NAME}, ("type",)))),
    "tools": Array(_TOOL, long=128),
    "top_logprobs": Number(0, 20, integer=True),
    "top_p": Number(0, 1),
    "truncation": String(("auto", "disabled")),
    "user": String(),
}


def misfit_told(misfit: Misfit) -> Problem:
    """A misfit in the words of this API, which differ from chat completions' in some."""
    if misfit.kind == "unknown":
        return bad_request(f"Unknown parameter: '{misfit.path}'.", code="unknown_parameter", param=misfit.path)
    if misfit.kind in ("low", "high"):
        number = "decimal" if misfit.path in ("temperature", "top_p") else "integer"
        side, sign, code = ("below minimum", ">=", "min") if misfit.kind == "low" else ("above maximum", "<=", "max")
        said = f"Expected a value {sign} {misfit.expected}, but got {misfit.got} instead."
        message = f"Invalid '{misfit.path}': {number} {side} value. {said}"
        return bad_request(message, code=f"{number}_{side.split()[0]}_{code}_value", param=misfit.path)
    return misfit_problem(misfit)


def broken_rules(body: JsonObject, *, strict: bool) -> Iterator[Problem]:
    """What a body of the right shape still has wrong; `strict` for OpenAI's own models, whose limits are known."""
    yield from _calls(body)
    yield from _thoughts(body)
    yield from _formats(body)
    yield from _tools(body)
    yield from _images(body)
    if strict:
        yield from _models(body)


def items_of(body: JsonObject) -> list[JsonObject]:
    """The input's items, none where it is a text."""
    return objects(body.get("input"))


def _calls(body: JsonObject) -> Iterator[Problem]:
    """Each call is answered further on, and nothing answers a call that wasn't made."""
    items = items_of(body)
    called = [str(item["call_id"]) for item in items if item.get("type") == "function_call"]
    answered = [str(item["call_id"]) for item in items if item.get("type") == "function_call_output"]
    for call in (call for call in answered if call not in called):
        yield bad_request(f"No tool call found for function call output with call_id {call}.", param="input")
    for call in (call for call in called if call not in answered):
        yield bad_request(f"No tool output found for function call {call}.", param="input")


def _thoughts(body: JsonObject) -> Iterator[Problem]:
    """Without storage a reasoning item carries what it needs, and what it led to stands behind it."""
    items = items_of(body)
    for place, item in enumerate(items):
        if item.get("type") != "reasoning":
            continue
        sealed = item.get("encrypted_content")
        if not sealed and body.get("store") is False:
            said = "Items are not persisted when `store` is set to false. Try again with `store` set to true, or remove"
            message = f"Item with id '{item['id']}' not found. {said} this item from your input."
            yield Problem(404, message, "invalid_request_error", None, "input")
        if sealed and not str(sealed).startswith(SEALED):
            message = f"The encrypted content for item {item['id']} could not be verified."
            yield bad_request(message, code="invalid_encrypted_content")
        following = items[place + 1] if place + 1 < len(items) else {}
        if following.get("role") not in (None, "assistant") or not following:
            message = f"Item '{item['id']}' of type 'reasoning' was provided without its required following item."
            yield bad_request(message, param="input")


def _formats(body: JsonObject) -> Iterator[Problem]:
    text = body.get("text")
    form = text.get("format") if isinstance(text, Mapping) else None
    if not isinstance(form, Mapping):
        return
    if form.get("type") == "json_object" and "json" not in str([body.get("input"), body.get("instructions")]).lower():
        message = "Response input messages must contain the word 'json' in some form to use 'text.format' of type "
        yield bad_request(f"{message}'json_object'.", param="input")
    if form.get("strict"):
        yield from strict_schema(form.get("schema"), f"response_format '{form.get('name')}'", "text.format.schema")


def _tools(body: JsonObject) -> Iterator[Problem]:
    tools = [tool for tool in objects(body.get("tools")) if tool.get("type") == "function"]
    for place, tool in enumerate(tools):
        if tool.get("strict"):
            param = f"tools[{place}].parameters"
            yield from strict_schema(tool.get("parameters"), f"function '{tool['name']}'", param)
    choice = body.get("tool_choice")
    named = choice.get("name") if isinstance(choice, Mapping) else None
    if named is not None and named not in [tool["name"] for tool in tools]:
        yield bad_request("Tool choice 'function' not found in 'tools' parameter.", param="tool_choice")
    if choice == "required" and not body.get("tools"):
        yield bad_request("Tool choice 'required' must be specified with 'tools' parameter.", param="tool_choice")


def _images(body: JsonObject) -> Iterator[Problem]:
    for item in items_of(body):
        for part in (*objects(item.get("content")), *objects(item.get("output"))):
            url = part.get("image_url")
            if url is not None and not readable_image(str(url)):
                message = f"Invalid 'input'. Expected a valid URL, but got a value with an invalid format: '{url}'."
                yield bad_request(message, code="invalid_value", param="input")


_EFFORTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"gpt-5-pro", ("high",)),
    (r"gpt-5[.\d]*-pro", ("medium", "high", "xhigh")),
    (r"gpt-5.*codex|o\d|codex", ("low", "medium", "high", "xhigh")),
    (r"gpt-5\.|gpt-[6-9]", ("none", "low", "medium", "high", "xhigh", "max")),
    (r"gpt-5", ("minimal", "low", "medium", "high")),
)


def _models(body: JsonObject) -> Iterator[Problem]:
    """What reasoning models and the others each refuse."""
    model, thinking = str(body.get("model")), body.get("reasoning")
    effort = thinking.get("effort") if isinstance(thinking, Mapping) else None
    known = next((words for pattern, words in _EFFORTS if re.match(pattern, model)), None)
    if re.match(r"(gpt-[34]|chatgpt|gpt-5-chat)", model):
        if "reasoning.encrypted_content" in str(body.get("include")):
            yield bad_request("Encrypted content is not supported with this model.", param="include")
        if effort is not None:
            yield _unsupported("reasoning.effort")
    elif known is not None:
        if effort is not None and effort not in known:
            listed = ", ".join(f"'{word}'" for word in known)
            message = f"Unsupported value: '{effort}' is not supported with the '{model}' model. Supported values are: "
            yield bad_request(f"{message}{listed}.", code="unsupported_value", param="reasoning.effort")
        for name in ("temperature", "top_p"):
            if body.get(name) is not None and not ("none" in known and effort in (None, "none")):
                yield _unsupported(name)


def _unsupported(name: str) -> Problem:
    return bad_request(f"Unsupported parameter: '{name}' is not supported with this model.", param=name)
