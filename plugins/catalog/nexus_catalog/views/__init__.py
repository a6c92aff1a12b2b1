"""`/api/catalog/`."""

from nexus_catalog.views import categories, products, reviews
from nexus_catalog.views.blueprint import blp

__all__ = ["blp", "categories", "products", "reviews"]
