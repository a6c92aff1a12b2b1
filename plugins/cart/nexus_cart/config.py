"""Settings of the cart, `NEXUS_CART__*`."""

from dataclasses import dataclass

from nexus_kernel import check_rate, setting
from nexus_kernel.currencies import EXPONENTS


@dataclass(frozen=True)
class CartConfig:
    """What a cart may hold, the currency of an empty one, and how long carts wait for their holders."""

    max_lines: int = setting(100, minimum=1, maximum=500, help="How many different variants a cart may hold.")
    currency: str = setting(
        "ETB", choices=tuple(EXPONENTS), help="The ISO 4217 currency that an empty cart's total is shown in."
    )
    guest_rate: str = setting(
        "300/hour",
        check=check_rate,
        help="Carts that guests of one client network open. An empty rate is no limit.",
    )
    guest_days: int = setting(
        30, minimum=1, maximum=3650, help="Days after its last change at which a guest's cart is deleted."
    )
    abandoned_after_hours: int = setting(
        24, minimum=1, maximum=8760, help="Hours after its last change at which a cart counts as abandoned."
    )
