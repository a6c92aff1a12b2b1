"""`/api/catalog/`."""

from nexus_catalog.views import categories, managed, products, stock, variants
from nexus_catalog.views.blueprint import blp

__all__ = ["blp", "categories", "managed", "products", "stock", "variants"]
