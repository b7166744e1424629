"""Who speaks when, where a provider holds to it: the system first, then user and assistant by turns, the user last.

What one says in several messages becomes one, its parts in their order; system messages move to the beginning, in
theirs. (perplexity: a 400 otherwise; api-discussion issue 265, 2025.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from llm_router.messages import Message
from llm_router.wire.codec import Unsupported


def by_turns(messages: Sequence[Message]) -> Sequence[Message]:
    """The messages in this order. Raises Unsupported where the user doesn't speak last."""
    told = [message for message in messages if message.role == "system"]
    spoken = [message for message in messages if message.role != "system"]
    if not spoken or spoken[-1].role != "user":
        raise Unsupported("an assistant message at the end")
    turns = [list(turn) for _, turn in groupby(spoken, key=lambda message: message.role)]
    return [*told, *(_as_one(turn) for turn in turns)]


def _as_one(turn: Sequence[Message]) -> Message:
    return replace(turn[0], parts=tuple(part for message in turn for part in message.parts)) if turn[1:] else turn[0]
