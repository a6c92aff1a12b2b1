"""The catalog's settings, `NEXUS_CATALOG__*`."""

from dataclasses import dataclass

from nexus_kernel import setting
from nexus_kernel.currencies import EXPONENTS


@dataclass(frozen=True)
class CatalogConfig:
    """What a deployment decides about its catalog."""

    currency: str = setting(
        "ETB",
        choices=tuple(EXPONENTS),
        help="ISO 4217 code of prices that name no currency, and of the filters min_price and max_price.",
    )
    review_moderation: str = setting(
        "after",
        choices=("after", "before"),
        help="`after`: reviews are published at once, and staff can hide them; "
        "`before`: each waits until staff approve it, and again after an edit.",
    )
    reviews_require_purchase: bool = setting(
        False, help="Only people who have received a product may review it."
    )
