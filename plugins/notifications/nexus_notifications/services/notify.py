"""From an event to rows: a notification in the shop and a mail for each channel, once an event."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from nexus_kernel import current_nexus, current_session, services, settings
from nexus_kernel.contracts.accounts import AccountService
from nexus_notifications.config import NotificationsConfig
from nexus_notifications.rendering import render_in_app
from nexus_notifications.services.inbox import Inbox
from nexus_notifications.services.mails import Mails

LONGEST_TEXT = 500


@dataclass(frozen=True, slots=True)
class Addressee:
    """Who is told. `email` is empty where nobody knows it: then there is no mail.

    `user_id` is None for an address of the shop's own: then there is nothing to see in an account.
    """

    user_id: UUID | None
    email: str
    name: str


def find_addressee(user_id: UUID) -> Addressee | None:
    """The person with this id; None when the account is gone."""
    if AccountService not in current_nexus().services.contracts():
        return Addressee(user_id, "", "")
    person = services.get(AccountService).get_people([user_id]).get(user_id)
    return None if person is None else Addressee(user_id, person.email, person.display_name)


def notify(
    event_id: UUID,
    kind: str,
    addressee: Addressee,
    context: Mapping[str, Any],
    *,
    data: Mapping[str, Any] | None = None,
) -> list[UUID]:
    """Write this event's mails and, where `data` is given, its notification; return the ids of new mails.

    Runs inside the transaction of the event's delivery. A second call for the same event adds nothing.
    """
    config, session = settings(NotificationsConfig), current_session()
    cleaned = clean({"name": addressee.name, **context})
    if data is not None and addressee.user_id is not None:
        title, body = render_in_app(kind, cleaned, config)
        Inbox(session, addressee.user_id).add(event_id, kind, title, body, data)
    if not addressee.email:
        return []
    added = [
        Mails(session).add(
            event_id, kind, channel, addressee.email, addressee.user_id, cleaned, config.sender.domain
        )
        for channel in config.channels
    ]
    return [mail_id for mail_id in added if mail_id is not None]


def clean(value: Any) -> Any:
    """JSON whose texts are one line without control characters: nobody's name adds a line to a mail."""
    if isinstance(value, Mapping):
        return {key: clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean(item) for item in value]
    if isinstance(value, str):
        line = " ".join(value.split())
        return "".join(c for c in line if unicodedata.category(c) not in ("Cc", "Cs"))[:LONGEST_TEXT]
    return value
