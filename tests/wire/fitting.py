"""Requests as the engine has them encoded: fitted to who is asked."""

from __future__ import annotations

from dataclasses import replace

from llm_router.messages import ChatRequest
from llm_router.wire.codec import Codec, HttpRequest, Target
from llm_router.wire.history import fitted


def encode_fitted(codec: Codec, request: ChatRequest, target: Target, *, stream: bool) -> HttpRequest:
    """The HTTP request for a conversation whose answers are all of the provider that is asked. Raises Unsupported."""
    messages = tuple(
        replace(message, deployment="it") if message.role == "assistant" else message for message in request.messages
    )
    past = fitted(replace(request, messages=messages), codec.history(target), own=lambda _: True)
    return codec.encode(past, target, stream=stream)
