"""Mail: one message to all who get it, through the server that the spec names.

`smtp://` begins in clear text and goes on encrypted where the server offers it (STARTTLS), at port 587 if none is
written; `smtps://` is encrypted from the start, at port 465. A password isn't sent in clear text, except to this
machine. The sender is the user that the url names, if that is an address, else `llm-router@` and the server's name.
"""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from urllib.parse import SplitResult, unquote, urlsplit

from llm_router.alerts.notice import Notice, Undelivered, instant
from llm_router.policy.alerting import Mailbox
from llm_router.policy.binding import is_loopback

SUBMISSION_PORT = 587  # RFC 6409
SECURE_PORT = 465  # RFC 8314


def send(notice: Notice, mailbox: Mailbox, within_s: float) -> None:
    """Send it; `within_s` holds for each wait for the server. Raises Undelivered."""
    server = urlsplit(mailbox.server.reveal())
    try:
        with _connected(server, within_s) as connection:
            connection.send_message(message(notice, mailbox))
    except smtplib.SMTPRecipientsRefused:
        raise Undelivered(f"the mail server `{server.hostname}` refused all recipients", again=False) from None
    except smtplib.SMTPResponseException as error:
        said = f"the mail server `{server.hostname}` answered {error.smtp_code}"
        raise Undelivered(said, again=400 <= error.smtp_code < 500) from None
    except (smtplib.SMTPException, OSError) as error:
        raise Undelivered(f"the mail server `{server.hostname}`: {type(error).__name__}") from None


def message(notice: Notice, mailbox: Mailbox) -> EmailMessage:
    """The message: its sentence is the subject, and the fields are in the body."""
    server = urlsplit(mailbox.server.reveal())
    mail = EmailMessage()
    mail["Subject"] = " ".join(f"llm-router: {notice.text}".split())
    mail["From"] = _sender(server)
    mail["To"] = ", ".join(mailbox.to)
    mail["Date"] = formatdate(notice.at)
    mail["Message-ID"] = make_msgid(domain=server.hostname)
    facts = {"event": notice.event, "at": instant(notice.at), **notice.fields}
    lines = (f"{name}: {value}" for name, value in facts.items() if value is not None)
    mail.set_content("\n".join((notice.text, "", *lines, "")))
    return mail


def _sender(server: SplitResult) -> str:
    user = unquote(server.username or "")
    return user if "@" in user else f"llm-router@{server.hostname}"


@contextmanager
def _connected(server: SplitResult, within_s: float) -> Iterator[smtplib.SMTP]:
    """A connection on which mail can be sent; it is closed with the block, politely if it still stands."""
    with contextlib.closing(_opened(server, within_s)) as connection:
        if server.scheme == "smtp":
            connection.ehlo_or_helo_if_needed()
            if connection.has_extn("starttls"):
                connection.starttls(context=ssl.create_default_context())
        if server.password is not None:
            _log_in(connection, server)
        yield connection
        with contextlib.suppress(smtplib.SMTPException, OSError):
            connection.quit()


def _opened(server: SplitResult, within_s: float) -> smtplib.SMTP:
    host, me = server.hostname or "", socket.gethostname()
    if server.scheme == "smtps":
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(host, server.port or SECURE_PORT, me, timeout=within_s, context=context)
    return smtplib.SMTP(host, server.port or SUBMISSION_PORT, me, timeout=within_s)


def _log_in(connection: smtplib.SMTP, server: SplitResult) -> None:
    if not isinstance(connection.sock, ssl.SSLSocket) and not is_loopback(server.geturl()):
        said = f"the mail server `{server.hostname}` offers no encryption, so it isn't told the password"
        raise Undelivered(said, again=False)
    connection.login(unquote(server.username or ""), unquote(server.password or ""))
