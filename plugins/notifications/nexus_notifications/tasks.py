"""What workers do."""

from uuid import UUID

from nexus_kernel import Periodic, task
from nexus_notifications.services import deliver, deliver_due


@task("notifications.send_mail")
def send_mail(mail_id: str) -> None:
    """Send one mail, if it is due and nobody else sends it."""
    deliver(UUID(mail_id))


@task("notifications.send_due")
def send_due() -> None:
    """Send what lost messages, failed attempts and vanished workers have left over."""
    deliver_due()


TASKS = (send_mail, Periodic(send_due, 2.0))
