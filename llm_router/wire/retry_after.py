"""When a provider may be asked again, as its reply says.

`retry-after-ms` and `retry-after` (seconds or an HTTP date) come first; then the reset headers of those limits of which
nothing remains; then the words of the message. Instants count from the reply's `date` header, which whoever received
the reply adds where it is missing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_PLAIN = ("retry-after", "llm_provider-retry-after")
_RESET = re.compile(r"^(?:llm_provider-)?(?:x-ratelimit-reset|x-ratelimit-(.+)-reset|x-ratelimit-reset-(.+)"
                    r"|anthropic-ratelimit-(.+)-reset|ratelimitbysize-reset|ratelimit-reset)$")  # fmt: skip
_ITEM = re.compile(r"(?:^|[;,\s])(?:r|remaining)=0\s*[;,]\s*(?:t|reset)=(\d+)")
"""A limit of the `ratelimit` header of which nothing remains: `"api";r=0;t=55` (draft-ietf-httpapi-ratelimit-headers,
2025; huggingface sends it), or `limit=100, remaining=0, reset=55`, as older drafts had it."""
_WORDS = re.compile(r"(?:try|retry)[^.]{0,20} (?:again )?(?:in|after) ((?:\d+(?:\.\d+)?\s*(?:ms|s|m|h|d)\s*)+)", re.I)
_WORDY = re.compile(r"(?:try|retry)[^.]{0,20} (?:again )?(?:in|after) (\d+(?:\.\d+)?) seconds?", re.I)
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_EPOCH_S = 1e9
_EPOCH_MS = 1e12


@dataclass(frozen=True, slots=True)
class Quota:
    """What a reply, whatever its status, says of the sender's quota.

    `limited_s` is the time in seconds from the reply for which nothing remains of it; `None` where something does, or
    where nobody says until when.
    """

    limited_s: float | None = None


def quota(headers: Mapping[str, str]) -> Quota:
    """What the limits still need of which nothing remains; of several the longest."""
    return Quota(max(_resets(headers, _instant(headers.get("date", ""))), default=None))


def retry_after(headers: Mapping[str, str], message: str = "", *, limited: bool) -> float | None:
    """Seconds from the reply, None where it says nothing.

    The longest of what the retry headers say counts: nobody is asked before its time. Reset headers and words are
    read only for a reply that is `limited`.
    """
    now = _instant(headers.get("date", ""))
    said = [wait for wait in _plain_waits(headers, now) if wait is not None]
    if said:
        return max(said)
    if not limited:
        return None
    reset = quota(headers).limited_s
    return reset if reset is not None else _in_words(message)


def _plain_waits(headers: Mapping[str, str], now: float | None) -> Iterator[float | None]:
    milliseconds = _number(headers.get("retry-after-ms", ""))
    yield None if milliseconds is None else milliseconds / 1000
    for name in _PLAIN:
        yield _wait(headers.get(name, ""), now)


def _resets(headers: Mapping[str, str], now: float | None) -> Iterator[float]:
    """What the limits still need of which nothing remains."""
    for name, value in headers.items():
        if _RESET.match(name) and _number(headers.get(name.replace("reset", "remaining"), "")) == 0:
            wait = _wait(value, now)
            if wait:
                yield wait
    yield from (float(seconds) for seconds in _ITEM.findall(headers.get("ratelimit", "")) if int(seconds))


def _wait(text: str, now: float | None) -> float | None:
    """Seconds until what `text` says: a number, a duration as `6m0s`, an epoch, a date. None where it says nothing."""
    text = text.strip()
    number = _number(text)
    if number is not None and number < _EPOCH_S:
        return number
    if number is None and _DURATION.sub("", text).strip() == "":
        return _duration(text)
    instant = _instant(text) if number is None else number / (1000 if number >= _EPOCH_MS else 1)
    return None if instant is None or now is None else max(0.0, instant - now)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _duration(text: str) -> float | None:
    found = _DURATION.findall(text)
    return sum(float(count) * _UNIT_S[unit] for count, unit in found) if found else None


def _instant(text: str) -> float | None:
    """Seconds since the epoch of an HTTP or RFC 3339 date."""
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            moment = read(text)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (ValueError, TypeError, OverflowError, IndexError):
            continue
    return None


def _in_words(message: str) -> float | None:
    """What `try again in 4.87s` says; openai and groq put the exact wait here."""
    if wordy := _WORDY.search(message):
        return float(wordy.group(1))
    found = _WORDS.search(message)
    return _duration(found.group(1)) if found else None
