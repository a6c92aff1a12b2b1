"""Promotions: coupons that take part in checkouts, with limits that hold."""

from collections.abc import Iterable

from nexus_kernel import Blueprint, Manifest, Model, Permission, Subscription, hookimpl
from nexus_kernel.contracts.cart import CartService
from nexus_kernel.contracts.catalog import CatalogService
from nexus_kernel.contracts.orders import CheckoutGuard, OrderExtension, OrderStatusChanged, PriceRule
from nexus_kernel.contracts.privacy import DataSubjectHandler
from nexus_promotions import handlers
from nexus_promotions.checkout import CouponDiscounts, CouponExtension, CouponGuard, FreeShipping
from nexus_promotions.config import PromotionsConfig
from nexus_promotions.models import Coupon, Redemption
from nexus_promotions.services.privacy import PromotionsData
from nexus_promotions.views import blp

MANIFEST = Manifest(
    name="promotions",
    summary="Coupons that take part in checkouts",
    url_prefixes=("/api/promotions/",),
    needs=(CartService, CatalogService),
    config=PromotionsConfig,
    migrations="nexus_promotions.migrations",
)


@hookimpl
def nexus_models() -> Iterable[type[Model]]:
    return [Coupon, Redemption]


@hookimpl
def nexus_blueprints() -> Iterable[Blueprint]:
    return [blp]


@hookimpl
def nexus_order_extensions() -> Iterable[OrderExtension]:
    return [CouponExtension()]


@hookimpl
def nexus_price_rules() -> Iterable[PriceRule]:
    return [CouponDiscounts(), FreeShipping()]


@hookimpl
def nexus_checkout_guards() -> Iterable[CheckoutGuard]:
    return [CouponGuard()]


@hookimpl
def nexus_subscriptions() -> Iterable[Subscription]:
    return [
        Subscription(OrderStatusChanged, handlers.on_order_status_changed, "promotions.order_status_changed")
    ]


@hookimpl
def nexus_data_subjects() -> Iterable[DataSubjectHandler]:
    return [PromotionsData()]


@hookimpl
def nexus_permissions() -> Iterable[Permission]:
    return [
        Permission("promotions.use", "Try coupons on one's cart"),
        Permission("promotions.manage", "Keep coupons", roles=("staff",)),
    ]
