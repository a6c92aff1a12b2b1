"""The catalog: categories, products, variants, stock and search."""

from collections.abc import Iterable, Mapping

import click

from nexus_catalog.commands import catalog
from nexus_catalog.config import CatalogConfig
from nexus_catalog.models import (
    Category,
    PriceChange,
    Product,
    ProductImage,
    Stock,
    StockMovement,
    StockReservation,
    Variant,
)
from nexus_catalog.services import Catalog, StockKeeper
from nexus_catalog.services.ownership import WRITE, WRITE_OWN
from nexus_catalog.views import blp
from nexus_kernel import Blueprint, Manifest, Model, Permission, ServiceFactory, hookimpl
from nexus_kernel.contracts.accounts import AccountService
from nexus_kernel.contracts.catalog import CatalogService, StockService

MANIFEST = Manifest(
    name="catalog",
    summary="Categories, products, variants, stock and search",
    url_prefixes=("/api/catalog/",),
    wants=(AccountService,),
    provides=(CatalogService, StockService),
    config=CatalogConfig,
    migrations="nexus_catalog.migrations",
)


@hookimpl
def nexus_models() -> Iterable[type[Model]]:
    """The tree, the products with their variants, pictures and former prices, and the stock with its ledger."""
    return [Category, Product, Variant, ProductImage, PriceChange, Stock, StockReservation, StockMovement]


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
    """What staff may change, and what sellers may change of their own."""
    return [
        Permission(WRITE, "Create, change and retire every product", roles=("staff",)),
        Permission(WRITE_OWN, "Sell: create, change and retire one's own products", roles=("seller",)),
        Permission("catalog.category.write", "Create, change and delete categories", roles=("staff",)),
    ]


@hookimpl
def nexus_commands() -> Iterable[click.Command]:
    """`nexus catalog`."""
    return [catalog]
