"""Sending one mail: claim it, hand it to its channel, write down what became of it.

The claim and the outcome are two short statements and nothing is open between them, however slow the server
is. At the SMTP border this is "at least once": a worker that dies, or loses its database, between the
server's 250 and our mark leaves a mail that is sent once more when its lease ends, with the same Message-ID.
"""

import logging
from enum import Enum
from time import monotonic
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from nexus_kernel import current_nexus, reading, settings
from nexus_kernel.contracts.notifications import Undeliverable
from nexus_notifications.config import NotificationsConfig
from nexus_notifications.rendering import render_message
from nexus_notifications.services.mails import Mails, pause_after

log = logging.getLogger("nexus.notifications")

BATCH = 50
BUDGET_SECONDS = 20.0


class Outcome(Enum):
    """What became of an attempt. SKIPPED: somebody else's, not due, or too many are under way."""

    SENT = "sent"
    REFUSED = "refused"
    RETRY = "retry"
    SKIPPED = "skipped"


def deliver(mail_id: UUID) -> Outcome:
    """Send this mail if it is due and nobody else does."""
    config = settings(NotificationsConfig)
    with reading() as session:
        mail = Mails(session).claim(mail_id, lease=config.lease_seconds, slots=config.max_in_flight)
    if mail is None:
        return Outcome.SKIPPED
    error = _attempt(mail, config)
    with reading() as session:
        if error is None:
            Mails(session).mark_sent(mail.id)
            return Outcome.SENT
        final = isinstance(error, Undeliverable) or mail.attempts >= config.max_attempts
        pause = None if final else pause_after(mail.attempts, config.retry_seconds)
        Mails(session).mark_failed(mail, f"{type(error).__name__}: {error}", pause=pause)
    fate = "dead" if final else f"again in {pause:.0f} s"
    log.warning("mail %s was not sent (attempt %d, %s): %s", mail.id, mail.attempts, fate, error)
    return Outcome.REFUSED if isinstance(error, Undeliverable) else Outcome.RETRY


def deliver_due() -> None:
    """Send what is due, for a while. Ends at a failure that may be the server's and not the mail's."""
    deadline = monotonic() + BUDGET_SECONDS
    with reading() as session:
        due = Mails(session).due(BATCH)
    for mail_id in due:
        if deliver(mail_id) is Outcome.RETRY or monotonic() > deadline:
            return


def _attempt(mail: Row[Any], config: NotificationsConfig) -> Exception | None:
    try:
        if mail.attempts > config.max_attempts:
            raise Undeliverable("its worker vanished at the last attempt")
        current_nexus().channels[mail.channel].deliver(render_message(mail, config))
    except Exception as error:
        return error
    return None
