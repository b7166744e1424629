"""Where members of the OpenAI-compatible family differ from OpenAI, as their emulated selves hold to it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

from llm_router.messages import JsonObject
from llm_router.testing.dialects.dialect import objects
from llm_router.testing.dialects.openai_rules import (
    FIELDS,
    IMAGE,
    MESSAGE,
    NAMED,
    REFUSAL_PART,
    TEXT_PART,
    USER_PARTS,
    bad_request,
    content,
)
from llm_router.testing.dialects.openai_thoughts import BACK, torn_thoughts
from llm_router.testing.question import Problem
from llm_router.testing.shapes import Anything, Array, Either, Flag, Number, Object, Shape, String, Tagged

_ROUTER = ("top_k", "min_p", "repetition_penalty")
_BACK = ("reasoning_content", "reasoning", "prefix")
"""What assistant messages may carry back: the provider's own reasoning, and the mark of prefill."""


@dataclass(frozen=True, slots=True)
class Member:
    """One kind of provider.

    `adds` are body fields beyond OpenAI's (their values aren't checked), `lacks` those of OpenAI's that it refuses.
    `parts` are further kinds of content. `any_tool` is its word for "some tool must be called". `keyless` ones run
    without a key. `usage_always` ones report usage in every stream.
    """

    adds: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    parts: Mapping[str, Object] = field(default_factory=dict)
    any_tool: str = "required"
    keyless: bool = False
    usage_always: bool = False


OPENAI = Member()

FAMILY: Mapping[str, Member] = {
    "openai": OPENAI,
    "azure": Member(("data_sources",)),
    "openai-compatible": Member((*_ROUTER, "thinking", "chat_template_kwargs"), keyless=True),
    "groq": Member(("reasoning_format", "include_reasoning", "search_settings")),
    "together": Member((*_ROUTER, "echo", "safety_model", "reasoning")),
    "mistral": Member(
        ("random_seed", "safe_prompt", "prompt_mode"),
        ("seed", "stream_options", "max_completion_tokens"),
        {
            "image_url": Object({"image_url": Either((String(), IMAGE))}, ("image_url",)),
            "input_audio": Object({"input_audio": Either((String(), Object(open=True)))}, ("input_audio",)),
            "document_url": Object({"document_url": String(), "document_name": String()}, ("document_url",)),
            "thinking": Object({"thinking": Array(Anything()), "closed": Flag()}, ("thinking",)),
        },
        any_tool="any",
        usage_always=True,
    ),
    "perplexity": Member(
        ("search_context_size", "search_domain_filter", "search_recency_filter", "return_images", "top_k"),
        ("tools", "stop", "seed"),
        {"file_url": Object({"file_url": Object({"url": String()}, ("url",))}, ("file_url",))},
        usage_always=True,
    ),
    "huggingface": Member(("top_k", "return_full_text", "options")),
    "deepseek": Member(("thinking",)),
    "openrouter": Member(
        (*_ROUTER, "provider", "models", "reasoning", "plugins", "usage", "transforms", "route"),
        parts={"text": Object({"text": String(), "cache_control": Object(open=True)}, ("text",))},
    ),
    "fireworks": Member((*_ROUTER, "context_length_exceeded_behavior")),
    "xai": Member(("search_parameters", "deferred")),
    "litellm": Member((*_ROUTER, "thinking", "tags", "guardrails", "mock_response"), keyless=True),
    "vllm": Member(
        (
            *(*_ROUTER, "chat_template_kwargs", "guided_json", "structured_outputs"),
            *("continue_final_message", "add_generation_prompt"),
        ),
        keyless=True,
    ),
    "lmstudio": Member((*_ROUTER, "repeat_penalty", "ttl"), keyless=True),
    "llamacpp": Member((*_ROUTER, "repeat_penalty", "chat_template_kwargs", "cache_prompt"), keyless=True),
}
"""The members by kind. Sources: their API references, 2025 and 2026, and recorded exchanges."""


def kind_of(path: str) -> str:
    """The kind of provider that a path names; the last one, because a deployment may be called so as well."""
    if "/azure/openai/" in path or "/openai/deployments/" in path:
        return "azure"
    return next((part for part in reversed(path.split("/")) if part in FAMILY), "openai")


@lru_cache(maxsize=64)
def body_shape(kind: str, also: frozenset[str]) -> Object:
    """What a body must look like for this kind of provider; the model is asked for separately, before all else."""
    member = FAMILY[kind]
    fields: dict[str, Shape] = {name: shape for name, shape in FIELDS.items() if name not in member.lacks}
    fields.update({name: Anything() for name in (*also, *member.adds) if name not in FIELDS})
    if member is not OPENAI:
        fields["messages"] = Array(_message(kind, member), short=1)
    if kind == "perplexity":  # its schemas need no name; recording of sonar, 2025
        fields["response_format"] = Object(open=True)
    if kind == "together":  # how many alternatives, not whether; docs.together.ai/reference/chat-completions-1, 2026
        fields["logprobs"] = Number(0, 20, integer=True)
    if kind == "groq":
        fields["reasoning_effort"] = String(("none", "default", "low", "medium", "high"))
    if "tool_choice" in fields:
        fields["tool_choice"] = Either((String(("none", "auto", member.any_tool)), NAMED))
    return Object(fields, ("messages",))


