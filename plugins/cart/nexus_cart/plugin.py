"""Carts: what people and guests are about to buy, at live prices and against live stock."""

from collections.abc import Iterable, Mapping

from nexus_cart.config import CartConfig
from nexus_cart.models import Cart, CartItem
from nexus_cart.services import CartCheckout, CartData
from nexus_cart.tasks import PERIODICS, TASKS
from nexus_cart.views import blp
from nexus_kernel import Blueprint, Manifest, Model, Periodic, Permission, ServiceFactory, Task, hookimpl
from nexus_kernel.contracts.cart import CartService
from nexus_kernel.contracts.catalog import CatalogService
from nexus_kernel.contracts.privacy import DataSubjectHandler

MANIFEST = Manifest(
    name="cart",
    summary="Carts of people and of guests",
    url_prefixes=("/api/cart/",),
    needs=(CatalogService,),
    provides=(CartService,),
    config=CartConfig,
    migrations="nexus_cart.migrations",
)


@hookimpl
def nexus_models() -> Iterable[type[Model]]:
    return [Cart, CartItem]


@hookimpl
def nexus_blueprints() -> Iterable[Blueprint]:
    return [blp]


@hookimpl
def nexus_tasks() -> Iterable[Task | Periodic]:
    return [*TASKS, *PERIODICS]


@hookimpl
def nexus_services() -> Mapping[type, ServiceFactory]:
    return {CartService: CartCheckout}


@hookimpl
def nexus_permissions() -> Iterable[Permission]:
    return [Permission("cart.use", "Fill a cart of one's own")]


@hookimpl
def nexus_data_subjects() -> Iterable[DataSubjectHandler]:
    return [CartData()]
