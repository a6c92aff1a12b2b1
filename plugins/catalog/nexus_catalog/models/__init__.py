"""The catalog's tables."""

from nexus_catalog.models.categories import Category
from nexus_catalog.models.imports import ImageSource, Import, ImportChunk
from nexus_catalog.models.products import Product, Variant
from nexus_catalog.models.stock import (
    LARGEST_QUANTITY,
    MOVEMENT_REASONS,
    Stock,
    StockMovement,
    StockReservation,
)

__all__ = [
    "LARGEST_QUANTITY",
    "MOVEMENT_REASONS",
    "Category",
    "ImageSource",
    "Import",
    "ImportChunk",
    "Product",
    "Stock",
    "StockMovement",
    "StockReservation",
    "Variant",
]
