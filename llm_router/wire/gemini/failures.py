"""Reads Google's errors: `{"error": {code, status, message, details}}`, in a list where a stream was asked for.

`details` say what the status doesn't: why (`ErrorInfo`), when to come back (`RetryInfo`), and which quota is spent
(`QuotaFailure`). A quota by the minute is a rate limit, one by the day or of zero is not cured by waiting; the words
are the same for all ("You exceeded your current quota", recordings 2025), and so is a delay of some seconds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from llm_router.errors import FailureClass
from llm_router.messages import Json, JsonObject
from llm_router.wire.codec import Failure
from llm_router.wire.error_body import failure_in_answer, failure_of
from llm_router.wire.reading import as_list, as_object, as_text, parse

_REASONS: Mapping[str, FailureClass] = {
    "API_KEY_INVALID": "authentication",
    "API_KEY_EXPIRED": "authentication",
    "CREDENTIALS_MISSING": "authentication",
    "ACCESS_TOKEN_EXPIRED": "authentication",
    "ACCOUNT_STATE_INVALID": "authentication",
    "API_KEY_SERVICE_BLOCKED": "permission",
    "API_KEY_HTTP_REFERRER_BLOCKED": "permission",
    "API_KEY_IP_ADDRESS_BLOCKED": "permission",
    "CONSUMER_SUSPENDED": "permission",
    "CONSUMER_INVALID": "permission",
    "SERVICE_DISABLED": "permission",
    "BILLING_DISABLED": "quota_exhausted",
    "RATE_LIMIT_EXCEEDED": "rate_limit",
}
"""What `ErrorInfo.reason` means."""

_WORDS: Mapping[str, FailureClass] = {
    r"API key (?:not valid|expired|not found)|pass a valid API key|reported as leaked": "authentication",
    r"unregistered callers|missing (?:a valid )?API key": "authentication",
    r"token count[^.]{0,40}exceeds the maximum|exceeds the maximum number of tokens": "context_length",
    r"request payload size exceeds": "context_length",
    r"location is not supported|not available in your country": "permission",
    r"prepayment credits are depleted|spending cap": "quota_exhausted",
}
"""What messages mean that come without details, whatever the status."""

_DURATION = re.compile(r"(\d+(?:\.\d+)?)s")


@dataclass(frozen=True, slots=True)
class _Details:
    """What the details of an error say."""

    reason: str = ""
    wait_s: float | None = None
    quotas: tuple[JsonObject, ...] = ()

    @property
    def spent(self) -> bool:
        """Whether a quota is used up that no short wait fills again: of a day, or of nothing at all."""
        return any("perday" in as_text(quota.get("quotaId")).lower() or _is_nothing(quota) for quota in self.quotas)


def failure_of_reply(status: int, headers: Mapping[str, str], body: bytes) -> Failure:
    """The failure that a reply with this status tells. Total: any bytes give one."""
    base = failure_of(status, headers, body)
    try:
        value = parse(body)
    except ValueError:
        return base
    return _refined(base, as_object(_first(value)).get("error"))


def failure_of_error(error: Json, headers: Mapping[str, str]) -> Failure:
    """The failure that an error object tells where an answer should be."""
    return _refined(failure_in_answer(error, headers), error)


def _refined(base: Failure, error: Json) -> Failure:
    """The failure with what Google's details and words add."""
    said = _read_details(as_object(error).get("details"))
    kind = _kind(base, said)
    wait_s = base.retry_after_s if said.wait_s is None else said.wait_s
    if kind == "quota_exhausted":
        wait_s = None
    return replace(base, kind=kind, code=said.reason or base.code, retry_after_s=wait_s)


def _kind(base: Failure, said: _Details) -> FailureClass:
    if said.quotas:
        return "quota_exhausted" if said.spent else "rate_limit"
    if said.reason in _REASONS:
        return _REASONS[said.reason]
    found = next((kind for words, kind in _WORDS.items() if re.search(words, base.message, re.IGNORECASE)), None)
    if found is not None:
        return found
    if base.kind == "quota_exhausted" and said.wait_s is not None:
        return "rate_limit"
    return "unavailable" if base.code == "CANCELLED" else base.kind


def _read_details(details: Json) -> _Details:
    reason, wait_s, quotas = "", None, []
    for each in map(as_object, as_list(details)):
        kind = as_text(each.get("@type")).rpartition(".")[2]
        if kind == "ErrorInfo":
            reason = as_text(each.get("reason"))
        elif kind == "RetryInfo":
            wait_s = _seconds(as_text(each.get("retryDelay")))
        elif kind == "QuotaFailure":
            quotas += [as_object(quota) for quota in as_list(each.get("violations"))]
    return _Details(reason, wait_s, tuple(quotas))


def _is_nothing(quota: JsonObject) -> bool:
    return quota.get("quotaValue") in ("0", 0)


def _seconds(delay: str) -> float | None:
    found = _DURATION.fullmatch(delay)
    return float(found[1]) if found else None


def _first(value: Json) -> Json:
    return value[0] if isinstance(value, list) and value else value
