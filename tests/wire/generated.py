"""Generated requests: any conversation that the neutral types allow a caller to make."""

from __future__ import annotations

from hypothesis import strategies as st

from llm_router.messages import (
    ChatRequest,
    JsonFormat,
    Media,
    Message,
    NamedTool,
    Reasoning,
    Refusal,
    Settings,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)

_NAMES = st.from_regex(r"[a-zA-Z_]{1,8}", fullmatch=True)
_WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_TEXTS = st.builds(Text, _WORDS)
_TYPES = {
    "image": ["image/png", "image/webp"],
    "file": ["application/pdf", "text/plain"],
    "audio": ["audio/mpeg", "audio/wav"],
}
_MEDIA = st.sampled_from(["image", "file", "audio"]).flatmap(
    lambda kind: st.builds(
        Media,
        st.just(kind),
        url=st.none() | st.just("https://x.test/a"),
        data=st.none() | st.binary(max_size=8),
        media_type=st.none() | st.sampled_from(_TYPES[kind]),
        detail=st.none() | st.sampled_from(["auto", "low", "high"]),
    )
)
_CALLS = st.builds(ToolCall, _NAMES, _NAMES, st.sampled_from(["", "{}", '{"x": [1, "é"]}', "oops"]))
_RESULTS = st.builds(ToolResult, _NAMES, st.lists(_TEXTS, max_size=2).map(tuple), is_error=st.booleans())
_ANSWERS = st.lists(_TEXTS | _CALLS | st.builds(Reasoning, _WORDS) | st.builds(Refusal, _WORDS), min_size=1, max_size=4)
_SAID = st.lists(_TEXTS | _MEDIA, min_size=1, max_size=3)
_MESSAGES = st.one_of(
    st.builds(Message, st.just("system"), _TEXTS.map(lambda text: (text,))),
    st.builds(
        Message, st.just("user"), st.lists(_TEXTS | _MEDIA, min_size=1, max_size=3).map(tuple), _NAMES | st.none()
    ),
    st.builds(Message, st.just("assistant"), _ANSWERS.map(tuple)),
    st.builds(Message, st.just("tool"), st.lists(_RESULTS, min_size=1, max_size=2).map(tuple)),
)
_SCHEMAS = st.sampled_from([{"type": "object"}, {"type": "object", "properties": {"x": {"type": "number"}}}])
_SETTINGS = st.builds(
    Settings,
    temperature=st.none() | st.floats(0, 2),
    top_p=st.none() | st.floats(0, 1),
    max_output_tokens=st.none() | st.integers(1, 9999),
    stop=st.none() | st.lists(_WORDS, max_size=2).map(tuple),
    seed=st.none() | st.integers(0, 9),
    reasoning=st.none() | st.sampled_from(["none", "minimal", "low", "medium", "high"]),
    extra=st.just({}) | st.just({"user": "u"}),
)


def requests() -> st.SearchStrategy[ChatRequest]:
    """Any request."""
    return st.builds(
        ChatRequest,
        st.lists(_MESSAGES, min_size=1, max_size=4).map(tuple),
        st.lists(st.builds(Tool, _NAMES, _WORDS, _SCHEMAS, st.none() | st.booleans()), max_size=2).map(tuple),
        st.none() | st.sampled_from(["auto", "none", "required"]) | st.builds(NamedTool, _NAMES),
        st.none() | st.booleans(),
        st.none() | st.builds(JsonFormat, st.none() | _SCHEMAS, st.just("a"), st.none() | st.booleans()),
        _SETTINGS,
    )
