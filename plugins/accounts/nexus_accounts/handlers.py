"""What follows from events."""

from nexus_accounts.events import ActivationLinkRequested, EmailLinkRequested, ResetLinkRequested
from nexus_accounts.services.credentials import Credentials
from nexus_accounts.services.registration import Registration
from nexus_kernel import current_session
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
