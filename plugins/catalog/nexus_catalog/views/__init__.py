"""`/api/catalog/`."""

from nexus_catalog.views import categories, images, products
from nexus_catalog.views.blueprint import blp

__all__ = ["blp", "categories", "images", "products"]
