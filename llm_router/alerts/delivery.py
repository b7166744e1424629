"""How a notice reaches its place: a webhook, a mailbox, or the log."""

from __future__ import annotations

import logging

from llm_router.alerts.notice import Notice
from llm_router.policy.alerting import LogLine, Mailbox, Place, Webhook

logger = logging.getLogger("llm_router.alerts")


def deliver(notice: Notice, place: Place, within_s: float) -> None:
    """Send it; blocks for `within_s` seconds at most, or little more. Raises Undelivered."""
    match place:
        case Webhook():
            from llm_router.alerts.webhook import post

            post(notice, place, within_s)
        case Mailbox():
            from llm_router.alerts.mail import send

            send(notice, place, within_s)
        case LogLine():
            logger.warning("%s", notice.text)
