"""Shipping: methods with prices by place, weight and value, the choice in the checkout, and its fee."""

from collections.abc import Iterable

from nexus_kernel import Blueprint, Manifest, Model, Permission, hookimpl
from nexus_kernel.contracts.cart import CartService
from nexus_kernel.contracts.catalog import CatalogService
from nexus_kernel.contracts.orders import CheckoutGuard, OrderExtension, PriceRule
from nexus_shipping.checkout import ShippingExtension, ShippingFee, ShippingGuard
from nexus_shipping.config import ShippingConfig
from nexus_shipping.models import ShippingBand, ShippingMethod
from nexus_shipping.views import blp

MANIFEST = Manifest(
    name="shipping",
    summary="Ways to ship, and what they cost",
    url_prefixes=("/api/shipping/",),
    needs=(CatalogService,),
    wants=(CartService,),
    config=ShippingConfig,
    migrations="nexus_shipping.migrations",
)


@hookimpl
def nexus_models() -> Iterable[type[Model]]:
    return [ShippingMethod, ShippingBand]


@hookimpl
def nexus_blueprints() -> Iterable[Blueprint]:
    return [blp]


@hookimpl
def nexus_permissions() -> Iterable[Permission]:
    return [Permission("shipping.manage", "Keep ways to ship and their prices", roles=("staff",))]


@hookimpl
def nexus_order_extensions() -> Iterable[OrderExtension]:
    return [ShippingExtension()]


@hookimpl
def nexus_price_rules() -> Iterable[PriceRule]:
    return [ShippingFee()]


@hookimpl
def nexus_checkout_guards() -> Iterable[CheckoutGuard]:
    return [ShippingGuard()]
