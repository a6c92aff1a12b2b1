"""The SMTP side: every message is accepted and kept."""

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from nexus_mailbox.store import Store

_LARGEST = 32 * 1024 * 1024


class _Keeper:
    """aiosmtpd's handler: called once a message, after its last line."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.original_content or b""
        identity = self._store.add(envelope.mail_from or "", list(envelope.rcpt_tos), content)
        return f"250 OK kept as {identity}"


def smtp_server(store: Store, host: str, port: int) -> Controller:
    """A server that `start()` and `stop()`s in a thread of its own. Any user name and password will do."""
    return Controller(
        _Keeper(store),
        hostname=host,
        port=port,
        data_size_limit=_LARGEST,
        enable_SMTPUTF8=True,
        auth_require_tls=False,
        authenticator=lambda *_: AuthResult(success=True),
    )
