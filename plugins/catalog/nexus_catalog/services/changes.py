"""What follows from a change of the catalog: whoever writes says so here, once, in its transaction.

Cached answers are invalidated after the commit, and other plugins hear of changed products.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from nexus_kernel import current_cache, publish
from nexus_kernel.api.cached import depends_on
from nexus_kernel.contracts.catalog import MOST_IDS, ProductsChanged, StockLow

CATEGORIES = "catalog:categories"
"""The cache tag of everything that shows categories."""
PRODUCTS = "catalog:products"
"""The cache tag of everything that shows many products or their stock."""
DETAILS = "catalog:details"
"""The cache tag of every answer about one product, for changes that concern very many."""
_MANY = 200
"""Changes of more than this are not told apart."""


def products_changed(product_ids: Iterable[UUID]) -> None:
    """Products, their variants, images or ratings were created, changed or retired."""
    changed = list(product_ids)
    if not changed:
        return
    _invalidate("catalog:product", changed)
    for start in range(0, len(changed), MOST_IDS):
        publish(ProductsChanged(product_ids=tuple(changed[start : start + MOST_IDS])))


def stock_changed(variant_ids: Iterable[UUID]) -> None:
    """Pieces were reserved, released, shipped or counted."""
    changed = list(variant_ids)
    if changed:
        _invalidate("catalog:variant", changed)


def stock_fell(lows: Iterable[Mapping[str, Any] | None]) -> None:
    """Tell whose available pieces fell to the low mark: the column `low` of the stock's statements."""
    for low in lows:
        if low is not None:
            ids = {name: low[name] and UUID(low[name]) for name in ("product_id", "variant_id", "seller_id")}
            publish(StockLow(**{**low, **ids}))


def categories_changed() -> None:
    """The tree of categories changed; products show the name of theirs."""
    current_cache().invalidate(CATEGORIES, PRODUCTS, DETAILS)


def shows_product(product: Mapping[str, Any]) -> None:
    """Note for the cache that the answer under way shows this product with its variants."""
    variants = [f"catalog:variant:{variant['id']}" for variant in product["variants"]]
    depends_on(DETAILS, f"catalog:product:{product['id']}", *variants)


def _invalidate(kind: str, ids: list[UUID]) -> None:
    tags = [DETAILS] if len(ids) > _MANY else [f"{kind}:{id_}" for id_ in ids]
    current_cache().invalidate(PRODUCTS, *tags)
