"""`/api/orders/`."""

from typing import Any
from uuid import UUID

from nexus_kernel import current_actor, page_of, reading, transaction
from nexus_orders.schemas.filters import OrderQuery
from nexus_orders.schemas.orders import (
    OrderSchema,
    PlaceOrderSchema,
    UpdateOrderSchema,
)
from nexus_orders.schemas.quotes import AskQuoteSchema, QuoteSchema
from nexus_orders.services.checkout import Checkout
from nexus_orders.services.lifecycle import lock_order
from nexus_orders.services.quoting import quote_cart
from nexus_orders.services.reading import Orders
from nexus_orders.services.steps import set_status
from nexus_orders.states import OrderStatus
from nexus_orders.views.blueprint import blp


@blp.post("/")
@blp.requires("orders.use")
@blp.idempotent()
@blp.arguments(PlaceOrderSchema)
@blp.response(201, OrderSchema)
def place_order(args: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Order what is in the caller's cart"""
    with transaction() as session:
        order = Checkout(session, current_actor().person_id).place(args)
    return order, {"Location": f"/api/orders/{order['id']}/"}


@blp.post("/quote/")
@blp.requires("orders.use")
@blp.arguments(AskQuoteSchema)
@blp.response(200, QuoteSchema)
def quote_order(args: dict[str, Any]) -> dict[str, Any]:
    """What an order of the caller's cart would cost now, and what stands in its way; nothing is held"""
    with reading():
        return quote_cart(current_actor().person_id, args)


@blp.get("/")
@blp.requires("orders.use")
@blp.arguments(OrderQuery, location="query")
@blp.response(200, page_of(OrderSchema))
def list_orders(args: dict[str, Any]) -> dict[str, Any]:
    """The caller's orders; staff see everybody's"""
    with reading() as session:
        return Orders(session, current_actor()).page(args)


@blp.get("/<uuid:order_id>/")
@blp.requires("orders.use")
@blp.response(200, OrderSchema)
def get_order(order_id: UUID) -> dict[str, Any]:
    """One order with its lines"""
    with reading() as session:
        return Orders(session, current_actor()).get(order_id)


@blp.patch("/<uuid:order_id>/")
@blp.requires("orders.manage")
@blp.arguments(UpdateOrderSchema)
@blp.response(200, OrderSchema)
def update_order(args: dict[str, Any], order_id: UUID) -> dict[str, Any]:
    """Move an order to its next status; shipped: all that is left leaves as one shipment"""
    with transaction() as session:
        order, actor = lock_order(session, order_id), current_actor()
        reason = args["reason"] or "Changed by staff"
        set_status(session, order, OrderStatus(args["status"]), actor_id=actor.id, reason=reason)
        return Orders(session, actor).get(order_id)
