"""Background work of the cart."""

import logging

from nexus_cart.services import sweep as sweeping
from nexus_kernel import Periodic, task

log = logging.getLogger("nexus.cart")


@task("cart.sweep")
def sweep() -> None:
    """Tell of carts that were abandoned, and delete those of guests who stayed away."""
    told, deleted = sweeping.sweep()
    if told or deleted:
        log.info("%d carts were abandoned, %d of guests deleted", told, deleted)


TASKS = (sweep,)
PERIODICS = (Periodic(sweep, 300.0),)
