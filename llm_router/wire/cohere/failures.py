"""What Cohere's failures mean, where the common table doesn't know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from llm_router.errors import FailureClass
from llm_router.messages import JsonObject
from llm_router.wire.codec import Failure
from llm_router.wire.error_body import failure_in_answer, failure_of
from llm_router.wire.reading import as_text, first_text

_STATUSES: Mapping[int, FailureClass] = {
    498: "authentication",  # "invalid token"; the vendor's own client, 2026
    499: "unavailable",  # a request that was cancelled on its way; the same
}
_REASONS: Mapping[str, FailureClass] = {
    "INVALID_TOOL_GENERATION": "invalid_output",  # the model's own call was wrong; recorded 2026
    "TIMEOUT": "timeout",
    "ERROR_LIMIT": "context_length",
}


def failure_of_reply(status: int, headers: Mapping[str, str], body: bytes) -> Failure:
    """What a status of 400 and above says. Total."""
    failure = failure_of(status, headers, body)
    if status == 498 and "blocked" in failure.message.lower():  # blocked input or output; docs, errors, 2025
        return replace(failure, kind="content_filter")
    return replace(failure, kind=_STATUSES[status]) if status in _STATUSES else failure


def failure_at_end(reason: str, said: JsonObject, headers: Mapping[str, str]) -> Failure:
    """The failure that a finish reason of this kind tells; `said` stands beside it."""
    code = first_text(said.get("error_type"), reason)
    words = as_text(said.get("error")) or f"the provider broke off: finish reason `{reason}`"
    failure = failure_in_answer({"message": words, "code": code}, headers)
    kind = _REASONS.get(code) or _REASONS.get(reason)
    return failure if kind is None else replace(failure, kind=kind)
