"""What replies say of the sender's quota: real headers as they were recorded, and the same with nothing left."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from llm_router.wire.retry_after import quota
from tests.recordings import Recording, needs_recordings, recordings

PROVIDERS = ("anthropic", "azure_openai", "groq", "huggingface", "litellm_proxy", "openai", "openrouter", "together")
NOTHING_LEFT = {
    "openrouter/error_429-02-qwen3-8b-free": 5.0,
    "openrouter/error_429-03-qwen3-14b-free": 15.0,
    "openrouter/error_429-04-mai-ds-r1-free": 23.0,
}
"""The recorded replies after which nothing remains, and the seconds until it does again."""

EXHAUSTED = [
    ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "8.64s"}, 8.64),
    ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "6m0s"}, 360.0),
    ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "110ms"}, 0.11),
    ({"x-ratelimit-remaining-tokens": "7", "x-ratelimit-reset-tokens": "110ms"}, None),
    ({"x-ratelimit-remaining-tokens": "0"}, None),
    ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "0"}, None),
    (
        {
            "x-ratelimit-remaining-requests": "0",
            "x-ratelimit-reset-requests": "2s",
            "x-ratelimit-remaining-tokens": "0",
            "x-ratelimit-reset-tokens": "3s",
        },
        3.0,
    ),
    (
        {
            "date": "Sun, 10 Aug 2025 13:57:29 GMT",
            "anthropic-ratelimit-output-tokens-remaining": "0",
            "anthropic-ratelimit-output-tokens-reset": "2025-08-10T13:58:00Z",
        },
        31.0,
    ),
    ({"ratelimit-remaining": "0", "ratelimit-reset": "41"}, 41.0),
    ({"x-ratelimit-remaining-requests": "none", "x-ratelimit-reset-requests": "soon"}, None),
    ({}, None),
]


@pytest.mark.parametrize(("headers", "limited_s"), EXHAUSTED)
def test_nothing_remains_until_the_reset(headers: dict[str, str], limited_s: float | None) -> None:
    assert quota(headers).limited_s == pytest.approx(limited_s)


def _with_quota() -> Iterator[Recording]:
    for each in recordings(*PROVIDERS):
        if any("remaining" in name for name in each.headers):
            yield each


@needs_recordings
def test_of_all_recorded_replies_only_those_are_limited_of_whose_quota_nothing_remains() -> None:
    limited = {each.name: quota(each.headers).limited_s for each in _with_quota()}
    assert len(limited) > 200
    assert {name: wait for name, wait in limited.items() if wait is not None} == NOTHING_LEFT


@needs_recordings
@pytest.mark.parametrize("provider", ["anthropic", "groq", "openai", "openrouter"])
def test_a_recorded_answer_with_nothing_left_is_limited_until_its_own_reset(provider: str) -> None:
    waits = [quota(_emptied(each)).limited_s for each in _with_quota() if each.provider == provider]
    assert any(wait is not None and 0 < wait < 90_000 for wait in waits)


def _emptied(recording: Recording) -> dict[str, str]:
    return {name: "0" if "remaining" in name else value for name, value in recording.headers.items()}
