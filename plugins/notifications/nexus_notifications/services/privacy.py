"""What notifications know of a person, for the hook `nexus_data_subjects`."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select

from nexus_kernel import current_session
from nexus_notifications.models import EmailNotificationTask, Notification


class NotificationsData:
    """A person's notifications and mails."""

    name = "notifications"

    def export(self, person_id: UUID) -> Mapping[str, Any]:
        """What the person was told, in the shop and by mail. Two queries."""
        mail, told = EmailNotificationTask, Notification
        return {
            "notifications": _rows(told, person_id, "kind title body data created_at read_at"),
            "mails": _rows(mail, person_id, "template channel recipient state created_at sent_at"),
        }

    def erase(self, person_id: UUID) -> None:
        """Delete all of it. A mail that is being sent at this moment still arrives."""
        for table in (EmailNotificationTask, Notification):
            current_session().execute(delete(table).where(table.user_id == person_id))


def _rows(model: Any, person_id: UUID, names: str) -> list[dict[str, Any]]:
    columns = [getattr(model, name) for name in names.split()]
    statement = select(*columns).where(model.user_id == person_id).order_by(model.id)
    return [dict(row) for row in current_session().execute(statement).mappings()]
