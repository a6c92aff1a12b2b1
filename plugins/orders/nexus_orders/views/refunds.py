"""`/api/orders/<order_id>/refunds/`, `.../refund-requests/`, and `/api/orders/refund-requests/` for staff."""

from typing import Any
from uuid import UUID

from nexus_kernel import PageQuery, current_actor, page_of, reading, transaction
from nexus_orders.schemas.refunds import (
    ApproveRefundSchema,
    AskRefundSchema,
    DeclineRefundSchema,
    GiveRefundSchema,
    RefundRequestQuery,
    RefundRequestSchema,
    RefundSchema,
)
from nexus_orders.services.reading import Orders
from nexus_orders.services.refunds import Refunds
from nexus_orders.views.blueprint import blp


@blp.get("/<uuid:order_id>/refunds/")
@blp.requires("orders.use")
@blp.arguments(PageQuery, location="query")
@blp.response(200, page_of(RefundSchema))
def list_refunds(args: dict[str, Any], order_id: UUID) -> dict[str, Any]:
    """What was given back of an order, or is on its way, the newest first"""
    with reading() as session:
        actor = current_actor()
        Orders(session, actor).check(order_id)
        return Refunds(session, actor.person_id).given(order_id, args)


@blp.post("/<uuid:order_id>/refunds/")
@blp.requires("orders.manage")
@blp.idempotent()
@blp.arguments(GiveRefundSchema)
@blp.response(201, RefundSchema)
def create_refund(args: dict[str, Any], order_id: UUID) -> dict[str, Any]:
    """Give money back: an amount, what pieces cost, or all that is left"""
    with transaction() as session:
        return Refunds(session, current_actor().person_id).give(order_id, args)


@blp.get("/<uuid:order_id>/refund-requests/")
@blp.requires("orders.use")
@blp.arguments(RefundRequestQuery, location="query")
@blp.response(200, page_of(RefundRequestSchema))
def list_refund_requests_of_order(args: dict[str, Any], order_id: UUID) -> dict[str, Any]:
    """What the buyer asked back of an order, the newest first"""
    with reading() as session:
        actor = current_actor()
        Orders(session, actor).check(order_id)
        return Refunds(session, actor.person_id).page(args, order_id)


@blp.post("/<uuid:order_id>/refund-requests/")
@blp.requires("orders.use")
@blp.idempotent()
@blp.arguments(AskRefundSchema)
@blp.response(201, RefundRequestSchema)
def create_refund_request(args: dict[str, Any], order_id: UUID) -> dict[str, Any]:
    """Ask for money of a paid order: an amount, what pieces cost, or all that is left"""
    with transaction() as session:
        actor = current_actor()
        owner_id = Orders(session, actor).owner_id
        return Refunds(session, actor.person_id).ask(order_id, args, owner_id)


@blp.get("/refund-requests/")
@blp.requires("orders.manage")
@blp.arguments(RefundRequestQuery, location="query")
@blp.response(200, page_of(RefundRequestSchema))
def list_refund_requests(args: dict[str, Any]) -> dict[str, Any]:
    """What buyers asked back, the newest first"""
    with reading() as session:
        return Refunds(session, current_actor().person_id).page(args)


@blp.post("/refund-requests/<uuid:request_id>/approve/")
@blp.requires("orders.manage")
@blp.arguments(ApproveRefundSchema)
@blp.response(200, RefundRequestSchema)
def approve_refund_request(args: dict[str, Any], request_id: UUID) -> dict[str, Any]:
    """Give back what was asked, or another amount"""
    with transaction() as session:
        return Refunds(session, current_actor().person_id).approve(request_id, args)


@blp.post("/refund-requests/<uuid:request_id>/decline/")
@blp.requires("orders.manage")
@blp.arguments(DeclineRefundSchema)
@blp.response(200, RefundRequestSchema)
def decline_refund_request(args: dict[str, Any], request_id: UUID) -> dict[str, Any]:
    """Say no, and why"""
    with transaction() as session:
        return Refunds(session, current_actor().person_id).decline(request_id, args["note"])
