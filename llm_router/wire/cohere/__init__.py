"""The dialect of Cohere's `/v2/chat`."""

from __future__ import annotations

from collections.abc import Mapping

from llm_router.messages import ChatRequest, ChatResponse
from llm_router.wire.codec import Decoder, Failure, HistoryForm, HttpRequest, Target
from llm_router.wire.cohere.decode import Frames, decode
from llm_router.wire.cohere.encode import encode
from llm_router.wire.cohere.failures import failure_of_reply
from llm_router.wire.streaming import StreamDecoder


class Cohere:
    """The codec: see `llm_router.wire.codec.Codec`."""

    def history(self, _: Target) -> HistoryForm:
        """What the target takes of what was said before."""
        return HistoryForm("any", "text")

    def encode(self, request: ChatRequest, target: Target, *, stream: bool) -> HttpRequest:
        """The HTTP request. Raises Unsupported."""
        return encode(request, target, stream=stream)

    def decode(self, headers: Mapping[str, str], body: bytes) -> ChatResponse:
        """A whole answer. Raises WireError."""
        return decode(headers, body)

    def decode_error(self, status: int, headers: Mapping[str, str], body: bytes) -> Failure:
        """What a status of 400 and above says. Total."""
        return failure_of_reply(status, headers, body)

    def decoder(self, headers: Mapping[str, str]) -> Decoder:
        """A decoder for one streamed answer."""
        return StreamDecoder(Frames(headers))
