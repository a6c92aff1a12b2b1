"""The catalog's tables."""

from nexus_catalog.models.categories import Category
from nexus_catalog.models.images import ProductImage
from nexus_catalog.models.imports import ImageSource, Import, ImportChunk
from nexus_catalog.models.listing import Listing, Word
from nexus_catalog.models.prices import PriceChange
from nexus_catalog.models.products import (
    HEAVIEST,
    LONGEST_OPTION,
    LONGEST_VALUE,
    MOST_OPTIONS,
    MOST_VALUES,
    Product,
    Variant,
)
from nexus_catalog.models.reviews import LONGEST_NAME, REVIEW_STATES, STARS, Purchase, Review
from nexus_catalog.models.stock import (
    ADJUSTMENT_REASONS,
    LARGEST_QUANTITY,
    MOVEMENT_REASONS,
    Stock,
    StockMovement,
    StockReservation,
)

__all__ = [
    "ADJUSTMENT_REASONS",
    "HEAVIEST",
    "LARGEST_QUANTITY",
    "LONGEST_NAME",
    "LONGEST_OPTION",
    "LONGEST_VALUE",
    "MOST_OPTIONS",
    "MOST_VALUES",
    "MOVEMENT_REASONS",
    "REVIEW_STATES",
    "STARS",
    "Category",
    "ImageSource",
    "Import",
    "ImportChunk",
    "Listing",
    "PriceChange",
    "Product",
    "ProductImage",
    "Purchase",
    "Review",
    "Stock",
    "StockMovement",
    "StockReservation",
    "Variant",
    "Word",
]
