"""The router's errors as LangChain knows them, so that its retries and middleware see what may be tried again.

Each is the router's own error and a `ModelError` of LangChain's at once: code that catches either goes on working.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from langchain_core import exceptions as langchain

from llm_router import errors

__all__ = ["FRAMEWORK_ERRORS", "as_model_error", "model_errors"]


class RequestError(errors.RequestError, langchain.ModelInvalidRequestError):
    """A hint, an option or a message of the call can't be understood."""


class Refused(errors.Refused, langchain.ModelError):
    """A rule refuses such requests."""


class NoCandidate(errors.NoCandidate, langchain.ModelError):
    """Nobody may serve the request."""


class RouterClosed(errors.RouterClosed, langchain.ModelError):
    """The router was closed."""


class RateLimited(errors.RateLimited, langchain.ModelRateLimitError):
    """The provider asks to wait."""


class QuotaExhausted(errors.QuotaExhausted, langchain.ModelError):
    """The account is empty: no waiting cures it."""


class Unavailable(errors.Unavailable, langchain.ModelAPIError):
    """The provider failed on its side."""


class Overloaded(errors.Overloaded, langchain.ModelAPIError):
    """The provider has too much to do."""


class ConnectionLost(errors.ConnectionLost, langchain.ModelConnectionError):
    """No connection could be made, or it broke."""


class Truncated(errors.Truncated, langchain.ModelAPIError):
    """The answer stopped before its end."""


class Malformed(errors.Malformed, langchain.ModelAPIError):
    """The answer can't be read."""


class TimedOut(errors.TimedOut, langchain.ModelTimeoutError):
    """The answer took too long."""


class AuthenticationFailed(errors.AuthenticationFailed, langchain.ModelAuthenticationError):
    """The key was not accepted."""


class PermissionDenied(errors.PermissionDenied, langchain.ModelPermissionDeniedError):
    """The key may not do this."""


class NotFound(errors.NotFound, langchain.ModelNotFoundError):
    """The provider doesn't know the model or the address."""


class ContextLengthExceeded(errors.ContextLengthExceeded, langchain.ContextOverflowError):
    """The request doesn't fit into the context window."""


class ContentFiltered(errors.ContentFiltered, langchain.ModelInvalidRequestError):
    """The provider's safety filter stopped request or answer."""


class BadRequest(errors.BadRequest, langchain.ModelInvalidRequestError):
    """The provider rejects the request as it stands."""


class InvalidOutput(errors.InvalidOutput, langchain.ModelError):
    """The answer is not what was asked for."""


FRAMEWORK_ERRORS: Mapping[type[errors.RouterError], type[langchain.ModelError]] = {
    kind.__bases__[0]: kind
    for kind in list(globals().values())
    if isinstance(kind, type) and issubclass(kind, langchain.ModelError) and issubclass(kind, errors.RouterError)
}
"""LangChain's form of each of the router's errors."""


def as_model_error(error: errors.RouterError) -> Exception:
    """The same error in LangChain's form; itself where LangChain has no form for it."""
    kind = FRAMEWORK_ERRORS.get(type(error))
    if kind is None:
        return error
    found = kind.__new__(kind, *error.args)
    found.__dict__.update(error.__dict__)
    return found


@contextmanager
def model_errors() -> Iterator[None]:
    """What the router raises inside is raised in LangChain's form."""
    try:
        yield
    except errors.RouterError as error:
        raise as_model_error(error) from error
