"""Tax: rates by country and region, and what they add to an order or are contained in it."""

from collections.abc import Iterable

import click

from nexus_kernel import Blueprint, Manifest, Model, Permission, hookimpl
from nexus_kernel.contracts.development import Seed
from nexus_kernel.contracts.orders import OrderExtension, PriceRule
from nexus_tax.checkout import TaxExtension, TaxRule
from nexus_tax.commands import tax
from nexus_tax.config import TaxConfig
from nexus_tax.models import TaxRate
from nexus_tax.views import blp

MANIFEST = Manifest(
    name="tax",
    summary="Rates of tax, in the prices or on top of them",
    url_prefixes=("/api/tax/",),
    config=TaxConfig,
    migrations="nexus_tax.migrations",
)


@hookimpl
def nexus_models() -> Iterable[type[Model]]:
    return [TaxRate]


@hookimpl
def nexus_blueprints() -> Iterable[Blueprint]:
    return [blp]


@hookimpl
def nexus_permissions() -> Iterable[Permission]:
    return [Permission("tax.manage", "Keep rates of tax", roles=("staff",))]


@hookimpl
def nexus_commands() -> Iterable[click.Command]:
    return [tax]


@hookimpl
def nexus_seeds() -> Iterable[Seed]:
    return [Seed(name="demo tax", command=("tax", "demo"), order=20)]


@hookimpl
def nexus_order_extensions() -> Iterable[OrderExtension]:
    return [TaxExtension()]


@hookimpl
def nexus_price_rules() -> Iterable[PriceRule]:
    return [TaxRule()]
