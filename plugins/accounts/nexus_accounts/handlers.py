"""What follows from events."""

from nexus_accounts.events import ActivationLinkRequested
from nexus_accounts.services.registration import Registration
from nexus_kernel import current_session
from nexus_kernel.contracts.events import Delivery


def mail_link(event: ActivationLinkRequested, delivery: Delivery) -> None:
    """Mail another link, if the address belongs to an account that waits for one."""
    Registration(current_session()).resend(event.email)
