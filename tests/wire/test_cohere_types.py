"""Cohere's own types of a request."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import cohere
import pytest
from pydantic import BaseModel


def check_against_vendor(body: dict[str, Any]) -> None:
    """Raises unless Cohere's library knows each part of the body."""
    known = set(inspect.signature(cohere.ClientV2.chat).parameters) | {"stream"}
    assert set(body) <= known, f"the library has no {set(body) - known}"
    roles: dict[str, type[BaseModel]] = {
        "user": cohere.UserChatMessageV2,
        "assistant": cohere.AssistantChatMessageV2,
        "system": cohere.SystemChatMessageV2,
        "tool": cohere.ToolChatMessageV2,
    }
    parts = [roles[message["role"]].model_validate(message) for message in body["messages"]]
    parts += [cohere.ToolV2.model_validate(each) for each in body.get("tools", ())]
    parts += [cohere.Document.model_validate(each) for each in body.get("documents", ()) if not isinstance(each, str)]
    for key, kind in (("thinking", cohere.Thinking), ("citation_options", cohere.CitationOptions)):
        parts += [kind.model_validate(body[key])] if key in body else []
    if "response_format" in body:
        parts.append(cohere.JsonObjectResponseFormatV2.model_validate(body["response_format"]))
    unknown = [name for part in parts for name in unknown_to(part)]
    assert not unknown, f"the library has no {unknown}"


def unknown_to(value: object) -> Iterator[str]:
    """Yields the names in a value of the library's that its types don't have: they let everything pass."""
    if isinstance(value, list | tuple):
        for each in value:
            yield from unknown_to(each)
    if isinstance(value, BaseModel):
        yield from (name for name in value.model_extra or {} if name not in ("type", "role"))  # told by the class
        for name in type(value).model_fields:
            yield from unknown_to(getattr(value, name))


def test_a_wrong_body_is_noticed() -> None:
    good = {"model": "m", "messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}], "p": 0.5}
    check_against_vendor(good)
    for wrong in (
        {**good, "top_p": 0.5},
        {**good, "messages": [{"role": "user", "content": "x", "nmae": "y"}]},
        {**good, "messages": [{"role": "user", "content": [{"type": "text", "txet": "x"}]}]},
        {**good, "tools": [{"type": "function", "function": {"nmae": "f"}}]},
        {**good, "thinking": {"type": "enabled", "budget": 5}},
    ):
        with pytest.raises((AssertionError, ValueError)):
            check_against_vendor(wrong)
