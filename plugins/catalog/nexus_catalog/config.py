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
