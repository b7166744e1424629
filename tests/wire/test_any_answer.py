"""Whatever a server sends with a 200, an answer or a WireError comes out, never another exception."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from llm_router.errors import FAILURE_CLASSES
from llm_router.messages import FinishReason
from llm_router.wire.codec import WireError
from llm_router.wire.dialects import CODECS
from tests.wire.reading_streams import bytewise, decode_stream

_KEYS = [
    *("choices", "message", "delta", "content", "tool_calls", "function", "function_call", "name", "arguments", "id"),
    *("index", "finish_reason", "finish_details", "usage", "prompt_tokens", "prompt_tokens_details", "x_groq", "error"),
    *("reasoning", "reasoning_content", "refusal", "audio", "data", "transcript", "logprobs", "citations", "type"),
    *(
        "text",
        "thinking",
        "model",
        "done",
        "done_reason",
        "eval_count",
        "total_tokens",
        "object",
        "annotations",
        "images",
    ),
]
_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 3)
    | st.floats()
    | st.sampled_from(["", "stop", "error", "thinking", "f"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=4),
    max_leaves=15,
)
_CHOICES = st.fixed_dictionaries({}, optional=dict.fromkeys(("delta", "message", "finish_reason", "logprobs"), _VALUES))
_REPLIES = st.fixed_dictionaries(
    {},
    optional={"choices": st.lists(_CHOICES, max_size=2), "usage": _VALUES, "message": _VALUES, "done": st.booleans()},
)


@pytest.mark.parametrize("dialect", sorted(CODECS))
@settings(deadline=None)
@given(value=_REPLIES | _VALUES)
def test_any_json(dialect: str, value: Any) -> None:
    body = json.dumps(value).encode()
    with contextlib.suppress(WireError):
        answer = CODECS[dialect].decode({}, body)
        assert answer.finish_reason in FinishReason.__args__  # type: ignore[attr-defined]  # what a Literal is made of
    framed = body + b"\n" if dialect == "ollama" else b"data: " + body + b"\n\ndata: [DONE]\n\n"
    outcome = decode_stream(CODECS[dialect], {}, [framed])
    assert outcome.failure is None or outcome.failure.kind in FAILURE_CLASSES
    assert decode_stream(CODECS[dialect], {}, bytewise(framed)) == outcome or "NaN" in body.decode()


@pytest.mark.parametrize("dialect", sorted(CODECS))
@settings(deadline=None)
@given(body=st.binary(max_size=80))
@example(body=b"[" * 100_000)
@example(
    body=b'{"choices": [{"delta": {"tool_calls": [{"function": {"name": "f", "arguments": ' + b"[" * 900 + b"]" * 900
)
@example(body=b"9" * 5000)
def test_any_bytes(dialect: str, body: bytes) -> None:
    with contextlib.suppress(WireError):
        CODECS[dialect].decode({}, body)
    assert decode_stream(CODECS[dialect], {}, [body]).failure is not None
    decode_stream(CODECS[dialect], {}, [b"data: ", body, b"\n\n"])


@pytest.mark.parametrize("reason", ["network_error", "ERROR", "insufficient_system_resource"])
def test_text_beside_a_failing_finish_reason_is_not_lost(reason: str) -> None:
    chunk = {"id": "c", "model": "m", "choices": [{"delta": {"content": "so far"}, "finish_reason": reason}]}
    outcome = decode_stream(CODECS["openai"], {}, [b"data: " + json.dumps(chunk).encode() + b"\n\n"])
    assert outcome.failure is not None
    assert outcome.failure.kind in ("unavailable", "overloaded")
    assert (outcome.response.model, outcome.response.text) == ("m", "so far")
