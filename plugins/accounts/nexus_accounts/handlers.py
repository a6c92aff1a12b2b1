"""What follows from events."""

from nexus_accounts.events import (
    ActivationLinkRequested,
    DataErasureRequested,
    EmailLinkRequested,
    ResetLinkRequested,
)
from nexus_accounts.models import Act
from nexus_accounts.services.audit import audit
from nexus_accounts.services.credentials import Credentials
from nexus_accounts.services.registration import Registration
from nexus_kernel import Subscription, current_nexus, current_session
from nexus_kernel.contracts.events import Delivery


def mail_link(event: ActivationLinkRequested, delivery: Delivery) -> None:
    """Mail another link, if the address belongs to an account that waits for one."""
    Registration(current_session()).resend(event.email)


def mail_reset_link(event: ResetLinkRequested, delivery: Delivery) -> None:
    """Mail a link for a new password, if the address is somebody's."""
    Credentials(current_session()).mail_reset_link(event.email)


def mail_email_link(event: EmailLinkRequested, delivery: Delivery) -> None:
    """Mail a link to the address that a person wants, if it is free."""
    Credentials(current_session()).mail_email_link(event.user_id, event.email)


def erase_data(event: DataErasureRequested, delivery: Delivery) -> None:
    """Run one plugin's handler. Where it is gone, the data is not: the delivery fails until it is back."""
    handler = current_nexus().data_subjects.get(event.section)
    if handler is None:
        raise LookupError(f"nothing erases the data of {event.section}; is its plugin disabled?")
    handler.erase(event.user_id)
    actor_id = delivery.actor_id
    audit(current_session(), Act.DATA_ERASED, event.user_id, actor_id=actor_id, section=event.section)


SUBSCRIPTIONS = (
    Subscription(ActivationLinkRequested, mail_link, "accounts.mail_link"),
    Subscription(ResetLinkRequested, mail_reset_link, "accounts.mail_reset_link"),
    Subscription(EmailLinkRequested, mail_email_link, "accounts.mail_email_link"),
    Subscription(DataErasureRequested, erase_data, "accounts.erase_data"),
)
