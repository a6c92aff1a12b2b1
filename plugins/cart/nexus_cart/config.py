"""Settings of the cart, `NEXUS_CART__*`."""

from dataclasses import dataclass

from nexus_kernel import setting
from nexus_kernel.currencies import EXPONENTS


@dataclass(frozen=True)
class CartConfig:
    """What a cart may hold, and the currency of an empty one."""

    max_lines: int = setting(100, minimum=1, maximum=500, help="How many different variants a cart may hold.")
    currency: str = setting(
        "ETB", choices=tuple(EXPONENTS), help="The ISO 4217 currency that an empty cart's total is shown in."
    )
