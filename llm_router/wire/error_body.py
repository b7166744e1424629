"""Reads error bodies: of any dialect, of proxies in front of it, or of nobody's.

Known shapes: `{"error": {"message", "type", "code"}}`, `{"error": "text"}`, `{"message"}`, `{"detail": "text" | [..]}`,
`{"errors": [..]}`, a list with one of these, plain text, HTML.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus

from llm_router.messages import Json, JsonObject
from llm_router.wire.codec import Failure
from llm_router.wire.failures import classify
from llm_router.wire.reading import as_list, as_object, as_text, first_text, parse, shorten
from llm_router.wire.retry_after import retry_after

_REQUEST_ID_HEADERS = (
    "x-request-id",
    "request-id",
    "apim-request-id",
    "mistral-correlation-id",
    "x-ds-trace-id",
    "x-litellm-call-id",
    "x-inference-request-id",
    "x-generation-id",
    "x-amzn-requestid",
    "x-goog-request-id",
)

_LONGEST_READ = 4000
"""Characters of a message in which the class is looked for."""
_LONGEST_WAIT_S = 86400.0


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """What an error body says. `codes` are its codes and types, the most telling first.

    `headers` are those of the provider's that it repeats: openrouter does, also where it answers 200.
    """

    message: str = field(repr=False)
    codes: tuple[str, ...] = ()
    status: int | None = None
    request_id: str | None = None
    wait_s: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def request_id(headers: Mapping[str, str], body: JsonObject) -> str | None:
    """The provider's id of the exchange: from the headers, else the reply's own id."""
    named = (headers[name] for name in _REQUEST_ID_HEADERS if headers.get(name))
    return next(named, None) or first_text(body.get("request_id"), body.get("id")) or None


def failure_of(status: int, headers: Mapping[str, str], body: bytes) -> Failure:
    """The failure that a reply with this status tells. Total: any bytes give one."""
    said = read_error_body(body)
    message = shorten(said.message.strip() or f"status {status} {_phrase(status)}", _LONGEST_READ)
    kind = classify(status, said.codes, message)
    wait_s = retry_after({**said.headers, **headers}, message, limited=kind == "rate_limit")
    return Failure(
        kind,
        shorten(message),
        status,
        said.codes[0] if said.codes else None,
        request_id(headers, {}) or said.request_id,
        said.wait_s if wait_s is None else wait_s,
    )


def failure_in_answer(error: Json, headers: Mapping[str, str]) -> Failure:
    """The failure that an error object tells which stands where an answer should be, under a status of 200."""
    said = _read({"error": error})
    message = shorten(said.message.strip() or "the provider sent an error instead of an answer", _LONGEST_READ)
    dated = {**said.headers, "date": headers.get("date", "")}
    wait_s = retry_after(dated, message, limited=True)
    return Failure(
        classify(said.status, said.codes, message),
        shorten(message),
        said.status,
        said.codes[0] if said.codes else None,
        request_id(headers, {}),
        said.wait_s if wait_s is None else wait_s,
    )


def read_error_body(body: bytes) -> ErrorBody:
    """What these bytes say. Total."""
    text = body.decode("utf-8", "replace")
    try:
        value = parse(text)
    except ValueError:
        return ErrorBody(_plain(text))
    said = _read(value)
    return said if said.message.strip() or not value else replace(said, message=_plain(text))  # of an unknown shape


def _read(value: Json) -> ErrorBody:
    if isinstance(value, list) and value:
        value = value[0]
    if not isinstance(value, Mapping):
        return ErrorBody(_plain(as_text(value)))
    error = value.get("error")
    inner = error if isinstance(error, Mapping) else value
    codes = _codes(inner) + _codes(as_object(inner.get("innererror"))) + _codes(value)
    return ErrorBody(
        _message(value, inner, error),
        tuple(dict.fromkeys(codes)),
        _status(inner),
        first_text(value.get("request_id"), value.get("id")) or None,
        _wait_s(value, inner),
        _repeated(inner),
    )


def _message(value: JsonObject, inner: JsonObject, error: Json) -> str:
    own = first_text(inner.get("message"), error, inner.get("error"), inner.get("detail"), value.get("message"))
    own = own or _listed(inner.get("detail")) or _listed(value.get("errors")) or _listed(error)
    raw = as_object(inner.get("metadata")).get("raw")  # openrouter keeps the upstream's own words here
    return f"{own}: {raw}" if isinstance(raw, str) and raw else own


def _listed(value: Json) -> str:
    """FastAPI's list of validation errors, or a list of messages, as one text."""
    return "; ".join(text for text in map(_complaint, as_list(value)) if text)


def _complaint(item: Json) -> str:
    if not isinstance(item, Mapping):
        return as_text(item)
    place = ".".join(str(step) for step in as_list(item.get("loc")))
    words = first_text(item.get("msg"), item.get("message"))
    return f"{place}: {words}" if place and words else words


def _codes(error: JsonObject) -> list[str]:
    """Codes that are words before types, before codes that only repeat a number."""
    found = [error.get(key) for key in ("code", "type", "error_type", "status")]
    texts = [str(code) for code in found if isinstance(code, str | int) and not isinstance(code, bool) and code != ""]
    return sorted(texts, key=str.isdigit)


def _status(error: JsonObject) -> int | None:
    for key in ("status_code", "code", "status"):
        value = error.get(key)
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) == 3:
            value = int(value)
        if isinstance(value, int) and 400 <= value <= 599:
            return value
    return None


def _wait_s(value: JsonObject, inner: JsonObject) -> float | None:
    """The seconds that a field names: huggingface's while a model loads, openrouter's and proxies' at a limit."""
    metadata = as_object(inner.get("metadata"))
    named = (metadata.get("retry_after_seconds"), inner.get("retry_after"), value.get("retry_after"))
    found = map(_seconds, (value.get("estimated_time"), *named))
    return next((wait_s for wait_s in found if wait_s is not None), None)


def _repeated(inner: JsonObject) -> Mapping[str, str]:
    """The headers that stand in the body, with names in lower case."""
    headers = as_object(as_object(inner.get("metadata")).get("headers"))
    return {name.lower(): value for name, value in headers.items() if isinstance(value, str)}


def _seconds(value: Json) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 < value < _LONGEST_WAIT_S else None


def _plain(text: str) -> str:
    """Text as it stands; of a page of HTML its title, else its words."""
    if not re.match(r"\s*<(?:!doctype|html|head|body|\?xml)", text, re.IGNORECASE):
        return "".join(char if char.isprintable() or char in "\n\t" else " " for char in text[:_LONGEST_READ])
    title = re.search(r"<title[^>]*>([^<]*)</title>", text[:20000], re.IGNORECASE)
    words = title.group(1) if title else re.sub(r"<[^>]*>", " ", text[:20000])
    return " ".join(html.unescape(words).split())


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase.lower()
    except ValueError:
        return ""
