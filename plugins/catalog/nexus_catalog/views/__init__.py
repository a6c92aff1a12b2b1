"""`/api/catalog/`."""

from nexus_catalog.views import categories, imports, products
from nexus_catalog.views.blueprint import blp

__all__ = ["blp", "categories", "imports", "products"]
