"""A spec's alerts joined to an environment: addresses and secrets, and what is wrong with them.

An address lets everybody write there, so it is a `Secret`, and no message shows more of it than its host.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

from llm_router.diagnostics import Diagnostic, Span
from llm_router.policy.binding import is_loopback
from llm_router.policy.program import Alert, AlertEvent, Email, Program
from llm_router.policy.secret import Secret
from llm_router.spec.refs import Environment, MissingReference, Reference, resolve
from llm_router.spec.source import Source

UNSET = "LR526"
NO_ADDRESS = "LR527"
IN_THE_CLEAR = "LR528"

_SCHEMES = {"webhook": ("http", "https"), "smtp": ("smtp", "smtps")}
_ADVICE = {
    "webhook": "it must be `https://` and the rest",
    "smtp": "it must be `smtp://user:password@host:port`, or `smtps://` and the rest",
}


@dataclass(frozen=True, slots=True)
class Webhook:
    """An address that gets JSON by POST, signed where there is a `secret`."""

    address: Secret
    secret: Secret | None = None


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Who gets mail, through the server with this url."""

    to: tuple[str, ...]
    server: Secret


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line in the log."""


Place: TypeAlias = Webhook | Mailbox | LogLine


@dataclass(frozen=True, slots=True)
class BoundAlert:
    """Where `events` are told."""

    events: frozenset[AlertEvent]
    place: Place


@dataclass(frozen=True, slots=True)
class BoundAlerts:
    """The alerts that can be sent here, and why others can't."""

    alerts: tuple[BoundAlert, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()


def bind_alerts(program: Program, environment: Environment, source: Source | None = None) -> BoundAlerts:
    """The alerts with their addresses in this environment.

    Where an emulator stands in for the providers, nothing but the log is told: there is no network in tests.
    """
    alerts: list[BoundAlert] = []
    found: list[Diagnostic] = []
    for number, alert in enumerate(program.alerts):
        if environment.emulator is not None and not alert.log:
            continue
        try:
            place, warnings = _placed(alert, environment)
        except _Unbound as fault:
            found.append(fault.at(source, number))
        else:
            alerts.append(BoundAlert(frozenset(alert.events), place))
            found.extend(fault.at(source, number) for fault in warnings)
    return BoundAlerts(tuple(alerts), tuple(found))


class _Unbound(Exception):
    """What is wrong, and where in the alert it stands."""

    def __init__(self, code: str, path: tuple[str, ...], message: str, help: str) -> None:
        super().__init__(message)
        self.code, self.path, self.message, self.help = code, path, message, help

    def at(self, source: Source | None, number: int) -> Diagnostic:
        """The diagnostic, at its place in the file; in clear text is a warning, since it does work."""
        severity: Literal["warning", "error"] = "warning" if self.code == IN_THE_CLEAR else "error"
        span = source.span(("alerts", number, *self.path)) if source else Span("", 1, 1, 1, 1)
        return Diagnostic(self.code, severity, self.message, span, self.help)


def _placed(alert: Alert, environment: Environment) -> tuple[Place, tuple[_Unbound, ...]]:
    """Where the alert goes, and what its reader should know of that. Raises _Unbound."""
    if alert.webhook is not None:
        address = _address(alert.webhook, environment, ("webhook",))
        secret = None if alert.secret is None else Secret(_text(alert.secret, environment, ("secret",)))
        return Webhook(Secret(address), secret), tuple(_exposed(address))
    if alert.email is not None:
        return _mailbox(alert.email, environment), ()
    return LogLine(), ()


def _mailbox(email: Email, environment: Environment) -> Mailbox:
    return Mailbox(email.to, Secret(_address(email.smtp, environment, ("email", "smtp"))))


def _address(said: str | Reference, environment: Environment, path: tuple[str, ...]) -> str:
    """A url of the kind that stands there. Raises _Unbound, without a word of what it is instead."""
    kind = path[-1]
    text = _text(said, environment, path)
    try:
        parts = urlsplit(text)
        good = parts.scheme in _SCHEMES[kind] and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or not text.isascii() or any(character.isspace() for character in text):
        message = f"what `{kind}` stands for here is no address of a {_NOUNS[kind]}"
        raise _Unbound(NO_ADDRESS, path, message, _ADVICE[kind])
    return text


_NOUNS = {"webhook": "webhook", "smtp": "mail server"}


def _text(said: str | Reference, environment: Environment, path: tuple[str, ...]) -> str:
    if isinstance(said, str):
        return said
    try:
        return resolve(said, environment)
    except MissingReference as missing:
        message = f"{missing.message}, so nobody gets this alert"
        raise _Unbound(UNSET, path, message, missing.help) from None


def _exposed(address: str) -> Iterator[_Unbound]:
    """Yields a warning for a webhook that anybody on the way can read, and use."""
    host = urlsplit(address).hostname
    if urlsplit(address).scheme == "http" and not is_loopback(address):
        message = f"the webhook at `{host}` is sent in clear text, its address too"
        yield _Unbound(IN_THE_CLEAR, ("webhook",), message, "use `https://`")
