"""Routes. Everybody sees their own notifications and nobody else's."""

from typing import Any
from uuid import UUID

from nexus_kernel import Blueprint, current_actor, page_of, reading
from nexus_notifications.schemas import (
    NotificationQuery,
    NotificationSchema,
    ReadAllSchema,
    UnreadCountSchema,
)
from nexus_notifications.services import Inbox

blp = Blueprint(
    "notifications", __name__, url_prefix="/api/notifications", description="Messages to a person"
)


@blp.get("/")
@blp.requires("notifications.use")
@blp.arguments(NotificationQuery, location="query")
@blp.response(200, page_of(NotificationSchema))
def list_notifications(args: dict[str, Any]) -> Any:
    """My notifications, the newest first"""
    with reading() as session:
        return Inbox(session, current_actor().person_id).page(args)


@blp.get("/unread_count/")
@blp.requires("notifications.use")
@blp.response(200, UnreadCountSchema)
def count_unread() -> Any:
    """How many of my notifications I have not read"""
    with reading() as session:
        return {"unread_count": Inbox(session, current_actor().person_id).unread_count()}


@blp.post("/<uuid:notification_id>/read/")
@blp.requires("notifications.use")
@blp.response(200, NotificationSchema)
def mark_read(notification_id: UUID) -> Any:
    """Mark one as read; again, it keeps its first time"""
    with reading() as session:
        return Inbox(session, current_actor().person_id).mark_read(notification_id)


@blp.post("/read_all/")
@blp.requires("notifications.use")
@blp.response(200, ReadAllSchema)
def mark_all_read() -> Any:
    """Mark all of mine as read"""
    with reading() as session:
        return {"updated": Inbox(session, current_actor().person_id).mark_all_read()}
