"""Everything a request can raise, as one small tree.

RouterError
├── RequestError            what the caller said can't be understood; nothing was asked
├── Refused                 a rule with `refuse:` decided
├── NoCandidate             nobody may serve this request; every reason is listed
├── RouterClosed            the router was closed before or during the call
├── StoreError              the store that `state:` names can't be used as it is
│   └── StoreDown           it can't be reached at the moment
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

AdmittedAs = Literal["ready", "probe", "best guess"]
"""How an attempt came to be made: nothing stood in the way; as the trial of a deployment that cools, once its time has
come; or before that, because everybody else was kept back too."""


AttemptMark = Literal["", "hedge", "continued"]

CostBasis = Literal["reported", "reserved", "free", "unknown"]
"""Where a cost comes from: the reported usage; an upper bound, where none was reported; nothing was to be paid; nobody
knows."""


@dataclass(frozen=True, slots=True)
class AttemptReport:
    """One attempt that was made, as the explanation after the fact names it. Durations in seconds.

    `mark` says why it was made, where not in turn: as a `hedge`, or because an answer that broke off was `continued`.
    Tokens are as the provider reported them for this attempt. `cost` is in picodollars, `None` where nobody knows it.
    """

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
    admitted_as: AdmittedAs = "ready"
    mark: AttemptMark = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost: int | None = None
    cost_basis: CostBasis = "unknown"

    @override
    def __str__(self) -> str:
        why: list[str] = [self.admitted_as] if self.admitted_as != "ready" else []
        why += [self.mark] if self.mark else []
        who = f"{self.deployment} ({', '.join(why)})" if why else self.deployment
        if self.outcome != "failed":
            return f"#{self.number} {who}: {self.outcome} after {self.duration_s:.2f}s"
        status = f" {self.status}" if self.status else ""
        return f"#{self.number} {who}: {self.failure}{status} after {self.duration_s:.2f}s: {self.message}"


class RouterError(Exception):
    """The root: `except RouterError` catches whatever a request can raise."""

    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, decision_id: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.decision_id = decision_id

    def explain(self) -> str:
        """What was tried and why it came to this, as people read it."""
        return f"{self.message}\n"


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


class StoreError(RouterError):
    """The store can't be used as it is: an unknown kind, a driver that isn't installed, a newer version's schema."""

    def __init__(self, message: str, *, help: str = "") -> None:
        super().__init__(f"{message}\n  help: {help}" if help else message)
        self.help = help


class StoreDown(StoreError):
    """The store can't be reached or took too long. `store` is its scheme and host, never a password."""

    retryable = True

    def __init__(self, store: str, reason: str = "") -> None:
        super().__init__(f"the store `{store}` can't be reached" + (f": {reason}" if reason else ""))
        self.store = store
        self.reason = reason


class ProviderError(RouterError):
    """Providers were asked and none answered.

    The class is that of the failure that matters, never of a later, less telling one; `attempts` has them all.
    `retry_after_s` is in seconds, `None` where nobody said. `partial_text` is what a broken stream had passed on.
    `body` is what came in place of an answer, as it came but for keys. It may echo the prompt: it is empty unless the
    spec says `ledger: {keep_prompts: true}`. Of a stream that broke there is none.
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
        body: str = "",
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
        self.body = body
        self.headline = message

    @override
    def explain(self) -> str:
        attempts = [f"  {attempt}" for attempt in self.attempts]
        lines = [self.headline, *(["", "attempts", *attempts] if attempts else [])]
        if self.retry_after_s is not None:
            lines += ["", f"may be asked again in {self.retry_after_s:.1f}s"]
        return "\n".join(lines) + "\n"


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