def _message(kind: str, member: Member) -> Tagged:
    """A message with the further parts and fields of this kind of provider."""
    cases = MESSAGE.cases
    plain = {"text": member.parts.get("text", TEXT_PART)}
    heard, said = content({**USER_PARTS, **member.parts}), {**plain, "refusal": REFUSAL_PART, **member.parts}
    back = {**dict.fromkeys(_BACK, Anything()), **BACK.get(kind, {}), "content": content(said, short=0)}
    return Tagged(
        "role",
        {
            **cases,
            "system": _with(cases["system"], {"content": content(plain)}),
            "user": _with(cases["user"], {"content": heard}),
            "assistant": _with(cases["assistant"], back),
            "tool": _with(cases["tool"], {"content": heard}),
        },
    )


def _with(shape: Object, fields: Mapping[str, Shape]) -> Object:
    return Object({**shape.fields, **fields}, shape.required)


def broken_habits(body: JsonObject, kind: str) -> Iterator[Problem]:
    """What a body that OpenAI would take has wrong for this kind."""
    for habit in _HABITS.get(kind, ()):
        yield from habit(body)


def _turns(body: JsonObject) -> Iterator[Problem]:
    """Perplexity's order of speakers (api-discussion issue 265, 2025; litellm issue 3918)."""
    roles = [str(message.get("role")) for message in objects(body.get("messages"))]
    spoken = roles[next((place for place, role in enumerate(roles) if role != "system"), len(roles)) :]
    message = ""
    if spoken[:1] == ["assistant"] or any(
        (one == "assistant") == (other == "assistant") or other == "system" for one, other in pairwise(spoken)
    ):
        message = "After the (optional) system message(s), user or tool message(s) should alternate with assistant "
        message += "message(s)."
    elif spoken[-1:] in ([], ["assistant"]):
        message = "Last message must have role `user`."
    if message:
        yield Problem(400, message, "invalid_message", "400")


def _thinking(body: JsonObject) -> Iterator[Problem]:
    """DeepSeek's models think unless told not to, and then take no forced call (DeepSeek-V3 issue 1376, 2026).

    What they thought before they called must come back (docs, guides/thinking_mode, 2026), if it was but nothing
    (recording of deepseek-reasoner, 2026).
    """
    told = body.get("thinking")
    idle = body.get("reasoning_effort") == "none" or (isinstance(told, Mapping) and told.get("type") == "disabled")
    thinks = re.match(r"deepseek-(v[4-9]|reasoner)", str(body.get("model"))) and not idle
    if thinks and body.get("tool_choice") not in (None, "auto", "none"):
        yield bad_request("Thinking mode does not support this tool_choice")
    called = (message for message in objects(body.get("messages")) if message.get("tool_calls"))
    if thinks and any(message.get("reasoning_content") is None for message in called):
        yield bad_request("The `reasoning_content` in the thinking mode must be passed back to the API.")


_STEADY = re.compile(r"grok-4(-|$)|grok-4\.1-fast|grok-4\.20(?!-multi)|grok-code|grok-build|grok-[23](?!-mini)")


def _steady(body: JsonObject) -> Iterator[Problem]:
    """Models of xAI's that think as they will (litellm 16265, hermes-agent issue 23088, 2025 to 2026)."""
    model = str(body.get("model"))
    steady = re.match(
        r"grok-4(-|$)|grok-4\.1-fast|grok-4\.20(?!-multi-agent)|grok-code|grok-build|grok-[23](?!-mini)", model
    )
    if steady and body.get("reasoning_effort") is not None:
        yield bad_request(f"Model {model} does not support parameter reasoningEffort.")


def _efforts(body: JsonObject) -> Iterator[Problem]:
    """GPT-OSS thinks at least a little (console.groq.com/docs/reasoning, 2026; litellm 38263)."""
    effort = body.get("reasoning_effort")
    if "gpt-oss" in str(body.get("model")) and effort not in (None, "low", "medium", "high"):
        message = "`reasoning_effort` must be one of `low`, `medium`, or `high`"
        yield bad_request(message, param="reasoning_effort")


def _all_or_nothing(body: JsonObject) -> Iterator[Problem]:
    """Groq's Qwen 3 thinks as it will, or not at all (console.groq.com/docs/reasoning, 2026)."""
    if "qwen3" in str(body.get("model")) and body.get("reasoning_effort") not in (None, "none", "default"):
        yield bad_request("`reasoning_effort` must be one of `none` or `default`", param="reasoning_effort")


_HABITS: Mapping[str, tuple[Callable[[JsonObject], Iterator[Problem]], ...]] = {
    "perplexity": (_turns,),
    "deepseek": (_thinking,),
    "xai": (_steady,),
    "groq": (_efforts, _all_or_nothing),
    "together": (_efforts,),
    "openrouter": (torn_thoughts,),
}
