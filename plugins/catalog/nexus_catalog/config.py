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
    max_images: int = setting(10, minimum=1, maximum=100, help="How many pictures a product may have.")
    max_image_bytes: int = setting(
        10_485_760, minimum=65_536, help="Larger uploads of a product's picture are answered with 413."
    )
    max_variants: int = setting(
        100, minimum=1, maximum=1000, help="Variants on sale that a product has at most."
    )
    low_stock_threshold: int | None = setting(
        2,
        minimum=0,
        maximum=1_000_000_000,
        help="A new variant's low mark: catalog.stock_low is published when its available pieces fall to it; "
        "empty: never.",
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
