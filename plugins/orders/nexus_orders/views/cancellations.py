"""`/api/orders/<order_id>/cancel/`, and `/api/orders/cancellations/` for staff."""

from typing import Any
from uuid import UUID

from nexus_kernel import current_actor, page_of, reading, transaction
from nexus_orders.schemas.cancellations import (
    ApproveCancellationSchema,
    CancellationQuery,
    CancellationSchema,
    CancelOrderSchema,
    DeclineCancellationSchema,
)
from nexus_orders.schemas.orders import OrderSchema
from nexus_orders.services.cancellations import Cancellations
from nexus_orders.services.lifecycle import lock_order
from nexus_orders.services.reading import Orders
from nexus_orders.views.blueprint import blp


@blp.post("/<uuid:order_id>/cancel/")
@blp.requires("orders.use")
@blp.arguments(CancelOrderSchema)
@blp.response(200, OrderSchema)
def cancel_order(args: dict[str, Any], order_id: UUID) -> dict[str, Any]:
    """Cancel an order that is neither paid nor shipped; where it is paid, ask the shop for that"""
    with transaction() as session:
        actor = current_actor()
        orders = Orders(session, actor)
        order = lock_order(session, order_id, owner_id=orders.owner_id)
        Cancellations(session, actor.person_id).ask(order, args["reason"])
        return orders.get(order_id)


@blp.delete("/<uuid:order_id>/cancel/")
@blp.requires("orders.use")
@blp.response(200, OrderSchema)
def withdraw_cancellation(order_id: UUID) -> dict[str, Any]:
    """Take back the wish to cancel, as long as nobody decided about it"""
    with transaction() as session:
        actor = current_actor()
        orders = Orders(session, actor)
        order = lock_order(session, order_id, owner_id=orders.owner_id)
        Cancellations(session, actor.person_id).withdraw(order)
        return orders.get(order_id)


@blp.get("/cancellations/")
@blp.requires("orders.manage")
@blp.arguments(CancellationQuery, location="query")
@blp.response(200, page_of(CancellationSchema))
def list_cancellations(args: dict[str, Any]) -> dict[str, Any]:
    """Requests to cancel paid orders, the newest first"""
    with reading() as session:
        return Cancellations(session, current_actor().person_id).page(args)


@blp.post("/cancellations/<uuid:request_id>/approve/")
@blp.requires("orders.manage")
@blp.arguments(ApproveCancellationSchema)
@blp.response(200, CancellationSchema)
def approve_cancellation(args: dict[str, Any], request_id: UUID) -> dict[str, Any]:
    """Give the money back; the order is cancelled once that is done"""
    with transaction() as session:
        return Cancellations(session, current_actor().person_id).approve(request_id, args["note"])


@blp.post("/cancellations/<uuid:request_id>/decline/")
@blp.requires("orders.manage")
@blp.arguments(DeclineCancellationSchema)
@blp.response(200, CancellationSchema)
def decline_cancellation(args: dict[str, Any], request_id: UUID) -> dict[str, Any]:
    """Say no, and why"""
    with transaction() as session:
        return Cancellations(session, current_actor().person_id).decline(request_id, args["note"])
