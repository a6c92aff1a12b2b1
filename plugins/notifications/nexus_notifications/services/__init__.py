"""The inbox of a person, the queue of mails, and how an event becomes rows of both."""

from nexus_notifications.services.delivery import deliver, deliver_due
from nexus_notifications.services.inbox import Inbox
from nexus_notifications.services.mails import Mails
from nexus_notifications.services.notify import Addressee, find_addressee, notify

__all__ = ["Addressee", "Inbox", "Mails", "deliver", "deliver_due", "find_addressee", "notify"]
