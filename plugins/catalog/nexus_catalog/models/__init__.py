"""The catalog's tables."""

from nexus_catalog.models.categories import Category
from nexus_catalog.models.products import Product, Variant
from nexus_catalog.models.reviews import LONGEST_NAME, REVIEW_STATES, STARS, Purchase, Review
from nexus_catalog.models.stock import (
    LARGEST_QUANTITY,
    MOVEMENT_REASONS,
    Stock,
    StockMovement,
    StockReservation,
)

__all__ = [
    "LARGEST_QUANTITY",
    "LONGEST_NAME",
    "MOVEMENT_REASONS",
    "REVIEW_STATES",
    "STARS",
    "Category",
    "Product",
    "Purchase",
    "Review",
    "Stock",
    "StockMovement",
    "StockReservation",
    "Variant",
]
