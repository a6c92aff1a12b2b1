"""`/api/catalog/`."""

from nexus_catalog.views import (
    categories,
    facets,
    images,
    imports,
    managed,
    products,
    reviews,
    stock,
    suggestions,
    variants,
)
from nexus_catalog.views.blueprint import blp

__all__ = [
    "blp",
    "categories",
    "facets",
    "images",
    "imports",
    "managed",
    "products",
    "reviews",
    "stock",
    "suggestions",
    "variants",
]
