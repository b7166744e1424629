"""The dialect of Replicate's predictions: created, then streamed or asked for until they are done."""

from __future__ import annotations

from collections.abc import Mapping

from llm_router.messages import ChatRequest, ChatResponse
from llm_router.wire.codec import Decoder, Failure, HistoryForm, HttpRequest, Target
from llm_router.wire.course import Course, Told
from llm_router.wire.error_body import failure_of
from llm_router.wire.replicate.course import Prediction
from llm_router.wire.replicate.decode import StreamDecoder, decode
from llm_router.wire.replicate.encode import encode


class Replicate:
    """The codec: see `llm_router.wire.codec.Codec`, and for its several exchanges `llm_router.wire.course`."""

    def history(self, _: Target) -> HistoryForm:
        """What the target takes of what was said before."""
        return HistoryForm("any", "none")

    def encode(self, request: ChatRequest, target: Target, *, stream: bool) -> HttpRequest:
        """The request that creates the prediction. Raises Unsupported."""
        return encode(request, target, stream=stream)

    def course(self, asked: HttpRequest, told: Told, *, stream: bool) -> Course:
        """What follows the creation. Raises WireError."""
        return Prediction(asked, told, stream=stream)

    def decode(self, headers: Mapping[str, str], body: bytes) -> ChatResponse:
        """A prediction that is done. Raises WireError."""
        return decode(headers, body)

    def decode_error(self, status: int, headers: Mapping[str, str], body: bytes) -> Failure:
        """What a status of 400 and above says. Total."""
        return failure_of(status, headers, body)

    def decoder(self, headers: Mapping[str, str]) -> Decoder:
        """A decoder for one streamed answer."""
        return StreamDecoder(headers)
