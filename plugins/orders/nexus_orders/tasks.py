"""Background work of the orders."""

import logging

from nexus_kernel import Periodic, task
from nexus_orders.services.lifecycle import expire_due

log = logging.getLogger("nexus.orders")


@task("orders.expire")
def expire() -> None:
    """Cancel unpaid orders whose time is over, and give their stock back."""
    expired = expire_due()
    if expired:
        log.info("%d unpaid orders expired", expired)


PERIODICS = (Periodic(expire, 30.0),)
