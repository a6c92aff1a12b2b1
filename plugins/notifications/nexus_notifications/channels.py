"""E-mail over SMTP."""

import re
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from nexus_kernel import now, settings
from nexus_kernel.contracts.notifications import OutboundMessage, Undeliverable
from nexus_notifications.config import NotificationsConfig


class EmailChannel:
    """Hands messages to the deployment's mail server, one connection each, every step under a time-out."""

    code = "email"

    def deliver(self, message: OutboundMessage) -> None:
        """Returns once the server has accepted the message.

        Raises Undeliverable where it refuses the recipient or the message for good (RFC 5321, section
        4.2.1: 5yz); any other exception means "try again later".
        """
        config = settings(NotificationsConfig)
        mail = compose(message, config)
        try:
            with _connected(config) as smtp:
                _check_script(smtp, message.recipient)
                smtp.send_message(mail)
        except smtplib.SMTPRecipientsRefused as error:
            ((status, answer),) = error.recipients.values()
            raise _refusal(status, answer) from error
        except smtplib.SMTPDataError as error:
            raise _refusal(error.smtp_code, error.smtp_error) from error


def compose(message: OutboundMessage, config: NotificationsConfig) -> EmailMessage:
    """The mail with its headers. Raises Undeliverable for a recipient or subject that cannot be a header."""
    mail = EmailMessage(policy=SMTP)
    try:
        mail["From"] = config.sender
        mail["To"] = _address(message.recipient)
        mail["Subject"] = message.subject
        mail["Message-ID"] = message.message_id
        mail["Date"] = format_datetime(now())
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.text)
        if message.html:
            mail.add_alternative(message.html, subtype="html")
    except (ValueError, IndexError, MessageError) as error:
        raise Undeliverable(f"it cannot be written as a mail: {error}") from error
    return mail


def _address(recipient: str) -> Address:
    """The address, which may be internationalised (RFC 6532). Raises ValueError, MessageError.

    The library's parser takes every letter outside of ASCII for a defect, so it judges the rest.
    """
    if recipient.isascii():
        return Address(addr_spec=recipient)
    if not recipient.isprintable():
        raise ValueError("the address has invisible characters")
    Address(addr_spec=re.sub(r"[^\x00-\x7f]", "x", recipient))
    username, _, domain = recipient.rpartition("@")
    return Address(username=username, domain=domain)


def _check_script(smtp: smtplib.SMTP, recipient: str) -> None:
    smtp.ehlo_or_helo_if_needed()
    if not recipient.isascii() and not smtp.has_extn("smtputf8"):
        raise Undeliverable("the mail server takes addresses in ASCII only (no SMTPUTF8)")


@contextmanager
def _connected(config: NotificationsConfig) -> Iterator[smtplib.SMTP]:
    smtp = _connect(config)
    try:
        if config.transport == "starttls":
            smtp.starttls(context=ssl.create_default_context())
        if config.smtp_username:
            smtp.login(config.smtp_username, config.smtp_password)
        yield smtp
        with suppress(smtplib.SMTPException, OSError):
            smtp.quit()
    finally:
        smtp.close()


def _connect(config: NotificationsConfig) -> smtplib.SMTP:
    where = (config.smtp_host, config.smtp_port, config.sender.domain)
    if config.transport == "tls":
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(*where, timeout=config.smtp_timeout_seconds, context=context)
    return smtplib.SMTP(*where, timeout=config.smtp_timeout_seconds)


def _refusal(status: int, answer: bytes | str) -> Exception:
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    kind = Undeliverable if 500 <= status < 600 else ConnectionError
    return kind(f"the mail server answered {status} {text}")
