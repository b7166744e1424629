"""The codec of an invented API, Acme: the running example of `recipes/custom-api.md`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from llm_router import ChatRequest, ChatResponse, Message
from llm_router.codecs import (
    Failure,
    FailureClass,
    HistoryForm,
    HttpRequest,
    JsonLines,
    Target,
    Unsupported,
    WireError,
    as_count,
    as_object,
    as_text,
    failure_of,
    gather,
    json_body,
    merged,
    parse,
    parse_object,
    register_codec,
    request_headers,
    truncated,
    url,
)
from llm_router.messages import (
    Assembly,
    Finished,
    FinishReason,
    Json,
    JsonObject,
    Settings,
    Started,
    StreamEvent,
    Text,
    TextDelta,
    Usage,
    UsageReport,
)

WHO: Final = {"system": "house", "user": "human", "assistant": "engine"}
WHY: Mapping[str, FinishReason] = {"done": "stop", "limit": "length", "unsafe": "content_filter"}
KINDS: Mapping[str, FailureClass] = {
    "too_fast": "rate_limit",
    "too_long": "context_length",
    "no_coins": "quota_exhausted",
}


class Acme:
    """Acme's `POST /v2/complete`: text in, text out, streamed as lines of JSON."""

    def history(self, target: Target, /) -> HistoryForm:
        return HistoryForm(tools=False, thoughts="none")

    def encode(self, request: ChatRequest, target: Target, *, stream: bool) -> HttpRequest:
        body: dict[str, Json] = {
            "engine": target.model,
            "stream": stream,
            "turns": [turn(message) for message in request.messages],
            **options(request),
        }
        headers = request_headers(target, request.settings, "application/json")
        whole = merged(body, request.settings.extra, fixed=frozenset({"engine", "turns", "stream"}))
        return HttpRequest("POST", url(target, "/v2/complete"), headers, json_body(whole))

    def decode(self, headers: Mapping[str, str], body: bytes) -> ChatResponse:
        said, assembly = parse_object(body), Assembly()
        for event in (Started(as_text(said.get("engine")), as_text(said.get("ticket"))), *read(said)):
            assembly.add(event)
        if assembly.finish_reason is None:
            raise truncated("the reply doesn't say why it ended")
        return assembly.response()

    def decode_error(self, status: int, headers: Mapping[str, str], body: bytes) -> Failure:
        return failure(status, headers, body)

    def decoder(self, headers: Mapping[str, str]) -> AcmeStream:
        return AcmeStream()


class AcmeStream:
    """One streamed answer: a line for each piece, and a last one that says why it ended."""

    def __init__(self) -> None:
        self._lines = JsonLines()
        self._done = False

    def feed(self, data: bytes) -> list[StreamEvent]:
        return gather(self._lines.feed(data), self._read)

    @property
    def done(self) -> bool:
        return self._done

    def close(self) -> list[StreamEvent]:
        if not self._done:
            raise truncated("the stream ended before its last line")
        return []

    def _read(self, line: str) -> list[StreamEvent]:
        if self._done:
            return []
        said = parse_object(line)
        self._done = "why" in said
        first = [Started(as_text(said["engine"]), as_text(said.get("ticket")))] if "engine" in said else []
        return [*first, *read(said)]


def turn(message: Message) -> JsonObject:
    """A message as Acme has it."""
    if not all(isinstance(part, Text) for part in message.parts):
        raise Unsupported("anything but text")
    return {"who": WHO[message.role], "says": message.text}


def options(request: ChatRequest) -> JsonObject:
    """What Acme can be told beside the turns; what it can't is refused, so that another deployment may be asked."""
    settings = request.settings
    known = Settings(settings.temperature, max_output_tokens=settings.max_output_tokens, stop=settings.stop)
    if request.tools or request.response_format or request.parallel_tool_calls is not None:
        raise Unsupported("tools and answers in a form")
    if known.over(Settings(headers=settings.headers, extra=settings.extra)) != settings:
        raise Unsupported("settings other than temperature, max_output_tokens and stop")
    said = {"heat": settings.temperature, "most": settings.max_output_tokens, "halt": settings.stop}
    return {name: value for name, value in said.items() if value is not None}


def failure(status: int, headers: Mapping[str, str], body: bytes) -> Failure:
    """What an error body says: Acme's own words where it has them, else what any body and status tell."""
    try:
        oops = as_object(as_object(parse(body)).get("oops"))
    except ValueError:
        oops = {}
    known, code = failure_of(status, headers, body), as_text(oops.get("code"))
    message = as_text(oops.get("text")) or known.message
    return replace(known, kind=KINDS.get(code, known.kind), message=message, code=code or known.code)


def read(said: JsonObject) -> list[StreamEvent]:
    """The events of a reply, or of a line of one. Raises WireError for an error that stands there instead."""
    if "oops" in said:
        raise WireError(replace(failure(500, {}, json_body(said)), status=None))
    text, spent = as_text(said.get("says")), as_object(said.get("spent"))
    events: list[StreamEvent] = [TextDelta(text)] if text else []
    if spent:
        events.append(UsageReport(Usage(as_count(spent.get("in")), as_count(spent.get("out")))))
    if "why" in said:
        events.append(Finished(WHY.get(as_text(said["why"]), "other")))
    return events


register_codec("acme", Acme(), base_url="https://api.acme.example", key_variables=("ACME_API_KEY",), auth="acme-key")
