"""Everything a request can raise, as one small tree.

RouterError
├── RequestError            what the caller said can't be understood; nothing was asked
├── Refused                 a rule with `refuse:` decided
├── NoCandidate             nobody may serve this request; every reason is listed
├── RouterClosed            the router was closed before or during the call
└── ProviderError           providers were asked and none answered; one class per failure class
    ├── RateLimited
    ├── QuotaExhausted
    ├── Unavailable
    │   ├── Overloaded
    │   ├── ConnectionLost
    │   ├── Truncated
    │   └── Malformed
    ├── TimedOut
    ├── AuthenticationFailed
    ├── PermissionDenied
    ├── NotFound
    ├── ContextLengthExceeded
    ├── ContentFiltered
    ├── BadRequest
    └── InvalidOutput

`SpecError`, raised at the boundary for a spec that doesn't compile, lives with the diagnostics it carries
(`llm_router.diagnostics`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from typing_extensions import override

FailureClass = Literal[
    "rate_limit",
    "quota_exhausted",
    "unavailable",
    "overloaded",
    "connection_lost",
    "truncated",
    "malformed",
    "timeout",
    "authentication",
    "permission",
    "not_found",
    "context_length",
    "content_filter",
    "bad_request",
    "invalid_output",
]
FAILURE_CLASSES: tuple[FailureClass, ...] = get_args(FailureClass)

PARENT: Mapping[FailureClass, FailureClass] = {
    "overloaded": "unavailable",
    "connection_lost": "unavailable",
    "truncated": "unavailable",
    "malformed": "unavailable",
}
"""What is said of the parent holds for a child that isn't named."""

RETRYABLE: frozenset[FailureClass] = frozenset(
    {"rate_limit", "unavailable", "overloaded", "connection_lost", "truncated", "malformed", "timeout"}
)
"""Failures that the same request may survive a moment later, unchanged."""


@dataclass(frozen=True, slots=True)
class AttemptReport:
    """One attempt that was made, as the explanation after the fact names it. Durations in seconds."""

    number: int
    deployment: str
    provider: str
    outcome: Literal["ok", "failed", "cancelled"]
    failure: FailureClass | None = None
    message: str = ""
    status: int | None = None
    code: str | None = None
    provider_request_id: str | None = None
    started_s: float = 0.0
    duration_s: float = 0.0
    first_content_s: float | None = None

    @override
    def __str__(self) -> str:
        if self.outcome != "failed":
            return f"#{self.number} {self.deployment}: {self.outcome} after {self.duration_s:.2f}s"
        status = f" {self.status}" if self.status else ""
        return f"#{self.number} {self.deployment}: {self.failure}{status} after {self.duration_s:.2f}s: {self.message}"


class RouterError(Exception):
    """The root: `except RouterError` catches whatever a request can raise."""

    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, decision_id: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.decision_id = decision_id


class RequestError(RouterError, ValueError):
    """A hint, an option or a name in the call can't be understood; `help` says what to do."""

    def __init__(self, message: str, *, help: str = "") -> None:
        super().__init__(f"{message}\n  help: {help}" if help else message)
        self.help = help


class Refused(RouterError):
    """The rule `rule` refuses such requests; the message is the spec's own."""

    def __init__(self, message: str, *, rule: str, decision_id: str | None = None) -> None:
        super().__init__(message, decision_id=decision_id)
        self.rule = rule


class NoCandidate(RouterError):
    """Nobody may serve the request. `reasons` maps each deployment to why not."""

    def __init__(self, message: str, *, reasons: Mapping[str, str], decision_id: str | None = None) -> None:
        lines = [message, *(f"  {name}: {reason}" for name, reason in reasons.items())]
        super().__init__("\n".join(lines), decision_id=decision_id)
        self.reasons = dict(reasons)


class RouterClosed(RouterError):
    """The router was closed; make a new one."""


class ProviderError(RouterError):
    """Providers were asked and none answered.

    The class is that of the failure that matters, never of a later, less telling one; `attempts` has them all.
    `retry_after_s` is in seconds, `None` where nobody said. `partial_text` is what a broken stream had passed on.
    """

    failure: ClassVar[FailureClass] = "unavailable"

    def __init__(
        self,
        message: str,
        *,
        provider: str | None = None,
        deployment: str | None = None,
        status: int | None = None,
        code: str | None = None,
        provider_request_id: str | None = None,
        retry_after_s: float | None = None,
        attempts: Sequence[AttemptReport] = (),
        partial_text: str = "",
        decision_id: str | None = None,
    ) -> None:
        lines = [message, *(f"  {attempt}" for attempt in attempts)]
        super().__init__("\n".join(lines), decision_id=decision_id)
        self.provider = provider
        self.deployment = deployment
        self.status = status
        self.code = code
        self.provider_request_id = provider_request_id
        self.retry_after_s = retry_after_s
        self.attempts = tuple(attempts)
        self.partial_text = partial_text


class RateLimited(ProviderError):
    """The provider asks to wait."""

    failure = "rate_limit"
    retryable = True


class QuotaExhausted(ProviderError):
    """The account is empty: no waiting cures it."""

    failure = "quota_exhausted"


class Unavailable(ProviderError):
    """The provider failed on its side."""

    failure: ClassVar[FailureClass] = "unavailable"
    retryable = True


class Overloaded(Unavailable):
    """The provider says that it has too much to do."""

    failure = "overloaded"


class ConnectionLost(Unavailable):
    """No connection could be made, or it broke before the answer began."""

    failure = "connection_lost"


class Truncated(Unavailable):
    """The answer stopped before its end."""

    failure = "truncated"


class Malformed(Unavailable):
    """The answer can't be read."""

    failure = "malformed"


class TimedOut(ProviderError):
    """No first token, a stall, or the whole took too long; or the request's deadline passed."""

    failure = "timeout"
    retryable = True


class AuthenticationFailed(ProviderError):
    """The key was not accepted."""

    failure = "authentication"


class PermissionDenied(ProviderError):
    """The key may not do this."""

    failure = "permission"


class NotFound(ProviderError):
    """The provider doesn't know the model or the address."""

    failure = "not_found"


class ContextLengthExceeded(ProviderError):
    """The request doesn't fit into the model's context window."""

    failure = "context_length"


class ContentFiltered(ProviderError):
    """The provider's safety filter stopped request or answer."""

    failure = "content_filter"


class BadRequest(ProviderError):
    """The provider rejects the request as it stands."""

    failure = "bad_request"


class InvalidOutput(ProviderError):
    """The answer is whole, but not what was asked for (its JSON doesn't fit the schema)."""

    failure = "invalid_output"


PROVIDER_ERRORS: Mapping[FailureClass, type[ProviderError]] = {
    error.failure: error
    for error in (
        RateLimited,
        QuotaExhausted,
        Unavailable,
        Overloaded,
        ConnectionLost,
        Truncated,
        Malformed,
        TimedOut,
        AuthenticationFailed,
        PermissionDenied,
        NotFound,
        ContextLengthExceeded,
        ContentFiltered,
        BadRequest,
        InvalidOutput,
    )
}
