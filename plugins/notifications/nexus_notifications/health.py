"""What `/readyz` asks."""

from nexus_kernel import reading
from nexus_notifications.services import Mails

COUNT_BOUND = 1000


def dead_mails() -> str | None:
    """A sentence when some mails could not be delivered."""
    with reading() as session:
        count = Mails(session).dead_count(COUNT_BOUND)
    if not count:
        return None
    some = f"{count} or more" if count == COUNT_BOUND else count
    return f"{some} mails could not be delivered: see `nexus notifications mails --state dead`"
