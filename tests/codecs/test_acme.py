"""The codec of the page on custom APIs is right: the kit says so, and says what is wrong with each spoiled one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from typing_extensions import override

from llm_router.codecs import Failure, HistoryForm, HttpRequest, Target, Unsupported, WireError, json_body
from llm_router.messages import ChatRequest, ChatResponse, Message, StreamEvent, Text, TextDelta, Usage
from llm_router.testing import Recorded, RecordedError, check_codec
from tests.codecs.acme import Acme, AcmeStream

ANSWER = ChatResponse(Message("assistant", (Text("Grüß Gott!"),)), "stop", Usage(3, 4), "rocket-2", "t-77")
RECORDED = [
    Recorded(
        "a greeting",
        ANSWER,
        whole=(
            '{"engine": "rocket-2", "ticket": "t-77", "says": "Grüß Gott!", '
            '"why": "done", "spent": {"in": 3, "out": 4}}'
        ).encode(),
        stream=(
            '{"engine": "rocket-2", "ticket": "t-77"}\n{"says": "Grüß "}\n{"says": "Gott!"}\n'
            '{"why": "done", "spent": {"in": 3, "out": 4}}\n'
        ).encode(),
    )
]
ERRORS = [
    RecordedError(
        "too many requests",
        429,
        b'{"oops": {"code": "too_fast", "text": "Slow down."}}',
        Failure("rate_limit", "Slow down.", 429, "too_fast", retry_after_s=7.0),
        headers={"retry-after": "7"},
    )
]


def test_acme() -> None:
    assert not check_codec(Acme(), recorded=RECORDED, errors=ERRORS)


class Deaf(Acme):
    """Drops what it has no word for."""

    @override
    def encode(self, request: ChatRequest, target: Target, *, stream: bool) -> HttpRequest:
        plain = ChatRequest(request.messages, settings=replace(request.settings, seed=None, user=None))
        return super().encode(plain, target, stream=stream)


class Choosy(Acme):
    """Drops one setting for another."""

    @override
    def encode(self, request: ChatRequest, target: Target, *, stream: bool) -> HttpRequest:
        chosen = None if request.settings.stop else request.settings.temperature
        return super().encode(
            replace(request, settings=replace(request.settings, temperature=chosen)), target, stream=stream
        )


class Forgetful(Acme):
    """Sends the last message only."""

    @override
    def encode(self, request: ChatRequest, target: Target, *, stream: bool) -> HttpRequest:
        return super().encode(replace(request, messages=request.messages[-1:]), target, stream=stream)


class Clumsy(Acme):
    """Fails where it should refuse."""

    @override
    def encode(self, request: ChatRequest, target: Target, *, stream: bool) -> HttpRequest:
        try:
            return super().encode(request, target, stream=stream)
        except Unsupported as error:
            raise KeyError(str(error)) from error


class Chatty(Acme):
    """Tells the prompt in its refusals."""

    @override
    def encode(self, request: ChatRequest, target: Target, *, stream: bool) -> HttpRequest:
        try:
            return super().encode(request, target, stream=stream)
        except Unsupported as error:
            raise Unsupported(f"{request.messages[-1].text}: not possible") from error


class Leaky(Acme):
    """Puts the key into the address."""

    @override
    def encode(self, request: ChatRequest, target: Target, *, stream: bool) -> HttpRequest:
        made = super().encode(request, target, stream=stream)
        return replace(made, url=f"{made.url}&key={target.headers['x-kit-key']}")


class Keyless(Acme):
    """Sends no headers but its own."""

    @override
    def encode(self, request: ChatRequest, target: Target, *, stream: bool) -> HttpRequest:
        made = super().encode(request, target, stream=stream)
        return replace(made, headers={"Content-Type": "application/json"}, url=made.url.partition("?")[0])


class Never(Acme):
    """Never asks for a stream."""

    @override
    def encode(self, request: ChatRequest, target: Target, *, stream: bool) -> HttpRequest:
        return super().encode(request, target, stream=False)


class Whole(Acme):
    """Takes any JSON object for an answer."""

    @override
    def decode(self, headers: Mapping[str, str], body: bytes) -> ChatResponse:
        try:
            return super().decode(headers, body)
        except WireError:
            return ANSWER


class Partial(Acme):
    """Knows some error bodies only."""

    @override
    def decode_error(self, status: int, headers: Mapping[str, str], body: bytes) -> Failure:
        if not body.startswith(b"{"):
            raise ValueError("not JSON")
        return super().decode_error(status, headers, body)


class Mute(Acme):
    """Gives a class that isn't one."""

    @override
    def decode_error(self, status: int, headers: Mapping[str, str], body: bytes) -> Failure:
        return replace(super().decode_error(status, headers, body), kind="slow_down", message="")  # type: ignore[arg-type] # that is the defect


class Fickle(Acme):
    """Changes its mind about what it takes."""

    def __init__(self) -> None:
        self.asked = 0

    @override
    def history(self, target: Target, /) -> HistoryForm:
        self.asked += 1
        return HistoryForm(blanks=self.asked % 2 == 0)


