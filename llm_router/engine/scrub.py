"""A provider's words without what must not be shown: keys, and the prompt that providers echo into errors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from llm_router.messages import ChatRequest, Part, Reasoning, Refusal, Text, ToolCall, ToolResult
from llm_router.wire.codec import Failure

ECHO = 20
"""Characters in a row that also stand in the request are an echo of it."""

SHORT = 8
"""Characters of a whole text of the request, from which on its echo is hidden though it is shorter than `ECHO`."""

LONGEST = 1000
"""Characters of a provider's message that are kept."""

HIDDEN = "[…]"


def scrubbed(failure: Failure, request: ChatRequest, secrets: Sequence[str]) -> Failure:
    """The failure with its message, code and request id scrubbed: a provider may put anything into each of them."""
    code, number = failure.code, failure.provider_request_id
    return replace(
        failure,
        message=scrub(failure.message, request, secrets),
        code=None if code is None else scrub(code, request, secrets),
        provider_request_id=None if number is None else scrub(number, request, secrets),
    )


def without_secrets(body: str, secrets: Iterable[str]) -> str:
    """The body as it came, but for keys."""
    for hidden in secrets:
        body = body.replace(hidden, HIDDEN) if hidden else body
    return body


def scrub(message: str, request: ChatRequest, secrets: Iterable[str]) -> str:
    """The message without any of `secrets`, and without what it echoes of the request.

    An echo is any run of 20 characters that also stands there, or a text of 8 and more that stands there whole.
    """
    short = (text for text in texts(request) if SHORT <= len(text) < ECHO)
    for hidden in (*secrets, *short):
        if hidden:
            message = message.replace(hidden, HIDDEN)
    message = message[:LONGEST]
    return _without(message, _echoed(message, request))


def _echoed(message: str, request: ChatRequest) -> list[bool]:
    """For each character of the message whether it belongs to an echo."""
    places: dict[str, list[int]] = {}
    for start in range(len(message) - ECHO + 1):
        places.setdefault(message[start : start + ECHO], []).append(start)
    covered = [False] * len(message)
    if places:
        for text in texts(request):
            for start in range(len(text) - ECHO + 1):
                for place in places.pop(text[start : start + ECHO], ()):
                    covered[place : place + ECHO] = [True] * ECHO
    return covered


def _without(message: str, covered: list[bool]) -> str:
    kept: list[str] = []
    for place, character in enumerate(message):
        if not covered[place]:
            kept.append(character)
        elif place == 0 or not covered[place - 1]:
            kept.append(HIDDEN)
    return "".join(kept)


def texts(request: ChatRequest) -> Iterator[str]:
    """Every text that the caller put into the request."""
    for message in request.messages:
        for part in message.parts:
            yield from _texts_of(part)


def _texts_of(part: Part) -> Iterator[str]:
    match part:
        case Text(text) | Reasoning(text) | Refusal(text):
            yield text
        case ToolCall():
            yield part.arguments
        case ToolResult():
            yield from (each.text for each in part.parts if isinstance(each, Text))
        case _:
            if part.url is not None:
                yield part.url
