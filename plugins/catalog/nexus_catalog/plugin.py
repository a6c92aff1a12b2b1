"""The catalog: categories, products, variants, stock, search and reviews."""

from collections.abc import Iterable, Mapping

import click

from nexus_catalog import handlers
from nexus_catalog.commands import catalog
from nexus_catalog.config import CatalogConfig
from nexus_catalog.models import (
    Category,
    ImageSource,
    Import,
    ImportChunk,
    Listing,
    PriceChange,
    Product,
    ProductImage,
    Purchase,
    Review,
    Stock,
    StockMovement,
    StockReservation,
    Variant,
    Word,
)
from nexus_catalog.services import Catalog, StockKeeper
from nexus_catalog.services.authors import CatalogData
from nexus_catalog.services.ownership import WRITE, WRITE_OWN
from nexus_catalog.tasks import TASKS
from nexus_catalog.views import blp
from nexus_kernel import (
    Blueprint,
    Manifest,
    Model,
    Periodic,
    Permission,
    ServiceFactory,
    Subscription,
    Task,
    hookimpl,
)
from nexus_kernel.contracts.accounts import AccountService
from nexus_kernel.contracts.catalog import CatalogService, StockService
from nexus_kernel.contracts.orders import OrderCompleted
from nexus_kernel.contracts.privacy import DataSubjectHandler

MANIFEST = Manifest(
    name="catalog",
    summary="Categories, products, variants, stock, search and reviews",
    url_prefixes=("/api/catalog/",),
    wants=(AccountService,),
    provides=(CatalogService, StockService),
    config=CatalogConfig,
    migrations="nexus_catalog.migrations",
)


@hookimpl
def nexus_models() -> Iterable[type[Model]]:
    """The tree, the products with all that belongs to them, how they are found, the stock, and imports."""
    products = [Category, Product, Variant, ProductImage, PriceChange, Review, Purchase, Listing, Word]
    stock = [Stock, StockReservation, StockMovement]
    return [*products, *stock, Import, ImportChunk, ImageSource]


@hookimpl
def nexus_blueprints() -> Iterable[Blueprint]:
    """`/api/catalog/`."""
    return [blp]


@hookimpl
def nexus_services() -> Mapping[type, ServiceFactory]:
    """Products to read, and pieces to hold."""
    return {CatalogService: Catalog, StockService: StockKeeper}


@hookimpl
def nexus_subscriptions() -> Iterable[Subscription]:
    """Who has bought what, for their reviews."""
    return [Subscription(OrderCompleted, handlers.on_order_completed, "catalog.order_completed")]


@hookimpl
def nexus_permissions() -> Iterable[Permission]:
    """What staff may change, what sellers may change of their own, and what everybody may say."""
    return [
        Permission(WRITE, "Create, change and retire every product", roles=("staff",)),
        Permission(WRITE_OWN, "Sell: create, change and retire one's own products", roles=("seller",)),
        Permission("catalog.category.write", "Create, change and delete categories", roles=("staff",)),
        Permission("catalog.import", "Import products from files", roles=("staff",)),
        Permission("catalog.export", "Export all products", roles=("staff",)),
        Permission("catalog.review.write", "Review products, and change one's own reviews"),
        Permission("catalog.review.moderate", "Publish, hide and delete reviews", roles=("staff",)),
    ]


@hookimpl
def nexus_data_subjects() -> Iterable[DataSubjectHandler]:
    """What a person wrote and has received."""
    return [CatalogData()]


@hookimpl
def nexus_tasks() -> Iterable[Task | Periodic]:
    """Imports that were sent in."""
    return TASKS


@hookimpl
def nexus_commands() -> Iterable[click.Command]:
    """`nexus catalog`."""
    return [catalog]
