"""The dialect of OpenAI's responses: what its reasoning models need to think between tool calls."""

from __future__ import annotations

from collections.abc import Mapping

from llm_router.messages import ChatRequest, ChatResponse
from llm_router.wire.codec import Decoder, Failure, HistoryForm, HttpRequest, Target
from llm_router.wire.error_body import failure_of
from llm_router.wire.responses.decode import decoder, whole_events
from llm_router.wire.responses.encode import encode
from llm_router.wire.streaming import folded


class Responses:
    """The codec: see `llm_router.wire.codec.Codec`."""

    def history(self, _target: Target) -> HistoryForm:
        """What the target takes of what was said before: of thoughts those that it can read itself."""
        return HistoryForm("short", "signed")

    def encode(self, request: ChatRequest, target: Target, *, stream: bool) -> HttpRequest:
        """The HTTP request. Raises Unsupported."""
        return encode(request, target, stream=stream)

    def decode(self, headers: Mapping[str, str], body: bytes) -> ChatResponse:
        """A whole answer. Raises WireError."""
        return folded(whole_events(headers, body))

    def decode_error(self, status: int, headers: Mapping[str, str], body: bytes) -> Failure:
        """What a status of 400 and above says. Total."""
        return failure_of(status, headers, body)

    def decoder(self, headers: Mapping[str, str]) -> Decoder:
        """A decoder for one streamed answer."""
        return decoder(headers)
