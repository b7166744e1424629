"""Webhooks: one POST of JSON as Slack takes it, and signed, where the spec has a `secret`.

    {"text": "budget `monthly`: 80% of 50 USD is spent; …", "event": "budget_warning", "at": "2026-11-21T05:00:00Z",
     "budget": "monthly", "share": 0.8, "spent_usd": "40.1", "amount_usd": "50", "window_ends": "2026-12-01T00:00:00Z"}

`text` is what Slack, Mattermost and Discord (below `/slack`) show; `&`, `<` and `>` are escaped in it, as Slack wants
it. The other fields are for programs: `deployment`, `failure` and `cooldown_s` where a deployment goes down, `provider`
and `deployment` where a key is refused. Money is text, exact, in US dollars; `account` tells the values of a budget's
`per` apart.

A signed one has two more headers. `LLM-Router-Timestamp` is when it was sent, in seconds since the epoch.
`LLM-Router-Signature` is `v1=` and the HMAC-SHA256, in hexadecimal, of timestamp, a full stop and the body as it came,
with the secret as its key. A receiver compares it in constant time, and refuses a timestamp that is minutes old.
"""

from __future__ import annotations

import base64
import hmac
import json
import time
from urllib.parse import unquote, urlsplit

from llm_router.alerts.notice import Notice, Undelivered, instant
from llm_router.engine.effects import Close, Expired, Lost, Open
from llm_router.engine.leaving import Leaving
from llm_router.engine.transport.blocking import BlockingTransport
from llm_router.policy.alerting import Webhook
from llm_router.policy.secret import Secret
from llm_router.wire.codec import HttpRequest

TIMESTAMP_HEADER = "LLM-Router-Timestamp"
SIGNATURE_HEADER = "LLM-Router-Signature"
SIGNATURE_VERSION = "v1"


def post(notice: Notice, webhook: Webhook, within_s: float) -> None:
    """Send it, on a connection of its own. Raises Undelivered for anything but a status of 2xx."""
    host = urlsplit(webhook.address.reveal()).hostname
    try:
        status = _status(_request(notice, webhook, time.time()), within_s)
    except Expired:
        raise Undelivered(f"the webhook at `{host}` didn't answer in time") from None
    except Lost as error:
        raise Undelivered(f"the webhook at `{host}`: {error}") from None
    if not 200 <= status < 300:
        raise Undelivered(f"the webhook at `{host}` answered {status}", again=status >= 500 or status in (408, 429))


def signature(secret: Secret, timestamp: str, body: bytes) -> str:
    """What `LLM-Router-Signature` says of a body that was sent then."""
    signed = f"{timestamp}.".encode() + body
    return f"{SIGNATURE_VERSION}={hmac.new(secret.reveal().encode(), signed, 'sha256').hexdigest()}"


def payload(notice: Notice) -> bytes:
    """The body."""
    said = {"text": _escaped(notice.text), "event": notice.event, "at": instant(notice.at), **notice.fields}
    return json.dumps(said, ensure_ascii=False).encode()


def _status(request: HttpRequest, within_s: float) -> int:
    transport, until = BlockingTransport(), time.monotonic() + within_s
    try:
        reply = transport.open(Open(request, until, until), Leaving())
        transport.close(Close(reply))
        return reply.status
    finally:
        transport.shut()


def _request(notice: Notice, webhook: Webhook, now: float) -> HttpRequest:
    body, headers = payload(notice), {"content-type": "application/json"}
    parts = urlsplit(webhook.address.reveal())
    if parts.username is not None:
        said = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["authorization"] = f"Basic {base64.b64encode(said.encode()).decode()}"
    if webhook.secret is not None:
        headers[TIMESTAMP_HEADER] = str(int(now))
        headers[SIGNATURE_HEADER] = signature(webhook.secret, str(int(now)), body)
    url = parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="").geturl()
    return HttpRequest("POST", url, headers, body)


def _escaped(text: str) -> str:
    # slack: these three and no others; docs.slack.dev, formatting message text, 2026-11-21
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
