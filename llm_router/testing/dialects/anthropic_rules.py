"""What a body of the right shape can still have wrong for the Messages API, one field against another.

Wording follows recorded errors and the API's error reference, 2026. What a model takes is the catalogue's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from llm_router.catalog.providers import PROVIDERS
from llm_router.messages import Json, JsonObject
from llm_router.testing.dialects.anthropic_shapes import bad_request
from llm_router.testing.dialects.dialect import objects
from llm_router.testing.question import Problem
from llm_router.wire.anthropic.quirks import Quirks, read_quirks

_Turns = Sequence[tuple[str, list[JsonObject]]]


def broken_rules(body: JsonObject) -> Iterator[Problem]:
    """Everything that is wrong, in the order in which it is told."""
    quirks = read_quirks(PROVIDERS["anthropic"].quirks_for(None, str(body["model"])))
    turns = merged_turns(body)
    yield from _texts(body)
    yield from _order(turns)
    yield from _results(turns)
    yield from _tools(body)
    yield from _schemas(body)
    yield from _marks(body)
    for rule in (_sampling, _thinking, _forced, _prefill):
        yield from rule(body, quirks, turns)


def merged_turns(body: JsonObject) -> list[tuple[str, list[JsonObject]]]:
    """The messages as the model sees them: what one side says in a row is one turn."""
    turns: list[tuple[str, list[JsonObject]]] = []
    for message in objects(body.get("messages")):
        role = str(message["role"])
        if not turns or turns[-1][0] != role:
            turns.append((role, []))
        turns[-1][1].extend(blocks(message.get("content")))
    return turns


def blocks(content: Json) -> list[JsonObject]:
    """Content as the blocks that it stands for."""
    return [{"type": "text", "text": content}] if isinstance(content, str) else objects(content)


def _texts(body: JsonObject) -> Iterator[Problem]:
    messages = objects(body.get("messages"))
    for place, message in enumerate(messages):
        final = place == len(messages) - 1 and message.get("role") == "assistant"
        if not blocks(message.get("content")) or message.get("content") == "":
            if not final:
                said = "all messages must have non-empty content except for the optional final assistant message"
                yield bad_request(f"messages.{place}: {said}")
            continue
        yield from _blank(f"messages.{place}.content", blocks(message.get("content")))
    if body.get("system") != "":
        yield from _blank("system", blocks(body.get("system")))


def _blank(place: str, said: Sequence[JsonObject]) -> Iterator[Problem]:
    for text in (str(block["text"]) for block in said if block.get("type") == "text"):
        if not text:
            yield bad_request(f"{place}: text content blocks must be non-empty")
        elif not text.strip():
            yield bad_request(f"{place}: text content blocks must contain non-whitespace text")


def _order(turns: _Turns) -> Iterator[Problem]:
    if turns[0][0] != "user":
        yield bad_request('messages: first message must use the "user" role')
    role, said = turns[-1]
    last = said[-1] if said else {}
    if role == "assistant" and str(last.get("text", "")) != str(last.get("text", "")).rstrip():
        yield bad_request("messages: final assistant content cannot end with trailing whitespace")


def _results(turns: _Turns) -> Iterator[Problem]:
    """Every call is answered at the beginning of the next turn, and nothing else is answered."""
    asked: list[str] = []
    for place, (_, said) in enumerate((*turns, _NOBODY)):
        given = [str(block["tool_use_id"]) for block in said if block.get("type") == "tool_result"]
        yield from _pairs(f"messages.{place}", asked, given)
        if given and said[0].get("type") != "tool_result":
            yield bad_request(f"messages.{place}: `tool_result` blocks must come first in the message's content")
        for block in said:
            if block.get("is_error") and not block.get("content"):
                yield bad_request(
                    f"messages.{place}.content.0.tool_result: content cannot be empty if `is_error` is true"
                )
        asked = [str(block["id"]) for block in said if block.get("type") == "tool_use"]
        if len(set(asked)) < len(asked):
            yield bad_request(f"messages.{place}: `tool_use` ids must be unique")


_NOBODY: tuple[str, list[JsonObject]] = ("nobody", [])


def _pairs(place: str, asked: Sequence[str], given: Sequence[str]) -> Iterator[Problem]:
    missing = [call for call in asked if call not in given]
    if missing:
        yield bad_request(
            f"{place}: `tool_use` ids were found without `tool_result` blocks immediately after: {', '.join(missing)}. "
            "Each `tool_use` block must have a corresponding `tool_result` block in the next message."
        )
    for call in (call for call in given if call not in asked):
        yield bad_request(
            f"{place}.content.0: unexpected `tool_use_id` found in `tool_result` blocks: {call}. Each `tool_result` "
            "block must have a corresponding `tool_use` block in the previous message."
        )


def _tools(body: JsonObject) -> Iterator[Problem]:
    names = [str(tool.get("name")) for tool in objects(body.get("tools"))]
    if len(set(names)) < len(names):
        yield bad_request("tools: Tool names must be unique.")
    choice = body.get("tool_choice")
    if isinstance(choice, Mapping) and not names:
        yield bad_request("tool_choice may only be specified while providing tools.")
    elif isinstance(choice, Mapping) and choice["type"] == "tool" and choice["name"] not in names:
        yield bad_request(f"Tool '{choice['name']}' not found in provided tools")
    stop = body.get("stop_sequences")
    for word in stop if isinstance(stop, list) else []:
        if not str(word).strip():
            yield bad_request("stop_sequences: each stop sequence must contain non-whitespace")


def _schemas(body: JsonObject) -> Iterator[Problem]:
    config = body.get("output_config")
    form = config.get("format") if isinstance(config, Mapping) else body.get("output_format")
    if isinstance(form, Mapping):
        yield from _closed(form.get("schema"), "output_config.format.schema")
    for place, tool in enumerate(objects(body.get("tools"))):
        if tool.get("strict"):
            yield from _closed(tool.get("input_schema"), f"tools.{place}.custom")


def _closed(schema: Json, place: str) -> Iterator[Problem]:
    """What constrained decoding asks of each object: no keys but the named ones."""
    if isinstance(schema, list):
        for item in schema:
            yield from _closed(item, place)
    if not isinstance(schema, Mapping):
        return
    if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
        yield bad_request(f"{place}: For 'object' type, 'additionalProperties' must be explicitly set to false")
    for word in ("minimum", "maximum", "minLength", "maxLength", "maxItems", "multipleOf"):
        if word in schema and not isinstance(schema[word], Mapping):
            yield bad_request(f"{place}: For '{schema.get('type')}' type, property '{word}' is not supported")
    for below in schema.values():
        yield from _closed(below, place)


def _marks(body: JsonObject) -> Iterator[Problem]:
    found = str(body).count("'cache_control': {")
    if found > 4:
        yield bad_request(f"A maximum of 4 blocks with cache_control may be provided. Found {found}.")


def _sampling(body: JsonObject, quirks: Quirks, _: _Turns) -> Iterator[Problem]:
    chosen = [name for name in ("temperature", "top_p") if body.get(name) is not None]
    if quirks.sampling == "none":
        for name in (name for name in chosen if body[name] != 1):
            yield bad_request(f"`{name}` is deprecated for this model.")
    elif quirks.sampling == "one" and len(chosen) == 2:
        yield bad_request("`temperature` and `top_p` cannot both be specified for this model. Please use only one.")
    if _mode(body) in ("enabled", "adaptive") and body.get("temperature") not in (None, 1):
        yield bad_request("`temperature` may only be set to 1 when thinking is enabled or in adaptive mode.")


def _thinking(body: JsonObject, quirks: Quirks, turns: _Turns) -> Iterator[Problem]:
    mode = _mode(body)
    if mode is not None and mode not in _MODES[quirks.thinking]:
        hint = 'Use "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.'
        yield bad_request(f'"thinking.type.{mode}" is not supported for this model. {hint}')
    config = body.get("output_config")
    if quirks.thinking == "none" and isinstance(config, Mapping) and config.get("effort"):
        yield bad_request("This model does not support the effort parameter.")
    if mode == "enabled":
        yield from _budget(body, turns)


def _budget(body: JsonObject, turns: _Turns) -> Iterator[Problem]:
    """What holds while the model thinks within a number of tokens."""
    said = body["thinking"]
    if int(str(said["budget_tokens"] if isinstance(said, Mapping) else 0)) >= int(str(body["max_tokens"])):
        yield bad_request("`max_tokens` must be greater than `thinking.budget_tokens`.")
    last = next((said for role, said in reversed(turns) if role == "assistant"), [])
    under_way = turns[-1][0] == "assistant" or any(block.get("type") == "tool_use" for block in last)
    if under_way and last[0].get("type") not in ("thinking", "redacted_thinking"):
        yield bad_request(
            f"messages: Expected `thinking` or `redacted_thinking`, but found `{last[0].get('type')}`. When `thinking` "
            "is enabled, a final `assistant` message must start with a thinking block."
        )


_MODES: Mapping[str, tuple[str, ...]] = {
    "adaptive": ("adaptive", "disabled", "enabled"),
    "budget": ("enabled", "disabled"),
    "always": ("adaptive",),
    "between": ("adaptive", "between_tools"),
    "none": ("disabled",),
}


def _forced(body: JsonObject, quirks: Quirks, _: _Turns) -> Iterator[Problem]:
    choice = body.get("tool_choice")
    if not isinstance(choice, Mapping) or choice["type"] not in ("any", "tool"):
        return
    if quirks.forced_tools == "no":
        yield bad_request('tool_choice: type "tool" and "any" are not supported for this model.')
    if _mode(body) == "enabled":
        yield bad_request("Thinking may not be enabled when tool_choice forces tool use.")


def _prefill(_: JsonObject, quirks: Quirks, turns: _Turns) -> Iterator[Problem]:
    if turns[-1][0] == "assistant" and quirks.prefill == "no":
        yield bad_request(
            "This model does not support assistant message prefill. The conversation must end with a user message."
        )


def _mode(body: JsonObject) -> str | None:
    said = body.get("thinking")
    return str(said["type"]) if isinstance(said, Mapping) else None
