"""Alerts by mail: what is sent, encrypted where it can be, and no password in clear text."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

import pytest

from llm_router.alerts.desk import Desk
from llm_router.alerts.mail import message, send
from llm_router.alerts.notice import Notice, Undelivered
from llm_router.engine.events import BudgetWarning
from llm_router.policy.alerting import BoundAlert, Mailbox
from llm_router.policy.secret import Secret
from llm_router.state.accounts import Accounts
from tests.alerts.places import MailServer, mail_server
from tests.router.relay import OPENSSL, certificate

NOTICE = Notice("budget_warning", "budget `größer`:\nspent", 1_790_000_000.0, {"share": 0.8, "window_ends": None})
TO = ("ops@example.com", "cfo@example.com")


def mailbox(url: str) -> Mailbox:
    return Mailbox(TO, Secret(url))


def test_one_message_goes_to_all_of_them() -> None:
    with mail_server(MailServer()) as server:
        send(NOTICE, mailbox(f"smtp://127.0.0.1:{server.port}"), 5)
    (got,) = server.messages
    assert str(message(NOTICE, mailbox("smtp://127.0.0.1"))["subject"]) == "llm-router: budget `größer`: spent"
    assert (got["to"], got["from"]) == ("ops@example.com, cfo@example.com", "llm-router@127.0.0.1")
    payload = got.get_payload(decode=True)
    assert isinstance(payload, bytes)
    text = payload.decode().replace("\r\n", "\n")
    assert text == "budget `größer`:\nspent\n\nevent: budget_warning\nat: 2026-09-21T14:13:20Z\nshare: 0.8\n"
    assert [line for line in server.heard if line.startswith(("MAIL", "RCPT"))] == [
        "MAIL FROM:<llm-router@127.0.0.1>",
        "RCPT TO:<ops@example.com>",
        "RCPT TO:<cfo@example.com>",
    ]


def test_who_logs_in_with_an_address_sends_from_it() -> None:
    with mail_server(MailServer(offers_login=True)) as server:
        send(NOTICE, mailbox(f"smtp://me%40example.com:p%3Aw@127.0.0.1:{server.port}"), 5)
    assert server.login() == "me@example.com:p:w"
    assert server.messages[0]["from"] == "me@example.com"


@pytest.mark.skipif(OPENSSL is None, reason="openssl makes the certificate")
def test_it_goes_on_encrypted_where_the_server_offers_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with mail_server(MailServer(tls=file, offers_login=True)) as server:
        send(NOTICE, mailbox(f"smtp://me:planted@127.0.0.1:{server.port}"), 5)
    verbs = [line.split()[0] for line in server.heard]
    assert verbs.index("STARTTLS") < verbs.index("AUTH")
    assert len(server.messages) == 1


@pytest.mark.skipif(OPENSSL is None, reason="openssl makes the certificate")
def test_a_certificate_that_nobody_vouches_for_gets_nothing(tmp_path: Path) -> None:
    with (
        mail_server(MailServer(tls=certificate(tmp_path), offers_login=True)) as server,
        pytest.raises(Undelivered, match="SSLCertVerificationError"),
    ):
        send(NOTICE, mailbox(f"smtp://me:planted@127.0.0.1:{server.port}"), 5)
    assert [line.split()[0] for line in server.heard] == ["EHLO", "STARTTLS"]


def test_a_password_is_not_sent_in_clear_text() -> None:
    with (
        mail_server(MailServer(offers_login=True)) as server,
        mock.patch("llm_router.alerts.mail.is_loopback", return_value=False),
        pytest.raises(Undelivered, match="offers no encryption, so it isn't told the password") as caught,
    ):
        send(NOTICE, mailbox(f"smtp://me:planted@127.0.0.1:{server.port}"), 5)
    assert not caught.value.again
    assert "planted" not in "".join(server.heard)


@pytest.mark.parametrize(
    ("refuses", "said", "again"),
    [
        ({"AUTH": "535 wrong: planted"}, "answered 535", False),
        ({"MAIL": "451 later"}, "answered 451", True),
        ({"MAIL": "550 never"}, "answered 550", False),
        ({"RCPT": "550 who?"}, "refused all recipients", False),
        ({"DATA": "554 spam"}, "answered 554", False),
    ],
)
def test_what_a_server_refuses(refuses: dict[str, str], said: str, *, again: bool) -> None:
    with (
        mail_server(MailServer(refuses=refuses, offers_login=True)) as server,
        pytest.raises(Undelivered, match=said) as caught,
    ):
        send(NOTICE, mailbox(f"smtp://me:planted@127.0.0.1:{server.port}"), 5)
    assert caught.value.again is again
    assert "planted" not in str(caught.value)


def test_nobody_there_may_be_there_later() -> None:
    with mail_server(MailServer()) as server:
        url = f"smtp://me:planted@127.0.0.1:{server.port}"
    with pytest.raises(Undelivered, match=r"the mail server `127.0.0.1`: ConnectionRefusedError") as caught:
        send(NOTICE, mailbox(url), 5)
    assert caught.value.again


def test_mail_is_tried_again_like_all_else() -> None:
    with mail_server(MailServer(refuses={"MAIL": "451 later"})) as server:
        desk = Desk(pauses_s=(0.0, 0.0))
        desk.use((BoundAlert(frozenset({"budget_warning"}), mailbox(f"smtp://127.0.0.1:{server.port}")),), Accounts())
        desk(BudgetWarning("b", 1, 2))
        desk.close()
    assert sum(line.startswith("MAIL") for line in server.heard) == 3
