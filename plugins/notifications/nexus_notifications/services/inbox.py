"""The notifications of one person."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from nexus_kernel import paginate
from nexus_notifications.errors import NotificationNotFound
from nexus_notifications.models import Notification

_COLUMNS = (
    Notification.id,
    Notification.kind,
    Notification.title,
    Notification.body,
    Notification.data,
    Notification.read_at,
    Notification.created_at,
)


class Inbox:
    """Reads and marks the notifications of `user_id`; those of others do not exist here."""

    def __init__(self, session: Session, user_id: UUID) -> None:
        self._session = session
        self._mine = Notification.user_id == user_id
        self._unread = Notification.read_at.is_(None)
        self._user_id = user_id

    def page(self, args: Mapping[str, Any]) -> dict[str, Any]:
        """A page, the newest first. At most two queries."""
        statement = select(*_COLUMNS).where(self._mine)
        if args["unread"]:
            statement = statement.where(self._unread)
        return paginate(
            self._session,
            statement,
            order=(Notification.id,),
            args=args,
            present=lambda row: dict(row._mapping),
        )

    def unread_count(self) -> int:
        """How many were not read."""
        counted = select(func.count()).select_from(Notification).where(self._mine, self._unread)
        return self._session.execute(counted).scalar_one()

    def mark_read(self, notification_id: UUID) -> dict[str, Any]:
        """Mark one, once, and return it. Raises NotificationNotFound. One statement."""
        statement = (
            update(Notification)
            .where(self._mine, Notification.id == notification_id)
            .values(read_at=func.coalesce(Notification.read_at, func.clock_timestamp()))
            .returning(*_COLUMNS)
        )
        row = self._session.execute(statement).mappings().first()
        if row is None:
            raise NotificationNotFound("Take the id from the list of your notifications.")
        return dict(row)

    def mark_all_read(self) -> int:
        """Mark every unread one and return how many there were. One statement."""
        statement = (
            update(Notification)
            .where(self._mine, self._unread)
            .values(read_at=func.clock_timestamp())
            .execution_options(synchronize_session=False)
        )
        return self._session.connection().execute(statement).rowcount

    def add(self, event_id: UUID, kind: str, title: str, body: str, data: Mapping[str, Any]) -> None:
        """Add one, unless this event has brought it already."""
        statement = insert(Notification).values(
            event_id=event_id, user_id=self._user_id, kind=kind, title=title, body=body, data=dict(data)
        )
        self._session.execute(
            statement.on_conflict_do_nothing(index_elements=["event_id", "kind", "user_id"])
        )
