"""Gift wrapping: what this plugin contributes."""

from collections.abc import Iterable

from nexus_gift_wrap.checkout import GiftWrapping, WrappingFee, WrappingGuard
from nexus_gift_wrap.models import Paper, Wrapping
from nexus_gift_wrap.views import blp
from nexus_kernel import Blueprint, Manifest, Model, Permission, hookimpl
from nexus_kernel.contracts.orders import CheckoutGuard, OrderExtension, PriceRule

MANIFEST = Manifest(
    name="gift_wrap",
    summary="Gift wrapping of orders",
    url_prefixes=("/api/gift_wrap/",),
    migrations="nexus_gift_wrap.migrations",
)


@hookimpl
def nexus_models() -> Iterable[type[Model]]:
    return [Paper, Wrapping]


@hookimpl
def nexus_blueprints() -> Iterable[Blueprint]:
    return [blp]


@hookimpl
def nexus_order_extensions() -> Iterable[OrderExtension]:
    return [GiftWrapping()]


@hookimpl
def nexus_price_rules() -> Iterable[PriceRule]:
    return [WrappingFee()]


@hookimpl
def nexus_checkout_guards() -> Iterable[CheckoutGuard]:
    return [WrappingGuard()]


@hookimpl
def nexus_permissions() -> Iterable[Permission]:
    return [Permission("gift_wrap.manage", "Offer papers, see what is to be wrapped", roles=("staff",))]
