"""What happens by itself: refunds go on, messages are sent."""

from datetime import datetime

from nexus_chapa_sim.core.refunds import Refunds
from nexus_chapa_sim.delivery.model import Delivery
from nexus_chapa_sim.delivery.outbox import Outbox


class Agenda:
    """Refunds before messages, since their steps make messages."""

    def __init__(self, refunds: Refunds, outbox: Outbox) -> None:
        self._refunds = refunds
        self._outbox = outbox

    def next_due(self) -> datetime | None:
        """When something is to be done next, or None."""
        return min(
            (due for due in (self._refunds.next_due(), self._outbox.next_due()) if due is not None),
            default=None,
        )

    def step(self) -> Delivery | None:
        """Let refunds go on, and send the message that is due longest; None when none is due."""
        self._refunds.progress()
        return self._outbox.send_next()
