"""The dialect of OpenAI's chat completions, spoken by a whole family of providers with small deviations (quirks)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from llm_router.messages import ChatRequest, ChatResponse
from llm_router.wire.codec import CallIds, Decoder, Failure, HistoryForm, HttpRequest, Target
from llm_router.wire.error_body import failure_of
from llm_router.wire.openai.decode import Frames, decode, whole_events
from llm_router.wire.openai.encode import encode
from llm_router.wire.openai.quirks import read_quirks
from llm_router.wire.openai.reply import Reply
from llm_router.wire.streaming import StreamDecoder


class OpenAI:
    """The codec: see `llm_router.wire.codec.Codec`."""

    def history(self, target: Target) -> HistoryForm:
        """What the target takes of what was said before."""
        quirks = read_quirks(target.quirks)
        thoughts: Literal["any", "text", "none"] = "none" if quirks.history_reasoning == "none" else "text"
        thoughts = thoughts if quirks.signed_thoughts == "no" else "any"
        ids: CallIds = "nine" if quirks.tool_call_ids == "nine" else "short"
        return HistoryForm(
            ids,
            thoughts,
            names=quirks.names == "yes",
            tools=quirks.tools == "yes",
            bridged=quirks.after_results == "answer",
            user_first=quirks.turns == "strict",
            prefill=quirks.prefill != "no",
        )

    def encode(self, request: ChatRequest, target: Target, *, stream: bool) -> HttpRequest:
        """The HTTP request. Raises Unsupported."""
        return encode(request, target, stream=stream)

    def decode(self, headers: Mapping[str, str], body: bytes) -> ChatResponse:
        """A whole answer. Raises WireError."""
        return decode(headers, body)

    def decode_error(self, status: int, headers: Mapping[str, str], body: bytes) -> Failure:
        """What a status of 400 and above says. Total."""
        return failure_of(status, headers, body)

    def decoder(self, headers: Mapping[str, str]) -> Decoder:
        """A decoder for one streamed answer."""
        return StreamDecoder(Frames(headers, Reply(headers, whole=False), whole_events))
