"""What may be asked: a text, messages, or a whole request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from llm_router.errors import RequestError
from llm_router.messages import ChatRequest, Message

Conversation = str | Message | Iterable[Message] | ChatRequest


def request_of(conversation: Conversation) -> ChatRequest:
    """The request that is meant. Raises RequestError for what is no conversation."""
    if isinstance(conversation, Mapping):
        raise RequestError("a conversation is made of messages, not of mappings", help="use `llm_router.user(…)`")
    request = ChatRequest.of(conversation)
    if not request.messages:
        raise RequestError("a conversation needs a message at least")
    strangers: list[object] = [each for each in request.messages if type(each) is not Message]
    for stranger in strangers:
        if not isinstance(stranger, Message):
            kind = type(stranger).__name__
            raise RequestError(f"a conversation is made of messages, not of `{kind}`", help="use `llm_router.user(…)`")
    return request
