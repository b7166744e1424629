"""Error replies, case by case (`cases/errors.yaml`): their class, the provider's words, and when to ask again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from llm_router.errors import FAILURE_CLASSES
from llm_router.wire.dialects import CODECS
from llm_router.wire.reading import LONGEST_MESSAGE
from tests.wire.reading_streams import failure_summary

CASES: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("cases").joinpath("errors.yaml").read_text())

_KEYS = ["error", "message", "code", "type", "detail", "errors", "metadata", "raw", "status", "innererror", "loc", "id"]
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS) | st.text(max_size=5), inner),
    max_leaves=12,
)
_HEADERS = st.dictionaries(
    st.sampled_from(["retry-after", "retry-after-ms", "x-ratelimit-reset", "x-ratelimit-remaining", "date"]),
    st.text(max_size=12) | st.sampled_from(["0", "1e400", "1759845420000", "6m0s", "Wed, 99 Oct 2015 07:28:30 GMT"]),
)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
@pytest.mark.parametrize("dialect", sorted(CODECS))
def test_an_error_reply_is_classed_as_stated(dialect: str, case: dict[str, Any]) -> None:
    body = json.dumps(case["body"]) if "body" in case else case["text"]
    failure = CODECS[dialect].decode_error(case["status"], case.get("headers", {}), body.encode())
    said = failure_summary(failure)
    assert {key: said.get(key) for key in case["expect"]} == case["expect"]
    assert failure.status == case["status"]


@settings(deadline=None)
@given(st.integers(400, 599), _HEADERS, st.binary(max_size=200) | _JSON.map(lambda value: json.dumps(value).encode()))
@example(500, {}, b"[" * 100_000)
@example(500, {}, b"\x00")
@example(500, {}, b'{"error": {"message": " "}}')
@example(429, {"retry-after": "9" * 400}, b'{"error": {"message": "' + b"x" * 100_000 + b'"}}')
@example(429, {}, b'{"error": {"message": "\\ud800", "code": ["x"]}}')
@example(429, {}, b'{"error": {"message": "input tokens' + b" tokens exceed" * 9000 + b'"}}')
def test_any_bytes_give_a_failure(status: int, headers: dict[str, str], body: bytes) -> None:
    failure = CODECS["openai"].decode_error(status, headers, body)
    assert failure.kind in FAILURE_CLASSES
    assert 0 < len(failure.message) <= LONGEST_MESSAGE
    assert failure.retry_after_s is None or failure.retry_after_s >= 0
