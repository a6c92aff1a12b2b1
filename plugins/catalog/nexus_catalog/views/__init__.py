"""`/api/catalog/`."""

from nexus_catalog.views import categories, images, managed, products, reviews, stock, variants
from nexus_catalog.views.blueprint import blp

__all__ = ["blp", "categories", "images", "managed", "products", "reviews", "stock", "variants"]