class Lines(AcmeStream):
    """A decoder to be spoiled."""


class Impatient(Lines):
    """Wants whole lines."""

    @override
    def feed(self, data: bytes) -> list[StreamEvent]:
        return super().feed(data if data.endswith(b"\n") else data + b"\n")


class Trusting(Lines):
    """Takes a broken stream for an answer."""

    @override
    def close(self) -> list[StreamEvent]:
        return []


class Hasty(Lines):
    """Is done when anything has come."""

    @property
    @override
    def done(self) -> bool:
        return True


class Empty(Lines):
    """Gives pieces of nothing."""

    @override
    def feed(self, data: bytes) -> list[StreamEvent]:
        return [*super().feed(data), TextDelta("")]


def streaming(decoder: type[AcmeStream]) -> Acme:
    """Acme with another decoder."""

    class Streaming(Acme):
        @override
        def decoder(self, headers: Mapping[str, str]) -> AcmeStream:
            return decoder()

    return Streaming()


class Shared(Acme):
    """Keeps the stream that it reads to itself."""

    def __init__(self) -> None:
        self.under_way = AcmeStream()

    @override
    def decoder(self, headers: Mapping[str, str]) -> AcmeStream:
        self.under_way = AcmeStream()
        return Through(self)


class Through(AcmeStream):
    """Reads the stream that its codec keeps."""

    def __init__(self, codec: Shared) -> None:
        self._codec = codec

    @override
    def feed(self, data: bytes) -> list[StreamEvent]:
        return self._codec.under_way.feed(data)

    @property
    @override
    def done(self) -> bool:
        return self._codec.under_way.done

    @override
    def close(self) -> list[StreamEvent]:
        return self._codec.under_way.close()


SPOILED: list[tuple[Acme, str]] = [
    (Deaf(), "`seed`: `424242` isn't in what is sent: send it, or raise Unsupported"),
    (Deaf(), "tools: `kit_weather` isn't in what is sent"),
    (Deaf(), "an answer in JSON: what is sent is the same without it"),
    (Choosy(), "all settings that it takes, at once: `0.37` isn't in what is sent"),
    (Forgetful(), "a system message and several turns: `kit-system` isn't in what is sent"),
    (Clumsy(), "`encode` raised KeyError"),
    (Chatty(), "words of the prompt stand in the message of Unsupported"),
    (Leaky(), "the key stands outside of the headers"),
    (Keyless(), "the target's `headers` aren't sent"),
    (Keyless(), "the target's `query` isn't in the address"),
    (Keyless(), "a header's name isn't in lower case"),
    (Never(), "the same whether a stream is asked for or not"),
    (Whole(), "a greeting, whole, cut after 0 bytes: expected a WireError (malformed or truncated), got an answer"),
    (Partial(), "`decode_error` must give a Failure for any bytes, got ValueError (not JSON)"),
    (Mute(), "`slow_down` is no failure class"),
    (Mute(), "too many requests: `message` is '', expected 'Slow down.'"),
    (Fickle(), "`history` gives another form when asked again"),
    (streaming(Impatient), "a greeting, streamed byte by byte: expected an answer, got a WireError (malformed"),
    (streaming(Trusting), "`close` must raise a WireError of the kind truncated"),
    (streaming(Hasty), "a greeting, streamed, read until `done`: `message` is Message("),
    (streaming(Empty), "a `TextDelta` is empty; leave it out"),
    (Shared(), "two streams at once: "),
]


@pytest.mark.parametrize(("codec", "told"), SPOILED, ids=[f"{type(codec).__name__}: {told}" for codec, told in SPOILED])
def test_a_spoiled_codec_is_told_what_is_wrong(codec: Acme, told: str) -> None:
    assert told in "\n".join(check_codec(codec, recorded=RECORDED, errors=ERRORS))


def test_another_answer_than_the_recorded_one_is_told_by_its_fields() -> None:
    other = [replace(RECORDED[0], gives=replace(ANSWER, finish_reason="length", usage=Usage(3, 5)))]
    told = "\n".join(check_codec(Acme(), recorded=other, errors=ERRORS))
    assert "a greeting, whole: `finish_reason` is 'stop', expected 'length'" in told
    assert "`usage` is Usage(input=3, output=4" in told


@pytest.mark.parametrize(
    ("recorded", "errors", "told"),
    [
        ([], ERRORS, "no whole answer is recorded"),
        ([replace(RECORDED[0], stream=None)], ERRORS, "no streamed answer is recorded"),
        (RECORDED, [], "no error is recorded"),
    ],
)
def test_what_isnt_recorded_isnt_checked_and_that_is_told(recorded: Any, errors: Any, told: str) -> None:
    assert told in "\n".join(check_codec(Acme(), recorded=recorded, errors=errors))


def test_an_error_in_an_answers_place_is_a_failure() -> None:
    with pytest.raises(WireError) as caught:
        Acme().decode({}, json_body({"oops": {"code": "no_coins", "text": "Top up."}}))
    assert caught.value.failure == Failure("quota_exhausted", "Top up.", code="no_coins")
