"""The catalog: categories, products, variants, stock, search and reviews."""

from collections.abc import Iterable, Mapping

import click

from nexus_catalog import handlers
from nexus_catalog.commands import catalog
from nexus_catalog.config import CatalogConfig
from nexus_catalog.models import (
    Category,
    Product,
    Purchase,
    Review,
    Stock,
    StockMovement,
    StockReservation,
    Variant,
)
from nexus_catalog.services import Catalog, StockKeeper
from nexus_catalog.views import blp
from nexus_kernel import (
    Blueprint,
    Manifest,
    Model,
    Permission,
    ServiceFactory,
    Subscription,
    hookimpl,
)
from nexus_kernel.contracts.accounts import AccountService
from nexus_kernel.contracts.catalog import CatalogService, StockService
from nexus_kernel.contracts.orders import OrderCompleted

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
    """The tree, the products with their variants and reviews, and the stock with its ledger."""
    return [Category, Product, Variant, Review, Purchase, Stock, StockReservation, StockMovement]


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
    """What staff may change, and what everybody may say."""
    return [
        Permission("catalog.product.write", "Create, change and retire products", roles=("staff",)),
        Permission("catalog.category.write", "Create categories", roles=("staff",)),
        Permission("catalog.review.write", "Review products, and change one's own reviews"),
        Permission("catalog.review.moderate", "Publish, hide and delete reviews", roles=("staff",)),
    ]


@hookimpl
def nexus_commands() -> Iterable[click.Command]:
    """`nexus catalog`."""
    return [catalog]
