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
    import_image_bytes: int = setting(
        10_485_760, minimum=1024, help="Images to import that are larger than this are refused."
    )
    import_allow_private_addresses: bool = setting(
        False,
        help="Fetch images from private addresses, too: for tests and closed networks only.",
    )
    import_max_bytes: int = setting(
        104_857_600, minimum=1024, help="Larger files that are sent in to be imported are refused."
    )
    import_retention_days: int = setting(
        30, minimum=1, help="How long finished imports and their refused rows are kept."
    )
