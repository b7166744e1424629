"""OpenAI's own types of a chat completion's request."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from openai.types.chat.completion_create_params import CompletionCreateParams
from pydantic import TypeAdapter


@cache
def _types() -> TypeAdapter[Any]:
    return TypeAdapter(CompletionCreateParams)


def check_against_vendor(body: object) -> None:
    """Raises unless OpenAI's library takes the body as a chat completion.

    Its lists are typed as iterables, which are validated only when iterated, at every depth.
    """
    exhaust(_types().validate_python(body))


def exhaust(value: Any) -> None:
    """Iterates whatever of a validated value is validated only then."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple | Iterator):
        for item in value:
            exhaust(item)


def test_a_wrong_body_is_noticed() -> None:
    check_against_vendor({"model": "m", "messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]})
    with pytest.raises(ValueError, match="role"):
        check_against_vendor({"model": "m", "messages": [{"role": "nobody", "content": "x"}]})
    with pytest.raises(ValueError, match="text"):
        check_against_vendor({"model": "m", "messages": [{"role": "user", "content": [{"type": "text"}]}]})
