"""`/api/catalog/`."""

from nexus_catalog.views import categories, facets, products, suggestions
from nexus_catalog.views.blueprint import blp

__all__ = ["blp", "categories", "facets", "products", "suggestions"]
