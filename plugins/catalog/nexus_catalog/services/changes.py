"""What follows from a change of the catalog: whoever writes says so here, once, in its transaction.

Cached answers are invalidated after the commit, and other plugins hear of changed products.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from nexus_kernel import current_cache, publish
from nexus_kernel.contracts.catalog import ProductChanged, StockLow

CATEGORIES = "catalog:categories"
"""The cache tag of everything that shows categories."""
PRODUCTS = "catalog:products"
"""The cache tag of everything that shows products or their stock."""


def products_changed(product_ids: Iterable[UUID]) -> None:
    """Products, their variants, images or ratings were created, changed or retired."""
    current_cache().invalidate(PRODUCTS)
    for product_id in product_ids:
        publish(ProductChanged(product_id=product_id))


def stock_changed(variant_ids: Iterable[UUID]) -> None:
    """Pieces were reserved, released, shipped or counted."""
    if any(True for _ in variant_ids):
        current_cache().invalidate(PRODUCTS)


def stock_fell(lows: Iterable[Mapping[str, Any] | None]) -> None:
    """Tell whose available pieces fell to the low mark: the column `low` of the stock's statements."""
    for low in lows:
        if low is not None:
            ids = {name: low[name] and UUID(low[name]) for name in ("product_id", "variant_id", "seller_id")}
            publish(StockLow(**{**low, **ids}))


def categories_changed() -> None:
    """The tree of categories changed; products show the name of theirs."""
    current_cache().invalidate(CATEGORIES, PRODUCTS)
