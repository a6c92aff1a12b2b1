"""What follows from a change of the catalog: whoever writes says so here, once, in its transaction.

Cached answers are invalidated after the commit, and other plugins hear of changed products.
"""

from collections.abc import Iterable
from uuid import UUID

from nexus_kernel import current_cache, publish
from nexus_kernel.contracts.catalog import MOST_IDS, ProductsChanged

CATEGORIES = "catalog:categories"
"""The cache tag of everything that shows categories."""
PRODUCTS = "catalog:products"
"""The cache tag of everything that shows products or their stock."""


def products_changed(product_ids: Iterable[UUID]) -> None:
    """Products, their variants, images or ratings were created, changed or retired."""
    ids = tuple(product_ids)
    if ids:
        current_cache().invalidate(PRODUCTS)
    for batch in (ids[start : start + MOST_IDS] for start in range(0, len(ids), MOST_IDS)):
        publish(ProductsChanged(product_ids=batch))


def stock_changed(variant_ids: Iterable[UUID]) -> None:
    """Pieces were reserved, released, shipped or counted."""
    if any(True for _ in variant_ids):
        current_cache().invalidate(PRODUCTS)


def categories_changed() -> None:
    """The tree of categories changed; products show the name of theirs."""
    current_cache().invalidate(CATEGORIES, PRODUCTS)
