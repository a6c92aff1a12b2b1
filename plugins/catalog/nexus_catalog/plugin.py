"""The catalog: categories, products, variants, stock and search."""

from collections.abc import Iterable, Mapping

import click

from nexus_catalog.commands import catalog
from nexus_catalog.config import CatalogConfig
from nexus_catalog.models import (
    Category,
    ImageSource,
    Import,
    ImportChunk,
    Product,
    Stock,
    StockMovement,
    StockReservation,
    Variant,
)
from nexus_catalog.services import Catalog, StockKeeper
from nexus_catalog.tasks import TASKS
from nexus_catalog.views import blp
from nexus_kernel import (
    Blueprint,
    Manifest,
    Model,
    Periodic,
    Permission,
    ServiceFactory,
    Task,
    hookimpl,
)
from nexus_kernel.contracts.catalog import CatalogService, StockService

MANIFEST = Manifest(
    name="catalog",
    summary="Categories, products, variants, stock and search",
    url_prefixes=("/api/catalog/",),
    provides=(CatalogService, StockService),
    config=CatalogConfig,
    migrations="nexus_catalog.migrations",
)


@hookimpl
def nexus_models() -> Iterable[type[Model]]:
    """The tree, the products with their variants, the stock with its ledger, and imports."""
    products = [Category, Product, Variant, Stock, StockReservation, StockMovement]
    return [*products, Import, ImportChunk, ImageSource]


@hookimpl
def nexus_blueprints() -> Iterable[Blueprint]:
    """`/api/catalog/`."""
    return [blp]


@hookimpl
def nexus_services() -> Mapping[type, ServiceFactory]:
    """Products to read, and pieces to hold."""
    return {CatalogService: Catalog, StockService: StockKeeper}


@hookimpl
def nexus_permissions() -> Iterable[Permission]:
    """What staff may change."""
    return [
        Permission("catalog.product.write", "Create, change and retire products", roles=("staff",)),
        Permission("catalog.category.write", "Create categories", roles=("staff",)),
        Permission("catalog.import", "Import products from files", roles=("staff",)),
        Permission("catalog.export", "Export all products", roles=("staff",)),
    ]


@hookimpl
def nexus_tasks() -> Iterable[Task | Periodic]:
    """Imports that were sent in."""
    return TASKS


@hookimpl
def nexus_commands() -> Iterable[click.Command]:
    """`nexus catalog`."""
    return [catalog]
