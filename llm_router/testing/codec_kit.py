"""Says whether a codec is right: `check_codec` tries it with requests of its own and with your recorded replies.

    def test_acme() -> None:
        assert not check_codec(Acme(), recorded=RECORDED, errors=ERRORS)

A codec passes that sends all of a request or refuses it, reads each reply alike however its bytes are cut, never takes
a broken one for an answer, makes a failure of any bytes, and shows neither keys nor prompts. What it can't say of a
codec: that the recordings are real, and that the provider takes what is sent.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any
from urllib.parse import unquote

from llm_router.messages import ChatRequest, Settings
from llm_router.testing.codec_replies import (
    Recorded,
    RecordedError,
    check_any_bytes,
    check_error,
    check_independent,
    check_stream,
    check_truncated,
    check_whole,
)
from llm_router.testing.codec_requests import HI, PROBES, Probe, private_words
from llm_router.wire.codec import Codec, HistoryForm, HttpRequest, Target, Unsupported
from llm_router.wire.history import fitted

KEY = "kit-planted-key"
MOST = 5
"""Complaints of one kind that are told of a reply: what is wrong once is often wrong everywhere."""

TARGET = Target("https://kit.test/api", "kit-model", max_output=4096, context=32_768)


def check_codec(
    codec: Codec,
    *,
    recorded: Sequence[Recorded],
    errors: Sequence[RecordedError],
    target: Target = TARGET,
) -> tuple[str, ...]:
    """What is wrong with a codec, in words; nothing where it is right. Takes a second or two.

    `target` is whom it encodes for, where its model's name, its address or its quirks matter.
    """
    asked = replace(target, headers={**target.headers, "x-kit-key": KEY}, query={**target.query, "kit": "kit-query"})
    bodies = [*(told.whole or told.stream or b"" for told in recorded), *(told.body for told in errors)]
    of_replies = (
        *(check(codec, told) for check in _OF_REPLIES for told in recorded),
        *(check_error(codec, told) for told in errors),
        check_any_bytes(codec, [body[:half] for body in bodies for half in (len(body) // 2, len(body))]),
    )
    return (
        *_recordings(recorded, errors),
        *islice(_history(codec, asked), MOST),
        *_requests(codec, asked),
        *(complaint for check in of_replies for complaint in islice(check, MOST)),
    )


_OF_REPLIES = (check_whole, check_stream, check_truncated, check_independent)


def _recordings(recorded: Sequence[Recorded], errors: Sequence[RecordedError]) -> Iterator[str]:
    """Complains of what there is no recording of: what isn't shown isn't checked."""
    if not any(told.whole for told in recorded):
        yield "no whole answer is recorded: give a `Recorded` with `whole`"
    if not any(told.stream for told in recorded):
        yield "no streamed answer is recorded: give a `Recorded` with `stream`"
    if not errors:
        yield "no error is recorded: give a `RecordedError`"


def _history(codec: Codec, target: Target) -> Iterator[str]:
    form: object = codec.history(target)
    if not isinstance(form, HistoryForm):
        yield f"`history` gives {type(form).__name__}, expected a HistoryForm"
        return
    if codec.history(target) != form:
        yield "`history` gives another form when asked again"
    for probe in PROBES:
        once = fitted(probe.request, form, own=lambda _: True)
        if fitted(once, form, own=lambda _: True) != once:
            yield f"{probe.name}: a conversation that was fitted to `history` is changed when it is fitted again"


@dataclass(frozen=True, slots=True)
class _Sent:
    """What a codec makes of a request: the HTTP request, why it refuses, or what it should not have raised."""

    http: HttpRequest | None = None
    refusal: str = ""
    odd: str = ""


def _requests(codec: Codec, target: Target) -> Iterator[str]:
    if _sent(codec, HI, target, stream=False).http is None:
        yield f"a text: refused ({_sent(codec, HI, target, stream=False)}), but every codec takes one"
        return
    if _sent(codec, HI, target, stream=True).http == _sent(codec, HI, target, stream=False).http:
        yield "a text: what is sent is the same whether a stream is asked for or not"
    for probe in (*PROBES, _together(codec, target)):
        for stream in (False, True):
            of = f"{probe.name}{', streamed' if stream else ''}"
            found = [f"{of}: {complaint}" for complaint in _complaints(codec, probe, target, stream=stream)]
            yield from found if probe is PROBES[0] else found[:1]
            if found:
                break


def _together(codec: Codec, target: Target) -> Probe:
    """All settings at once that the codec takes alone."""
    settings, shows = Settings(), list[str]()
    for probe in PROBES:
        own = probe.request.settings
        if own != Settings() and probe.shows and _sent(codec, probe.request, target, stream=False).http is not None:
            settings = own.over(settings)
            shows += probe.shows
    return Probe("all settings that it takes, at once", replace(HI, settings=settings), tuple(shows))


def _complaints(codec: Codec, probe: Probe, target: Target, *, stream: bool) -> Iterator[str]:
    sent = _sent(codec, probe.request, target, stream=stream)
    if sent.http is None:
        yield from _bad_refusal(sent)
        return
    yield from _badly_made(sent.http, target)
    words = _words(sent.http)
    for text in probe.shows:
        if text not in words:
            yield f"`{text}` isn't in what is sent: send it, or raise Unsupported"
    if probe.plain is not None and _sent(codec, probe.plain, target, stream=stream).http == sent.http:
        yield "what is sent is the same without it: send it, or raise Unsupported"


def _bad_refusal(sent: _Sent) -> Iterator[str]:
    if sent.odd:
        yield f"`encode` raised {sent.odd}, where only Unsupported may be raised"
    elif not sent.refusal.strip():
        yield "Unsupported without a message: name what can't be said"
    elif KEY in sent.refusal:
        yield "the key stands in the message of Unsupported"
    elif any(word in sent.refusal for word in private_words()):
        yield "words of the prompt stand in the message of Unsupported"


def _badly_made(http: HttpRequest, target: Target) -> Iterator[str]:
    if not http.url.startswith(target.base_url):
        yield f"the address is `{http.url}`, expected one under the target's `base_url`"
    if "kit-query" not in http.url:
        yield "the target's `query` isn't in the address"
    if KEY not in http.headers.values():
        yield "the target's `headers` aren't sent: they hold the key"
    if any(name != name.lower() for name in http.headers):
        yield "a header's name isn't in lower case"
    if KEY in http.url or KEY.encode() in http.body or KEY in repr(http):
        yield "the key stands outside of the headers"
    if target.model not in unquote(http.url) + http.body.decode("utf-8", "replace"):
        yield "the target's `model` is neither in the address nor in the body"
    if "json" in http.headers.get("content-type", "") and not _is_json(http.body):
        yield "the body is called JSON and isn't"


def _sent(codec: Codec, request: ChatRequest, target: Target, *, stream: bool) -> _Sent:
    """What is sent for a request, whose history is fitted first, as the router does it."""
    try:
        return _Sent(codec.encode(fitted(request, codec.history(target), own=lambda _: True), target, stream=stream))
    except Unsupported as error:
        return _Sent(refusal=str(error))
    except Exception as error:  # that anything else may come is what is looked for
        return _Sent(odd=f"{type(error).__name__} ({str(error)[:80]})")


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body, parse_constant=_refuse)
    except ValueError:
        return False
    return True


def _refuse(word: str) -> None:
    raise ValueError(f"`{word}` isn't JSON")


def _words(http: HttpRequest) -> str:
    """All texts and numbers of a request, JSON's escapes undone."""
    said = [http.url, *http.headers.values()]
    if _is_json(http.body):
        said += _leaves(json.loads(http.body))
    else:
        said.append(http.body.decode("utf-8", "replace"))
    return "\n".join(said)


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner)
    else:
        yield str(value)
