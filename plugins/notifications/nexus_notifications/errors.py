"""Errors that an API client sees."""

from nexus_kernel import NotFound


class NotificationNotFound(NotFound):
    """There is no such notification, or it is somebody else's."""

    code, title = "notifications.not_found", "No such notification"
