"""Settings of the orders, `NEXUS_ORDERS__*`."""

from dataclasses import dataclass

from nexus_kernel import setting


@dataclass(frozen=True)
class OrdersConfig:
    """How long an unpaid order holds its stock."""

    expiry_margin_minutes: int = setting(
        15,
        minimum=0,
        maximum=1440,
        help="An unpaid order expires this long after its payment method's own term.",
    )
