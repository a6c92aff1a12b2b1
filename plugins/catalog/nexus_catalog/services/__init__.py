"""What the catalog does: contracts for other plugins, reading, writing, importing."""

from nexus_catalog.services.catalog import Catalog
from nexus_catalog.services.stock import StockKeeper

__all__ = ["Catalog", "StockKeeper"]
